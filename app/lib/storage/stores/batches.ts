import type { StoredSegment } from '../../log/log-store.ts';

/** Cuts a list into stretches of at most `maxBytes` of sealed bytes each, at least one segment long. */
export function* batches(segments: readonly StoredSegment[], maxBytes: number): Iterable<StoredSegment[]> {
  let batch: StoredSegment[] = [];
  let bytes = 0;
  for (const segment of segments) {
    if (batch.length > 0 && bytes + segment.sealed.length > maxBytes) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(segment);
    bytes += segment.sealed.length;
  }
  if (batch.length > 0) yield batch;
}
