/**
 * Reading a whole log in batches. A batch is a transaction of its own (none stays open while the reader works), so a
 * squash may swap segments between two of them: then the chain in hand is read again from where the reader is.
 */
import type { IDBPDatabase } from 'idb';
import type { StoredSegment } from '../../log/log-store.ts';
import { batches } from './batches.ts';
import type { RoomSchema } from './indexeddb.ts';
import { isSegmentKey, keyOf, readIfPossible, readSegments } from './indexeddb-records.ts';

/** Sizes aren't known before reading: start small, then as many as the last ones say will fit. */
const FIRST_FETCH = 32;
const MOST_FETCHED = 1024;

/** Every segment, chain by chain, each by `first`. A segment larger than `maxBytes` comes alone. */
export async function* readAllSegments(
  db: IDBPDatabase<RoomSchema>,
  maxBytes: number,
): AsyncIterable<StoredSegment[]> {
  let swaps: unknown;
  let last: StoredSegment | undefined;
  let covered = 0;
  let fetch = FIRST_FETCH;
  for (;;) {
    const transaction = db.transaction(['segments', 'swaps'], 'readonly');
    const segments = transaction.objectStore('segments');
    const swapsNow = await readIfPossible(transaction.objectStore('swaps'), 'count');
    const fromKey = (range: IDBKeyRange | undefined): Promise<StoredSegment[]> =>
      readSegments(
        db,
        () => segments.getAll(range, fetch),
        () => db.getAllKeys('segments', range, fetch),
      );
    let found: StoredSegment[];
    if (last !== undefined && swapsNow !== swaps) {
      const { session, channel } = last;
      const rest = IDBKeyRange.bound([session, channel, covered + 1], [session, channel, []]);
      found = await readSegments(
        db,
        () => segments.index('byLast').getAll(rest),
        () => db.getAllKeysFromIndex('segments', 'byLast', rest),
      );
      found.sort((a, b) => a.first - b.first);
      // Nothing new in this chain: go on with the next.
      if (found.length === 0) found = await fromKey(after([session, channel, []]));
    } else found = await fromKey(last && after(keyOf(last)));
    swaps = swapsNow;
    if (found.length === 0) return;
    for (const batch of batches(found, maxBytes)) yield batch;
    for (const segment of found) {
      const sameChain = last?.session === segment.session && last.channel === segment.channel;
      if (isSegmentKey(keyOf(segment))) covered = sameChain ? Math.max(covered, segment.last) : segment.last;
      last = segment;
    }
    const bytes = found.reduce((sum, segment) => sum + segment.sealed.length, 1);
    fetch = Math.max(1, Math.min(MOST_FETCHED, Math.floor((maxBytes * found.length) / bytes)));
  }
}

const after = (key: unknown[]): IDBKeyRange => IDBKeyRange.lowerBound(key, true);
