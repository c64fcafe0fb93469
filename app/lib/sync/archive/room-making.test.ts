/**
 * What an owner's device signs away of an archive full of anything: nothing that is not in it twice. Forks, broken signatures,
 * other epochs, junk, a device that is behind, requests that are lost, work that stops in the middle.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryArchive, type ArchiveFault, type ArchiveRequest } from '../../../testing/memory-archive.ts';
import { decodeSuperseding } from '../../core/archive-superseding.ts';
import { randomBytes, toHex, utf8, type Bytes } from '../../core/bytes.ts';
import { archiveKeys, deriveRoomKeys, type RoomKeys } from '../../crypto/room-keys.ts';
import { sign } from '../../crypto/signatures.ts';
import { chainKey } from '../../log/frontier.ts';
import type { StoredSegment } from '../../log/log-store.ts';
import { openSealed, seal } from '../../log/seal.ts';
import { decodeSegment, encodeSegment } from '../../log/segment.ts';
import { Forge, testRoom, type TestRoom } from '../../log/test-room.ts';
import { readLone } from '../lone-segment.ts';
import { holds, pieceOf, windowsOf, type Piece } from './contained.ts';
import { Refused } from './refused.ts';
import { registrationOf } from './registration.ts';
import { makeRoom, type RoomMade, type RoomMakingOptions } from './room-making.ts';

const MONTH_MS = 31 * 24 * 3_600_000;

class World {
  readonly archive = new MemoryArchive();
  readonly room: TestRoom;
  /** What rests on the owner's device. */
  readonly rest: StoredSegment[] = [];
  faults: (request: ArchiveRequest) => ArchiveFault | undefined = () => undefined;

  private constructor(room: TestRoom) {
    this.room = room;
  }

  static async make(): Promise<World> {
    const world = new World(await testRoom());
    const { genesis, keys } = world.room;
    expect(await world.server().register(await registrationOf(world.owner, keys, genesis, 1))).toMatchObject({
      ok: true,
    });
    return world;
  }

  get owner() {
    return { sign: (message: Bytes) => sign(this.room.owner.privateKey, message) };
  }

  server(faulty = false) {
    const { keys } = this.room;
    return this.archive.open(keys.roomId, archiveKeys(keys), faulty ? (one) => this.faults(one) : undefined);
  }

  async store(records: readonly Bytes[]): Promise<void> {
    for (let at = 0; at < records.length; at += 200)
      expect(await this.server().append(records.slice(at, at + 200))).toMatchObject({ ok: true });
  }

  async keep(sealed: Bytes): Promise<void> {
    const one = await readLone(this.room.keys, sealed);
    if (one === undefined) throw new Error('no segment');
    this.rest.push({ ...one, sealed });
  }

  async makeRoom(changed: Partial<RoomMakingOptions> = {}): Promise<RoomMade> {
    const { keys, genesis } = this.room;
    const instance = this.archive.instance(keys.roomId);
    if (instance === undefined) throw new Error('no room');
    const server = this.server(true);
    return makeRoom({
      server,
      keys,
      genesis,
      owner: this.owner,
      instance,
      worthBytes: 1,
      reachOf: () => Infinity,
      roster: undefined,
      isIdle: () => true,
      add: async (records) => (await server.append(records, 'squashed')).ok,
      atRest: async (chain, fromSeq) =>
        this.rest
          .filter((one) => chainKey(one) === chainKey(chain) && one.last >= fromSeq)
          .sort((a, b) => a.first - b.first),
      ...changed,
    });
  }

  get records(): readonly Bytes[] {
    return this.archive.segments(this.room.keys.roomId);
  }

  /** Every entry that a reader gets from the archive, and every record that is none. */
  async words(): Promise<Set<string>> {
    const words = new Set<string>();
    for (const sealed of this.records) {
      const one = await readLone(this.room.keys, sealed);
      if (one === undefined) words.add(toHex(sealed));
      else if (await one.signed())
        one.hashes.forEach((hash, i) => words.add(`${chainKey(one)} ${one.first + i} ${toHex(hash)}`));
    }
    return words;
  }
}

