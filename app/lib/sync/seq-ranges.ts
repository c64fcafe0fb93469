/** Stretches of seqs, both ends inclusive: what of one is missing, and what several come to together. Pure. */
import { chainKey } from '../log/frontier.ts';
import type { SegmentAddress } from '../log/log-store.ts';

export type SeqRange = readonly [first: number, last: number];

/** What of `whole` is in none of `parts`, ascending. */
export function without([first, last]: SeqRange, parts: readonly SeqRange[]): SeqRange[] {
  const left: SeqRange[] = [];
  let next = first;
  for (const [from, to] of [...parts].sort((a, b) => a[0] - b[0])) {
    if (from > last) break;
    if (from > next) left.push([next, from - 1]);
    next = Math.max(next, to + 1);
  }
  if (next <= last) left.push([next, last]);
  return left;
}

/** The same seqs, each once, ascending. */
export function union(ranges: readonly SeqRange[]): SeqRange[] {
  const joined: SeqRange[] = [];
  for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const before = joined.at(-1);
    if (before === undefined || from > before[1] + 1) joined.push([from, to]);
    else joined[joined.length - 1] = [before[0], Math.max(before[1], to)];
  }
  return joined;
}

export const countSeqs = (ranges: readonly SeqRange[]): number =>
  ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);

/** By chain (chainKey), what these hold. */
export function rangesOf(addresses: readonly SegmentAddress[]): Map<string, SeqRange[]> {
  const ranges = new Map<string, SeqRange[]>();
  for (const address of addresses) {
    const key = chainKey(address);
    const before = ranges.get(key);
    if (before) before.push([address.first, address.last]);
    else ranges.set(key, [[address.first, address.last]]);
  }
  return ranges;
}
