/** Requests that the archive takes. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  ARCHIVE_BATCH_BYTES,
  ARCHIVE_BATCH_SEGMENTS,
  decodeBatch,
  encodeBatch,
} from '../../core/archive-wire.ts';
import type { SessionId } from '../../core/ids.ts';
import type { StoredSegment } from '../../log/log-store.ts';
import { batchesOf } from './batches.ts';

/** The same few buffers again and again: only lengths matter. */
const buffers = new Map<number, Uint8Array<ArrayBuffer>>();
const segment = (bytes: number, seq: number): StoredSegment => {
  const sealed = buffers.get(bytes) ?? new Uint8Array(bytes);
  buffers.set(bytes, sealed);
  return { session: 'a1' as SessionId, channel: 'project', first: seq, last: seq, sealed };
};
async function batched(lengths: readonly number[]): Promise<readonly StoredSegment[][]> {
  const batches: StoredSegment[][] = [];
  async function* source() {
    for (const [i, bytes] of lengths.entries()) yield segment(bytes, i + 1);
  }
  for await (const batch of batchesOf(source())) batches.push([...batch]);
  return batches;
}
const sum = (batch: readonly StoredSegment[]) =>
  batch.reduce((bytes, { sealed }) => bytes + sealed.length, 0);

const MIB = 1024 * 1024;

test('ARCH-6 [seed 4106, 60 runs] everything once and in order, within the caps, and no batch that the next would have fitted into', async () => {
  const lengths = fc.array(
    fc.constantFrom(1, 300, 40_000, MIB, ARCHIVE_BATCH_BYTES - 1, ARCHIVE_BATCH_BYTES, 5 * MIB),
    { maxLength: 450, size: 'max' },
  );
  await fc.assert(
    fc.asyncProperty(lengths, async (bytes) => {
      const batches = await batched(bytes);
      expect(batches.flat().map(({ first }) => first)).toEqual(bytes.map((_, i) => i + 1));
      for (const [i, batch] of batches.entries()) {
        expect(batch.length).toBeGreaterThan(0);
        expect(batch.length).toBeLessThanOrEqual(ARCHIVE_BATCH_SEGMENTS);
        if (batch.length > 1) expect(sum(batch)).toBeLessThanOrEqual(ARCHIVE_BATCH_BYTES);
        const next = batches[i + 1]?.[0];
        if (next === undefined) continue;
        const full =
          batch.length === ARCHIVE_BATCH_SEGMENTS || sum(batch) + next.sealed.length > ARCHIVE_BATCH_BYTES;
        expect(full).toBe(true);
      }
    }),
    { seed: 4106, numRuns: 60 },
  );
});

test('ARCH-6 each batch is one that the wire takes', async () => {
  for (const batch of await batched([1, 4 * MIB, 20 * MIB, 3, ...Array.from({ length: 300 }, () => 20_000)]))
    expect(decodeBatch(encodeBatch(batch.map(({ sealed }) => sealed))).ok).toBe(true);
  expect(await batched([])).toEqual([]);
});
