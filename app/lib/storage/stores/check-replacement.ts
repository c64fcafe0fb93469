/** A swap of segments must hold every entry it takes away: a mistake in squashing is stopped before it loses anything. */
import type { StoredSegment } from '../../log/log-store.ts';

/** Throws a RangeError (a broken invariant of the caller) when an entry of `shorter` is in none of `longer`. */
export function checkReplacement(shorter: readonly StoredSegment[], longer: readonly StoredSegment[]): void {
  for (const segment of shorter) {
    let next = segment.first;
    const same = longer
      .filter((one) => one.session === segment.session && one.channel === segment.channel)
      .sort((a, b) => a.first - b.first);
    for (const one of same) if (one.first <= next && one.last >= next) next = one.last + 1;
    if (next <= segment.last)
      throw new RangeError(
        `replacing would lose ${segment.channel} ${segment.session.slice(0, 8)}… seq ${next}`,
      );
  }
}
