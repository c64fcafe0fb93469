import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { utf8, type Bytes } from '../core/bytes.ts';
import type { Channel } from '../core/ids.ts';
import { MAX_SEGMENT_ENTRIES, TAIL_SEGMENT_ENTRIES } from './format.ts';
import { HELD_PER_SESSION_BYTES } from './held-segments.ts';
import type { StoredSegment } from './log-store.ts';
import type { Accepted } from './receipt.ts';
import { HELD_OF_A_FILE, takeAll, type NamedSegment } from './room-file-take.ts';
import { RoomLog } from './room-log.ts';
import { squash } from './squash.ts';
import { applyTo, Author, Forge, rawUpdate, stateHash, testRoom, type TestRoom } from './test-room.ts';

const SEED = 3202;

const named = (segments: readonly Bytes[]) =>
  async function* (): AsyncGenerator<NamedSegment<number>> {
    for (const [name, sealed] of segments.entries()) yield { name, sealed };
  };

async function fold(log: RoomLog, segments: readonly Bytes[]) {
  const doc = new Y.Doc();
  const taken = await takeAll(log, named(segments), (accepted) => applyTo(doc, { accepted: [accepted] }));
  return { taken, hash: stateHash(doc), frontier: log.frontier() };
}

const inOrder = (rows: ReturnType<RoomLog['frontier']>) =>
  [...rows].sort((a, b) => (a.session + a.channel < b.session + b.channel ? -1 : 1));

const stored = ({ session, channel, first, last, sealed }: Accepted): StoredSegment => ({
  session: session.id,
  channel,
  first,
  last,
  sealed,
});

test(`ROOM-6 [seed ${SEED}, 8 runs] squashed or not, in any order, repeated: equal state hash and frontier`, async () => {
  const room = await testRoom();
  const burst = fc.tuple(
    fc.nat(1),
    fc.constantFrom<Channel>('project', 'talk', 'runs'),
    fc.integer({ min: 1, max: 40 }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom<Channel>('project', 'talk', 'runs'),
      fc.array(burst, { minLength: 2, maxLength: 8 }),
      fc.infiniteStream(fc.double({ min: -1, max: 1, noNaN: true })),
      async (long, bursts, random) => {
        const { all, author } = await write(room, [[0, long, TAIL_SEGMENT_ENTRIES], ...bursts]);
        const squashed = await squashedOf(room, all);
        expect(squashed.length).toBeLessThan(all.length);
        for (const kept of [all, squashed]) {
          const given = [...kept, ...kept.slice(0, 3)].map(({ sealed }) => sealed);
          given.sort(() => Number(random.next().value));
          const folded = await fold(room.newLog(), given);
          expect(folded.taken).toEqual({ refused: [], unknownFormat: [], unplaced: [] });
          expect(folded.hash).toBe(stateHash(author.doc));
          expect(inOrder(folded.frontier)).toEqual(inOrder(author.log.frontier()));
        }
      },
    ),
    { seed: SEED, numRuns: 8 },
  );
}, 60_000);

/** Two authors who hear each other write so many entries in turn. */
async function write(
  room: TestRoom,
  bursts: readonly (readonly [who: number, channel: Channel, entries: number])[],
): Promise<{ all: StoredSegment[]; author: Author }> {
  const [ann, ben] = [new Author(room, await room.newSession()), new Author(room, await room.newSession())];
  const all: StoredSegment[] = [];
  for (const [who, channel, entries] of bursts)
    for (let i = 0; i < entries; i++) {
      const [author, other] = who === 0 ? [ann, ben] : [ben, ann];
      const written = await writeOne(author, channel, `word ${i} `);
      all.push(stored(written));
      await other.receive(written.sealed);
    }
  return { all, author: ann };
}

async function writeOne(author: Author, channel: Channel, word: string): Promise<Accepted> {
  if (channel === 'project') {
    const edited = await author.edit((text) => text.insert(text.length, word));
    if (edited === undefined) throw new Error('nothing was written');
    return edited;
  }
  const appended = await author.log.append(author.session, channel, utf8(word), 5);
  if (!appended.ok) throw new Error(appended.error.code);
  return appended.value;
}

