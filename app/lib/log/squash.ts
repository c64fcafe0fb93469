/**
 * Squashing: many short segments of a chain become one, with no key of their author's (LOG-9). Entries, times and
 * hashes stay; only signatures in between go, because the last one vouches for all before it.
 */
import { equalBytes, type Bytes } from '../core/bytes.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import { chainHashes, chainStart, type Entry } from './entry.ts';
import type { TAIL_SEGMENT_ENTRIES } from './format.ts';
import { ALONE_ABOVE_BYTES, MAX_SEGMENT_ENTRIES, MAX_SQUASHED_BYTES } from './format.ts';
import type { StoredSegment } from './log-store.ts';
import { openSealed, seal } from './seal.ts';
import { decodeSegment, encodeSegment, lastSeq, type Segment } from './segment.ts';

export interface Squashed {
  /** Stored segments whose entries `segment` holds, all of them. */
  readonly replaced: readonly StoredSegment[];
  readonly segment: StoredSegment;
}

/** 500, or 100 for the entries after the last 500: a live tail of single keys is most of a short history's bytes. */
export type SquashWindow = typeof MAX_SEGMENT_ENTRIES | typeof TAIL_SEGMENT_ENTRIES;

/**
 * Squashes what `stored` (accepted segments of one chain, in any order, overlapping or not) has whole of entries
 * 1..500, 501..1000 and so on (or of hundreds). Windows that are incomplete, damaged or already as short as they get are left out.
 */
export async function squash(
  keys: RoomKeys,
  stored: readonly StoredSegment[],
  windowEntries: SquashWindow = MAX_SEGMENT_ENTRIES,
): Promise<Squashed[]> {
  const squashed: Squashed[] = [];
  const windows = new Map<number, StoredSegment[]>();
  for (const segment of stored) {
    const window = Math.ceil(segment.last / windowEntries);
    const others = windows.get(window);
    // One that reaches over a boundary has no signature there: it stays as it is.
    if (segment.first <= (window - 1) * windowEntries) continue;
    if (others) others.push(segment);
    else windows.set(window, [segment]);
  }
  for (const [window, segments] of windows) {
    const end = window * windowEntries;
    const path = pathThrough(segments, end - windowEntries + 1, end);
    if (path !== undefined && path.length > 1) squashed.push(...(await squashPath(keys, path, segments)));
  }
  return squashed;
}

/** Segments that together hold `start` to `end` without a gap, each as long as possible. */
function pathThrough(
  segments: readonly StoredSegment[],
  start: number,
  end: number,
): StoredSegment[] | undefined {
  const byFirst = [...segments].sort((a, b) => a.first - b.first);
  const path: StoredSegment[] = [];
  let next = start;
  let at = 0;
  while (next <= end) {
    let furthest: StoredSegment | undefined;
    for (let one = byFirst[at]; one !== undefined && one.first <= next; one = byFirst[++at])
      if (one.last >= next && one.last > (furthest?.last ?? 0)) furthest = one;
    if (furthest === undefined) return undefined;
    path.push(furthest);
    next = furthest.last + 1;
  }
  return path;
}

interface Group {
  readonly start: Pick<Segment, 'first' | 'certificate' | 'before'>;
  readonly entries: Entry[];
  bytes: number;
  parts: number;
  end: Segment;
}

async function squashPath(
  keys: RoomKeys,
  path: readonly StoredSegment[],
  all: readonly StoredSegment[],
): Promise<Squashed[]> {
  const groups: Group[] = [];
  let open: Group | undefined;
  let hash: Bytes | undefined;
  let next = path[0]?.first ?? 1;
  for (const { sealed } of path) {
    const body = await openSealed(keys, 'segment', sealed);
    const decoded = body.ok ? decodeSegment(body.value) : undefined;
    if (!decoded?.ok) return [];
    const segment = decoded.value;
    const before = segment.certificate ? chainStart(segment.certificate, segment.channel) : segment.before;
    if (before === undefined) return [];
    const hashes = [before, ...(await chainHashes(before, segment.first, segment.entries))];
    const link = hashes[next - segment.first];
    if (link === undefined || (hash !== undefined && !equalBytes(link, hash))) return [];

    const entries = segment.entries.slice(next - segment.first);
    const bytes = entries.reduce((sum, entry) => sum + entry.payload.length + entry.heads.length, 0);
    const alone = entries.some(({ payload }) => payload.length > ALONE_ABOVE_BYTES);
    if (open === undefined || alone || open.bytes + bytes > MAX_SQUASHED_BYTES) {
      const start =
        next === 1 && segment.certificate
          ? { first: 1, certificate: segment.certificate }
          : { first: next, before: link };
      groups.push((open = { start, entries, bytes, parts: 1, end: segment }));
    } else {
      open.entries.push(...entries);
      open.bytes += bytes;
      open.parts++;
      open.end = segment;
    }
    if (alone) open = undefined;
    hash = hashes.at(-1);
    next = lastSeq(segment) + 1;
  }
  return Promise.all(groups.filter(({ parts }) => parts > 1).map((group) => sealGroup(keys, group, all)));
}

async function sealGroup(
  keys: RoomKeys,
  { start, entries, end }: Group,
  all: readonly StoredSegment[],
): Promise<Squashed> {
  const { session, channel, publicKey, signature } = end;
  const { first } = start;
  const last = first + entries.length - 1;
  const sealed = await seal(
    keys,
    'segment',
    encodeSegment({ publicKey, channel, ...start, entries, signature }),
  );
  return {
    replaced: all.filter((one) => one.first >= first && one.last <= last).sort((a, b) => a.first - b.first),
    segment: { session, channel, first, last, sealed },
  };
}
