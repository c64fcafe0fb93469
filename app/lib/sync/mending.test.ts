/** What a peer sends for what is missing at rest is stored only where it is exactly what the log has accepted. */
import { beforeEach, expect, it } from 'vitest';
import { Author, Forge, testRoom, type TestRoom } from '../log/test-room.ts';
import type { StoredSegment } from '../log/log-store.ts';
import { openSealed, seal } from '../log/seal.ts';
import { memoryStore } from '../storage/stores/memory.ts';
import type { Bytes } from '../core/bytes.ts';
import { LogAtRest } from './log-at-rest.ts';
import { isWhole, placeOf } from './segment-check.ts';
import { countSeqs, union, without } from './seq-ranges.ts';
import { Shelf } from './shelf.ts';

let room: TestRoom;
beforeEach(async () => {
  room = await testRoom();
});

/** A log of five entries, of which the store has lost one. */
async function losing(lost: number) {
  const author = new Author(room, await room.newSession());
  for (let i = 0; i < 5; i++) await author.edit((text) => text.insert(i, 'x'));
  const stored = await Promise.all(author.sealed.map((sealed) => placeOf(room.keys, sealed)));
  const store = memoryStore();
  await store.append(stored.filter((one): one is StoredSegment => one !== undefined && one.first !== lost));
  const shelf = new Shelf({ store, onChange: () => undefined, onError: () => undefined });
  let asks = 0;
  const atRest = new LogAtRest({
    keys: room.keys,
    device: author.session.device,
    store,
    log: author.log,
    shelf,
    settled: () => shelf.settled(),
    onMissing: () => asks++,
    onDamage: () => undefined,
    onError: (what, error) => {
      throw new Error(what, { cause: error });
    },
  });
  await atRest.survey();
  const firsts = async (): Promise<number[]> => (await store.addresses()).map(({ first }) => first).sort();
  return { author, atRest, firsts, asks: () => asks };
}

it('SYNC-16: takes the very segment, asks for it once, and no more than it lacks', async () => {
  const { author, atRest, firsts, asks } = await losing(3);
  expect([atRest.lacking, asks()]).toEqual([true, 1]);
  expect(atRest.missingFrom(author.log.frontier())).toMatchObject([{ fromSeq: 3, toSeq: 3 }]);
  expect(atRest.missingFrom(author.log.frontier().map((row) => ({ ...row, seq: 2 })))).toEqual([]);
  expect(await atRest.took([author.sealed[1] as Bytes], 0), 'is there already').toBe(0);
  expect(await atRest.took([author.sealed[2] as Bytes], 0)).toBe(1);
  expect([atRest.lacking, asks(), await firsts()]).toEqual([false, 1, [1, 2, 3, 4, 5]]);
  atRest.dispose();
});

it('SYNC-16: stores nothing with another signature, other entries, or of another chain', async () => {
  const { author, atRest, firsts } = await losing(3);
  const opened = await openSealed(room.keys, 'segment', author.sealed[2] as Bytes);
  if (!opened.ok) throw new Error(opened.error.kind);
  const unsigned = opened.value.slice();
  unsigned[unsigned.length - 1]! ^= 1;
  const fork = new Forge(room, author.session);
  for (let i = 0; i < 3; i++) fork.add(new Uint8Array([0, 0]));
  const [other = new Uint8Array()] = await fork.cut([3]);
  for (const sealed of [await seal(room.keys, 'segment', unsigned), other, new Uint8Array(9)])
    expect(await atRest.took([sealed], 0)).toBe(0);
  expect([atRest.lacking, await firsts()]).toEqual([true, [1, 2, 4, 5]]);
  atRest.dispose();
});

it('SYNC-15: a segment is whole only where it belongs', async () => {
  const { author, atRest } = await losing(3);
  atRest.dispose();
  const place = await placeOf(room.keys, author.sealed[1] as Bytes);
  if (place === undefined) throw new Error('a segment that does not verify');
  expect(await isWhole(room.keys, place)).toBe(true);
  const moves = [{ first: 1 }, { last: 3 }, { channel: 'runs' }, { session: 'f0'.repeat(32) }];
  for (const move of moves)
    expect(await isWhole(room.keys, { ...place, ...move } as StoredSegment)).toBe(false);
});

it('counts seqs in stretches', () => {
  expect(without([1, 10], [])).toEqual([[1, 10]]);
  const held = [[8, 20] as const, [2, 3] as const, [3, 5] as const];
  expect(without([1, 10], held)).toEqual([
    [1, 1],
    [6, 7],
  ]);
  expect(without([2, 5], held)).toEqual([]);
  expect(union(held)).toEqual([
    [2, 5],
    [8, 20],
  ]);
  expect(
    union([
      [1, 2],
      [3, 4],
    ]),
  ).toEqual([[1, 4]]);
  expect(countSeqs(union(held))).toBe(17);
});