/** As a store keeps them: whole windows in one segment, the tail as it came. */
async function squashedOf(room: TestRoom, all: readonly StoredSegment[]): Promise<StoredSegment[]> {
  const chains = Map.groupBy(all, ({ session, channel }) => `${session}/${channel}`);
  const kept: StoredSegment[] = [];
  for (const chain of chains.values()) {
    let rest = chain;
    for (const by of [MAX_SEGMENT_ENTRIES, TAIL_SEGMENT_ENTRIES] as const)
      for (const { replaced, segment } of await squash(room.keys, rest, by))
        rest = [...rest.filter((one) => !replaced.includes(one)), segment];
    kept.push(...rest);
  }
  return kept;
}

test('ROOM-6 what waits for a segment further on is settled in one reading while there is room', async () => {
  const room = await testRoom();
  const { all } = await write(room, [
    [0, 'project', 3],
    [1, 'project', 3],
    [0, 'project', 3],
  ]);
  let reads = 0;
  // Chain by chain, as stores give them: the second half of the first waits for the other.
  const segments = [...all.slice(0, 3), ...all.slice(6), ...all.slice(3, 6)].map(({ sealed }) => sealed);
  const taken = await takeAll(
    room.newLog(),
    () => (reads++, named(segments)()),
    () => undefined,
  );
  expect(taken.unplaced).toEqual([]);
  expect(reads).toBe(1);
});

test('ROOM-6 what did not fit into what may be held is read again; of a file more may be held', async () => {
  const room = await testRoom();
  const [ann, ben] = [new Author(room, await room.newSession()), new Author(room, await room.newSession())];
  const first = await ben.edit((text) => text.insert(0, 'b'));
  if (first === undefined) throw new Error('nothing was written');
  await ann.receive(first.sealed);
  // More than may be held, and all of it waits for the other's first word.
  for (let i = 0; i < 40; i++) await ann.edit((text) => text.insert(0, noise(20_000)));
  const segments = [...ann.sealed, first.sealed];
  expect(segments.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThan(HELD_PER_SESSION_BYTES * 1.5);

  const { roomId } = room.genesis;
  const patient = new RoomLog({ roomId, keys: room.keys, genesis: room.genesis, held: HELD_OF_A_FILE });
  for (const [log, times] of [
    [room.newLog(), 2],
    [patient, 1],
  ] as const) {
    let reads = 0;
    const read = () => (reads++, named(segments)());
    expect(await takeAll(log, read, () => undefined)).toEqual({
      refused: [],
      unknownFormat: [],
      unplaced: [],
    });
    expect(inOrder(log.frontier())).toEqual(inOrder(ann.log.frontier()));
    expect(reads).toBe(times);
  }
});

/** Text that does not deflate. */
let state = SEED;
const noise = (characters: number): string =>
  Array.from({ length: characters }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return String.fromCharCode(0x4e00 + ((state >>> 8) % 20_000));
  }).join('');

test('ROOM-6 refused, of an unknown format, without what it follows: each is told with its code', async () => {
  const room = await testRoom();
  const honest = new Author(room, await room.newSession());
  await honest.edit((text) => text.insert(0, 'kept'));
  const liar = await room.newSession();
  const forge = new Forge(room, liar).add(rawUpdate(liar.clientId + 1, 0, [{}]));
  const orphan = new Forge(room, await room.newSession(), 'talk').add(utf8('one')).add(utf8('two'));
  const newer = honest.sealed[0]?.slice() ?? new Uint8Array();
  newer[0] = 99;
  const damaged = honest.sealed[0]?.slice() ?? new Uint8Array();
  damaged[40] = (damaged[40] ?? 0) ^ 1;
  const { taken, hash } = await fold(room.newLog(), [
    await forge.segment(1, 1),
    ...honest.sealed,
    newer,
    await orphan.segment(2, 2),
    damaged,
  ]);
  expect(taken.refused.map(({ name, refusal }) => [name, refusal.code])).toEqual([
    [0, 'foreign-struct'],
    [4, 'not-ours'],
  ]);
  expect(taken.unknownFormat).toEqual([2]);
  expect(taken.unplaced).toEqual([3]);
  expect(hash).toBe(stateHash(honest.doc));
});
