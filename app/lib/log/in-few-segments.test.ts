/** What is sent to where each segment costs: a chain in as few segments as can be, from any cuts of it. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { MAX_SEGMENT_ENTRIES } from './format.ts';
import type { StoredSegment } from './log-store.ts';
import { openSealed } from './seal.ts';
import { decodeSegment, lastSeq } from './segment.ts';
import { inFewSegments } from './squash.ts';
import { Forge, testRoom, type TestRoom } from './test-room.ts';

const ENTRIES = 1_250;
let room: TestRoom;
let chain: Forge;
beforeAll(async () => {
  room = await testRoom();
  chain = new Forge(room, await room.newSession(), 'talk');
  for (let seq = 1; seq <= ENTRIES; seq++)
    chain.add(Uint8Array.of(seq % 256, seq >> 8), undefined, 1_000 + seq);
});

const stored = async (of: Forge, first: number, last: number): Promise<StoredSegment> => ({
  session: of.session.id,
  channel: of.channel,
  first,
  last,
  sealed: await of.segment(first, last),
});
const range = ({ first, last }: StoredSegment): [number, number] => [first, last];
const multiples = [500, 1000];
const crosses = ([first, last]: readonly [number, number], at: number): boolean => first <= at && last > at;

/** How far `ranges` reach from `fromSeq` without a gap; before it where they don't hold it. */
function reach(ranges: readonly (readonly [number, number])[], fromSeq: number): number {
  let end = fromSeq - 1;
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0]))
    if (first <= end + 1) end = Math.max(end, last);
  return end;
}

/** The range that each segment says inside it holds, which a fresh log must take in this order. */
async function takenFrom(few: readonly StoredSegment[], fromSeq: number): Promise<[number, number][]> {
  const log = room.newLog();
  for (let seq = 1; seq < fromSeq; seq += MAX_SEGMENT_ENTRIES)
    await log.receive(await chain.segment(seq, Math.min(seq + MAX_SEGMENT_ENTRIES, fromSeq) - 1));
  const ranges: [number, number][] = [];
  for (const segment of few) {
    const body = await openSealed(room.keys, 'segment', segment.sealed);
    const decoded = body.ok ? decodeSegment(body.value) : undefined;
    if (!decoded?.ok) throw new Error('does not read');
    expect(range(segment)).toEqual([decoded.value.first, lastSeq(decoded.value)]);
    const receipt = await log.receive(segment.sealed);
    expect(receipt.refused).toBeUndefined();
    expect(receipt.held).toBeUndefined();
    for (const { entries } of receipt.accepted)
      for (const { seq, payload, time } of entries)
        expect([[...payload], time]).toEqual([[seq % 256, seq >> 8], 1_000 + seq]);
    ranges.push(range(segment));
  }
  const end = ranges.at(-1)?.[1] ?? fromSeq - 1;
  expect(log.frontier()[0]?.seq ?? 0).toBe(end);
  return ranges;
}

const cover = fc.record({
  cuts: fc.array(
    fc.record({
      length: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 30, max: MAX_SEGMENT_ENTRIES })),
      back: fc.oneof(fc.constant(0), fc.nat(40)),
    }),
    { minLength: 1, maxLength: 16 },
  ),
  dropped: fc.nat(30),
  damaged: fc.nat(40),
  fromSeq: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 900 })),
  order: fc.infiniteStream(fc.nat(1_000)),
});

describe('ARCH-16 a chain in few segments', () => {
  test('[seed 4116, 60 runs] any overlapping cuts: all of it to the first gap, nothing else, and what is damaged ends it', async () => {
    await fc.assert(
      fc.asyncProperty(cover, async ({ cuts, dropped, damaged, fromSeq, order }) => {
        const all: StoredSegment[] = [];
        let end = 0;
        for (const { length, back } of cuts) {
          const first = Math.max(1, end + 1 - back);
          const last = Math.min(ENTRIES, first + length - 1);
          if (last < first) break;
          all.push(await stored(chain, first, last));
          end = Math.max(end, last);
        }
        const kept = all.filter((_, i) => i !== dropped);
        const shuffled = kept
          .map((segment) => ({ segment, at: order.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ segment }) => segment);
        const few = await inFewSegments(room.viewKeys, shuffled, fromSeq);
        const ranges = await takenFrom(few, fromSeq);
        expect(reach(ranges, fromSeq)).toBe(reach(kept.map(range), fromSeq));
        expect(few.length).toBeLessThanOrEqual(kept.length);
        for (const one of ranges) {
          expect(one[1] - one[0]).toBeLessThan(MAX_SEGMENT_ENTRIES);
          for (const at of multiples)
            if (crosses(one, at)) expect(kept.some((part) => crosses(range(part), at))).toBe(true);
        }

        const broken = shuffled[damaged];
        if (broken === undefined) return;
        const sealed = broken.sealed.slice();
        sealed[sealed.length - 1] = (sealed.at(-1) ?? 0) ^ 1;
        const withDamage = shuffled.map((one) => (one === broken ? { ...one, sealed } : one));
        const prefix = await takenFrom(await inFewSegments(room.viewKeys, withDamage, fromSeq), fromSeq);
        expect(reach(prefix, fromSeq)).toBeLessThanOrEqual(reach(kept.map(range), fromSeq));
      }),
      { seed: 4116, numRuns: Number(process.env['RUNS'] ?? 60) },
    );
  }, 300_000);

  test('single keys become one segment for each 500', async () => {
    const keys: StoredSegment[] = [];
    for (let seq = 1; seq <= 1_100; seq++) keys.push(await stored(chain, seq, seq));
    expect((await inFewSegments(room.keys, keys, 1)).map(range)).toEqual([
      [1, 500],
      [501, 1_000],
      [1_001, 1_100],
    ]);
    expect((await inFewSegments(room.keys, keys, 701)).map(range)).toEqual([
      [701, 1_000],
      [1_001, 1_100],
    ]);
    expect(await inFewSegments(room.keys, keys, 1_101)).toEqual([]);
    expect(await inFewSegments(room.keys, keys.slice(5), 3)).toEqual([]);
  });

  test('what is one segment already is sent as it is', async () => {
    const one = await stored(chain, 1, 80);
    expect(await inFewSegments(room.keys, [one], 41)).toEqual([one]);
  });

  test('an entry above 1 MiB stays alone, and no more than 4 MiB go together', async () => {
    const big = new Forge(room, await room.newSession(), 'talk');
    const sizes = [10, 1.5 * 1024 * 1024, 10, 10, ...Array.from({ length: 6 }, () => 900 * 1024)];
    for (const [i, size] of sizes.entries()) big.add(new Uint8Array(size).fill(i));
    const parts: StoredSegment[] = [];
    for (let seq = 1; seq <= sizes.length; seq++) parts.push(await stored(big, seq, seq));
    const few = await inFewSegments(room.keys, parts, 1);
    expect(few.map(range)).toEqual([
      [1, 1],
      [2, 2],
      [3, 8],
      [9, 10],
    ]);
    const log = room.newLog();
    for (const { sealed } of few) expect((await log.receive(sealed)).refused).toBeUndefined();
    expect(log.frontier()[0]?.seq).toBe(sizes.length);
  });
});