/** A chain of talk, of which any two with one session begin alike and differ after `common` entries. */
function chainOf(room: TestRoom, session: Forge['session'], length: number, story = 'a', common = 0): Forge {
  const forge = new Forge(room, session, 'talk');
  for (let i = 1; i <= length; i++) forge.add(utf8(`${i <= common ? 'both' : story} ${i}`));
  return forge;
}

/** The same entries under a signature that nobody made. */
async function badlySigned(keys: RoomKeys, sealed: Bytes): Promise<Bytes> {
  const body = await openSealed(keys, 'segment', sealed);
  const segment = body.ok ? decodeSegment(body.value) : undefined;
  if (!segment?.ok) throw new Error('no segment');
  return seal(keys, 'segment', encodeSegment({ ...segment.value, signature: randomBytes(64) }));
}

const everySecond = (length: number): number[] => Array.from({ length }, (_, i) => 2 * i);

describe('ARCH-29 making room', () => {
  test('of many pieces one is left in each 500, and after a month a reader has every word of it', async () => {
    const world = await World.make();
    const ann = chainOf(world.room, await world.room.newSession(), 1_030);
    const pieces = await ann.cut(everySecond(515));
    await world.store(pieces);
    for (const one of pieces) await world.keep(one);
    const words = await world.words();
    expect(await world.makeRoom()).toBe('done');
    expect(await world.server().status()).toMatchObject({ value: { segments: 3 } });
    expect(await world.words()).toEqual(words);
    world.archive.pass(MONTH_MS);
    expect(world.records).toHaveLength(3);
    expect(await world.words()).toEqual(words);
    // There is nothing more to be had, and nothing is signed for it.
    expect(await world.makeRoom()).toBe('done');
    expect(await world.server().superseded()).toMatchObject({ value: { counter: 1, segments: 0 } });
  });

  test('the rest of a chain goes too, and again when it has grown', async () => {
    const world = await World.make();
    const ann = chainOf(world.room, await world.room.newSession(), 60);
    const pieces = await ann.cut(everySecond(30));
    await world.store(pieces.slice(0, 20));
    for (const one of pieces) await world.keep(one);
    await world.makeRoom();
    await world.store(pieces.slice(20));
    const words = await world.words();
    await world.makeRoom();
    world.archive.pass(MONTH_MS);
    expect(world.records).toHaveLength(1);
    expect(await world.words()).toEqual(words);
  });

  test('what was taken back stays, and is not signed away again', async () => {
    const world = await World.make();
    const pieces = await chainOf(world.room, await world.room.newSession(), 20).cut(everySecond(10));
    await world.store(pieces);
    for (const one of pieces) await world.keep(one);
    const server = world.server();
    const superseded = { ...server, superseded: async () => ({ ok: true as const, value: reverted }) };
    const { value } = (await server.superseded()) as { value: { instance: Bytes; counter: number } };
    const reverted = { ...value, reverted: true, segments: 0, bytes: 0, goesAt: 0 };
    expect(await world.makeRoom({ server: superseded })).toBe('reverted');
    // Another owner's device was quicker.
    const late = {
      ...server,
      superseded: async () => ({ ok: true as const, value: { ...reverted, reverted: false } }),
    };
    await world.makeRoom();
    await world.store(pieces);
    expect(await world.makeRoom({ server: { ...late, livePage: (since) => server.page(since) } })).toBe(
      'left',
    );
  });

  test('in another copy than is known here nothing is looked at, added or signed', async () => {
    const world = await World.make();
    const pieces = await chainOf(world.room, await world.room.newSession(), 20).cut(everySecond(10));
    await world.store(pieces);
    for (const one of pieces) await world.keep(one);
    const asked: ArchiveRequest[] = [];
    world.faults = (request) => void asked.push(request);
    expect(await world.makeRoom({ instance: randomBytes(16) })).toBe('left');
    expect(asked).toEqual(['superseded']);
  });

  test('where the copy becomes another one while it is read, nothing is added or signed', async () => {
    const world = await World.make();
    const { genesis, keys } = world.room;
    const forge = chainOf(world.room, await world.room.newSession(), 20);
    const pieces = await forge.cut(everySecond(10));
    await world.store(pieces);
    for (const one of pieces) await world.keep(one);
    const asked: ArchiveRequest[] = [];
    world.faults = (request) => void asked.push(request);
    const server = world.server(true);
    const livePage = async (since: number) => {
      world.archive.replace();
      await world.server().register(await registrationOf(world.owner, keys, genesis, 1));
      await world.store(pieces);
      return server.livePage(since);
    };
    expect(await world.makeRoom({ server: { ...server, livePage } })).toBe('left');
    expect(asked).toEqual(['superseded', 'live']);
    expect(world.records).toHaveLength(pieces.length);
  });

  test('what is to stay is there before anything is signed away for it', async () => {
    const world = await World.make();
    for (let i = 0; i < 2; i++) {
      const pieces = await chainOf(world.room, await world.room.newSession(), 1_100).cut(everySecond(550));
      await world.store(pieces);
      for (const one of pieces) await world.keep(one);
    }
    const server = world.server();
    const signed: boolean[] = [];
    const supersede: typeof server.supersede = (statement) => {
      const read = decodeSuperseding(statement);
      const there = new Set(world.records.map((one) => toHex(sha256(one))));
      if (read.ok) for (const { by } of read.value.statement.groups) signed.push(there.has(toHex(by)));
      return server.supersede(statement);
    };
    expect(await world.makeRoom({ server: { ...server, supersede } })).toBe('done');
    // By more statements than one.
    expect(await server.superseded()).toMatchObject({ value: { counter: 2 } });
    expect(signed).toEqual(Array.from({ length: 6 }, () => true));
  });

  test.each(['says no', 'says nothing'])(
    'nothing is signed where what is to stay may not be there: it %s',
    async (says) => {
      const world = await World.make();
      const pieces = await chainOf(world.room, await world.room.newSession(), 20).cut(everySecond(10));
      await world.store(pieces);
      for (const one of pieces) await world.keep(one);
      const add = async (): Promise<boolean> => {
        if (says === 'says no') return false;
        throw new Refused({ reason: 'later' });
      };
      // A server that would believe anything.
      const signed: Bytes[] = [];
      const server = world.server();
      const supersede: typeof server.supersede = (statement) => {
        signed.push(statement);
        return server.superseded();
      };
      const made = world.makeRoom({ add, server: { ...server, supersede } });
      if (says === 'says no') expect(await made).toBe('left');
      else await expect(made).rejects.toThrow(Refused);
      expect(signed).toEqual([]);
    },
  );

  test('a copy with the same entries and a broken signature stands for nothing', async () => {
    const world = await World.make();
    const { keys } = world.room;
    const forge = chainOf(world.room, await world.room.newSession(), 12);
    const pieces = await forge.cut([4, 8]);
    const junk = await badlySigned(keys, await forge.segment(1, 12));
    await world.store([...pieces, junk]);
    for (const one of pieces) await world.keep(one);
    const words = await world.words();
    await world.makeRoom();
    world.archive.pass(MONTH_MS);
    expect(await world.words()).toEqual(words);
    expect(world.records).toHaveLength(1);
    expect(world.records).not.toContainEqual(junk);
  });

  test('what rests here with a broken signature stands for nothing', async () => {
    const world = await World.make();
    const forge = chainOf(world.room, await world.room.newSession(), 12);
    await world.store(await forge.cut(everySecond(6)));
    await world.keep(await badlySigned(world.room.keys, await forge.segment(1, 12)));
    expect(await world.makeRoom()).toBe('done');
    expect(await world.server().superseded()).toMatchObject({ value: { counter: 0 } });
    expect(world.records).toHaveLength(6);
  });

  test('what stays reaches no further than what may go', async () => {
    const world = await World.make();
    const { keys } = world.room;
    const pieces = await chainOf(world.room, await world.room.newSession(), 20).cut(everySecond(10));
    await world.store(pieces);
    for (const one of pieces) await world.keep(one);
    const words = await world.words();
    expect(await world.makeRoom({ reachOf: () => 13 })).toBe('done');
    world.archive.pass(MONTH_MS);
    expect(await world.words()).toEqual(words);
    const ends = await Promise.all(world.records.map((one) => readLone(keys, one)));
    expect(ends.map((one) => [one?.first, one?.last])).toEqual([
      [13, 14],
      [15, 16],
      [17, 18],
      [19, 20],
      [1, 12],
    ]);
  });

  test('what is not worth a statement is left', async () => {
    const world = await World.make();
    const pieces = await chainOf(world.room, await world.room.newSession(), 12).cut(everySecond(6));
    await world.store(pieces);
    for (const one of pieces) await world.keep(one);
    expect(await world.makeRoom({ worthBytes: 4_096 })).toBe('done');
    expect(await world.server().superseded()).toMatchObject({ value: { counter: 0 } });
    expect(world.records).toHaveLength(6);
  });

  test('a piece that begins before, goes on behind, or is of another story is not held', async () => {
    const world = await World.make();
    const { keys } = world.room;
    const session = await world.room.newSession();
    const ann = chainOf(world.room, session, 20, 'a', 10);
    const other = chainOf(world.room, session, 20, 'b', 10);
    const whole = await readLone(keys, await ann.segment(5, 15));
    if (whole === undefined) throw new Error('no segment');
    const held = async (sealed: Bytes) => {
      const piece = await pieceOf(keys, sealed);
      return piece !== undefined && holds(whole, piece);
    };
    for (const [first, last] of [
      [5, 15],
      [5, 5],
      [15, 15],
      [7, 10],
    ] as const)
      expect(await held(await ann.segment(first, last)), `${first} to ${last}`).toBe(true);
    for (const [first, last] of [
      [4, 5],
      [1, 15],
      [15, 16],
      [1, 4],
      [16, 20],
    ] as const)
      expect(await held(await ann.segment(first, last)), `${first} to ${last}`).toBe(false);
    expect(await held(await other.segment(5, 10))).toBe(true);
    expect(await held(await other.segment(5, 11))).toBe(false);
    const stranger = chainOf(world.room, await world.room.newSession(), 20, 'a', 10);
    expect(await held(await stranger.segment(7, 10))).toBe(false);
  });

  test('records that are no segments, or of keys that are not here, are no pieces; what crosses 500 is in no window', async () => {
    const world = await World.make();
    const { keys } = world.room;
    const forge = chainOf(world.room, await world.room.newSession(), 504);
    const next = await deriveRoomKeys('e', randomBytes(32), 1, keys.roomId);
    const own = await forge.segment(1, 2);
    const body = await openSealed(keys, 'segment', own);
    if (!body.ok) throw new Error('does not open');
    for (const sealed of [
      randomBytes(400),
      new Uint8Array(),
      own.slice(0, -1),
      await seal(keys, 'roster', utf8('a roster')),
      await seal(next, 'segment', body.value),
    ])
      expect(await pieceOf(keys, sealed)).toBeUndefined();
    const ends = [
      [1, 2],
      [499, 501],
      [499, 500],
      [501, 502],
      [3, 4],
    ] as const;
    const pieces: Piece[] = [];
    for (const [first, last] of ends) {
      const piece = await pieceOf(keys, await forge.segment(first, last));
      if (piece) pieces.push(piece);
    }
    const firsts = (reach: number) =>
      windowsOf(pieces, () => reach).map((window) => window.pieces.map(({ first }) => first));
    expect(firsts(Infinity)).toEqual([[1, 499, 3]]);
    // As far as the chain's may go.
    expect(firsts(499)).toEqual([[1, 3]]);
    expect(firsts(3)).toEqual([]);
  });
});

