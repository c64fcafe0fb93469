/**
 * Squashing: many short segments of a chain become one, with no key of their author's (LOG-9). Entries, times and
 * hashes stay; only signatures in between go, because the last one vouches for all before it.
 */
import { equalBytes, type Bytes } from '../core/bytes.ts';
import { keysOfEpoch, type RoomKeys } from '../crypto/room-keys.ts';
import { chainHashes, chainStart, type Entry } from './entry.ts';
import type { TAIL_SEGMENT_ENTRIES } from './format.ts';
import { ALONE_ABOVE_BYTES, MAX_SEGMENT_ENTRIES, MAX_SQUASHED_BYTES } from './format.ts';
import type { StoredSegment } from './log-store.ts';
import { epochOf, openSealed, seal } from './seal.ts';
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
    const path = pathFrom(segments, end - windowEntries + 1, end);
    if (path.length < 2 || (path.at(-1)?.last ?? 0) < end) continue;
    for (const group of await groupsOf(keys, path))
      if (group.parts > 1) squashed.push(await sealGroup(keys, group, segments));
  }
  return squashed;
}

/**
 * What `stored` (as for `squash`) holds from `fromSeq` on without a gap, in as few segments as can be and none across a
 * multiple of 500 that a signature allows to cut at: to be sent where each segment costs. Entries before `fromSeq` may come
 * with the first. Empty where what is stored does not read.
 */
export async function inFewSegments(
  keys: RoomKeys,
  stored: readonly StoredSegment[],
  fromSeq: number,
): Promise<StoredSegment[]> {
  const path = pathFrom(stored, fromSeq, Infinity);
  const few: StoredSegment[] = [];
  for (let at = 0; at < path.length;) {
    const window = windowOf(path[at]);
    const end = path.findIndex((segment, i) => i > at && windowOf(segment) !== window);
    const part = path.slice(at, end === -1 ? undefined : end);
    const groups = await groupsOf(keys, part);
    if (groups.length === 0) return few;
    for (const group of groups)
      few.push(group.parts > 1 ? (await sealGroup(keys, group, part)).segment : group.only);
    at += part.length;
  }
  return few;
}

const windowOf = (segment: StoredSegment | undefined): number =>
  Math.ceil((segment?.last ?? 0) / MAX_SEGMENT_ENTRIES);

/** Segments that together hold `start` to `end`, or as far as there is no gap, each as long as possible. */
function pathFrom(segments: readonly StoredSegment[], start: number, end: number): StoredSegment[] {
  const byFirst = [...segments].sort((a, b) => a.first - b.first);
  const path: StoredSegment[] = [];
  let next = start;
  let at = 0;
  while (next <= end) {
    let furthest: StoredSegment | undefined;
    for (let one = byFirst[at]; one !== undefined && one.first <= next; one = byFirst[++at])
      if (one.last >= next && one.last > (furthest?.last ?? 0)) furthest = one;
    if (furthest === undefined) return path;
    path.push(furthest);
    next = furthest.last + 1;
  }
  return path;
}

interface Group {
  /** The segment itself, where it is the only part. */
  readonly only: StoredSegment;
  readonly start: Pick<Segment, 'first' | 'certificate' | 'before'>;
  readonly entries: Entry[];
  bytes: number;
  parts: number;
  end: Segment;
}

/** What of a path can be one segment each; nothing where it does not read, or is not one chain. */
async function groupsOf(keys: RoomKeys, path: readonly StoredSegment[]): Promise<Group[]> {
  const groups: Group[] = [];
  let open: Group | undefined;
  let hash: Bytes | undefined;
  let next = path[0]?.first ?? 1;
  for (const stored of path) {
    const body = await openSealed(keys, 'segment', stored.sealed);
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
    const full =
      open !== undefined &&
      (open.bytes + bytes > MAX_SQUASHED_BYTES || open.entries.length + entries.length > MAX_SEGMENT_ENTRIES);
    if (open === undefined || alone || full) {
      const start =
        next === 1 && segment.certificate
          ? { first: 1, certificate: segment.certificate }
          : { first: next, before: link };
      groups.push((open = { only: stored, start, entries, bytes, parts: 1, end: segment }));
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
  return groups;
}

async function sealGroup(
  keys: RoomKeys,
  { only, start, entries, end }: Group,
  all: readonly StoredSegment[],
): Promise<Squashed> {
  const { session, channel, publicKey, signature } = end;
  const { first } = start;
  const last = first + entries.length - 1;
  const sealed = await seal(
    keysOfEpoch(keys, epochOf(only.sealed) ?? keys.epoch) ?? keys,
    'segment',
    encodeSegment({ publicKey, channel, ...start, entries, signature }),
  );
  return {
    replaced: all.filter((one) => one.first >= first && one.last <= last).sort((a, b) => a.first - b.first),
    segment: { session, channel, first, last, sealed },
  };
}
