/** Segments in requests that the archive takes (ARCH-6). */
import { ARCHIVE_BATCH_BYTES, ARCHIVE_BATCH_SEGMENTS } from '../../core/archive-wire.ts';
import type { StoredSegment } from '../../log/log-store.ts';

/** Batches in the same order, none empty; a large segment alone. */
export async function* batchesOf(
  segments: AsyncIterable<StoredSegment>,
): AsyncGenerator<readonly StoredSegment[]> {
  let batch: StoredSegment[] = [];
  let bytes = 0;
  for await (const segment of segments) {
    const { length } = segment.sealed;
    if (
      batch.length > 0 &&
      (batch.length >= ARCHIVE_BATCH_SEGMENTS || bytes + length > ARCHIVE_BATCH_BYTES)
    ) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(segment);
    bytes += length;
  }
  if (batch.length > 0) yield batch;
}