/** What the archive gets of a chain, and from where the owner's device has it. */
const chain = fc.record({
  length: fc.integer({ min: 1, max: 24 }),
  /** Before 500, or across it. */
  ahead: fc.constantFrom(0, 0, 0, 490),
  cuts: fc.array(fc.array(fc.integer({ min: 1, max: 24 }), { maxLength: 8 }), { minLength: 1, maxLength: 3 }),
  rest: fc.array(fc.integer({ min: 1, max: 24 }), { maxLength: 5 }),
  /** How much of it the device has. */
  behind: fc.constantFrom(0, 0, 0, 3),
  /** A second story, told to the archive alone. */
  forks: fc.boolean(),
  forge: fc.constantFrom('none', 'none', 'in-the-archive', 'at-rest'),
});
const plan = fc.record({
  chains: fc.array(chain, { minLength: 1, maxLength: 3 }),
  stopsAt: fc.option(fc.nat(60), { freq: 2 }),
  faults: fc.array(
    fc.constantFrom<ArchiveFault | undefined>(undefined, undefined, undefined, 'later', 'lost'),
    {
      minLength: 1,
      maxLength: 8,
    },
  ),
});

const RUNS = Number(process.env.RUNS ?? 12);
test(
  `ARCH-28, ARCH-29 [seed 2029, ${RUNS} runs] whatever is in the archive, every word that a reader could have had is still there`,
  async () => {
    let savedInAll = 0;
    await fc.assert(
      fc.asyncProperty(plan, async ({ chains, stopsAt, faults }) => {
        const world = await World.make();
        const { room } = world;
        let [asked, steps] = [0, 0];
        world.faults = () => faults[asked++ % faults.length];
        for (const one of chains) {
          const session = await room.newSession();
          const forge = chainOf(room, session, one.ahead + one.length, 'a', 2);
          const at = (cut: number): number => one.ahead + cut;
          for (const cuts of one.cuts) await world.store(await forge.cut([one.ahead, ...cuts.map(at)]));
          if (one.forks) {
            const other = chainOf(room, session, one.ahead + one.length + 1, 'b', 2);
            await world.store(await other.cut([one.ahead, ...one.rest.map(at)]));
          }
          const all = await forge.cut([one.ahead, ...one.rest.map(at)]);
          const rest = all.slice(0, Math.max(1, all.length - one.behind));
          for (const sealed of rest) await world.keep(sealed);
          const [first = new Uint8Array()] = rest;
          const forged = await badlySigned(
            room.keys,
            one.forge === 'at-rest' ? first : await forge.segment(1, one.length),
          );
          if (one.forge === 'in-the-archive') await world.store([forged]);
          if (one.forge === 'at-rest')
            world.rest.splice(
              world.rest.findIndex(({ sealed }) => sealed === first),
              1,
            );
          if (one.forge === 'at-rest') await world.keep(forged);
        }
        await world.store([randomBytes(300), await seal(room.keys, 'roster', utf8('a roster'))]);
        const words = await world.words();
        const isIdle = (): boolean => steps++ !== stopsAt;
        for (let round = 0; round < 3; round++) {
          await world
            .makeRoom({ isIdle })
            .catch((error: unknown) => expect(error).toMatchObject({ problem: {} }));
          const before = world.records.length;
          if (round > 0) world.archive.pass(MONTH_MS);
          savedInAll += before - world.records.length;
          const left = await world.words();
          for (const word of words) expect(left.has(word), word).toBe(true);
        }
      }),
      { seed: 2029, numRuns: RUNS, endOnFailure: RUNS < 100 },
    );
    // Where nothing ever went nothing was shown.
    expect(savedInAll).toBeGreaterThan(RUNS);
  },
  RUNS * 1_000,
);
