/**
 * Which segments of an archive another one holds, entry for entry: what an owner's device has to be sure of before it signs that
 * they can go (ARCH-29). Nothing is believed of what the archive gives: a chain hash commits to its author's certificate
 * and to every entry before it, so two equal ones at a seq are the same words.
 */
import { ARCHIVE_SEGMENT_OVERHEAD_BYTES } from '../../core/archive-wire.ts';
import { equalBytes, type Bytes } from '../../core/bytes.ts';
import type { RoomKeys } from '../../crypto/room-keys.ts';
import { MAX_SEGMENT_ENTRIES } from '../../log/format.ts';
import { chainKey, type FrontierRow } from '../../log/frontier.ts';
import type { SegmentAddress, StoredSegment } from '../../log/log-store.ts';
import { kindOf } from '../../log/seal.ts';
import { inFewSegments } from '../../log/squash.ts';
import { readLone, type LoneSegment } from '../lone-segment.ts';

/** A segment that counts in the archive: where it says it belongs, and what it is named by. */
export interface Piece extends SegmentAddress {
  /** SHA-256 of its sealed bytes. */
  readonly name: Bytes;
  readonly cost: number;
  /** Its last entry with the chain hash after it: with that all before is told. */
  readonly end: FrontierRow;
}

/** Pieces that one segment may hold, and the last seq that it may reach. */
export interface Window {
  readonly reach: number;
  readonly pieces: readonly Piece[];
}

/** A segment that stays, and what it holds. */
export interface Containing {
  readonly by: Bytes;
  /** To be added to the archive first; absent where it is there. */
  readonly sealed: Bytes | undefined;
  readonly names: readonly Bytes[];
  /** What no longer counts then. */
  readonly savedBytes: number;
}

export interface ContainedOptions {
  readonly keys: RoomKeys;
  /** What rests on this device of a chain, from a seq on, undamaged. */
  readonly atRest: (
    chain: Pick<FrontierRow, 'session' | 'channel'>,
    fromSeq: number,
  ) => Promise<StoredSegment[]>;
  /** What a segment has to save to be named. */
  readonly worthBytes: number;
}

/** A piece names at least one entry of its window; more than that is somebody's mischief, and can wait. */
export const NAMES_AT_ONCE = MAX_SEGMENT_ENTRIES;

/** What a record of the archive is, if it is a segment and reads. Everything else is left as it is. */
export async function pieceOf(keys: RoomKeys, sealed: Bytes): Promise<Piece | undefined> {
  if (kindOf(sealed) !== 'segment') return undefined;
  const one = await readLone(keys, sealed);
  if (one === undefined) return undefined;
  const { session, channel, first, last, row } = one;
  const cost = sealed.length + ARCHIVE_SEGMENT_OVERHEAD_BYTES;
  return { session, channel, first, last, name: await nameOf(sealed), cost, end: row };
}

/** Pieces of one chain within 500k+1 to 500(k+1) each, where there are several, as far as the chain's may go. */
export function windowsOf(
  pieces: readonly Piece[],
  reachOf: (ends: readonly FrontierRow[]) => number,
): readonly Window[] {
  const windows: Window[] = [];
  for (const chain of groupsBy(pieces, chainKey)) {
    const reach = reachOf(chain.map(({ end }) => end));
    // No signature parts at the multiple what reaches across it (LOG-9).
    const within = chain.filter(
      ({ first, last }) => last <= reach && Math.ceil(first / MAX_SEGMENT_ENTRIES) === windowAt(last),
    );
    for (const window of groupsBy(within, ({ last }) => windowAt(last)))
      if (window.length > 1) windows.push({ reach, pieces: window });
  }
  return windows;
}

const windowAt = (last: number): number => Math.ceil(last / MAX_SEGMENT_ENTRIES);

function groupsBy<T>(all: readonly T[], keyOf: (one: T) => string | number): readonly (readonly T[])[] {
  const groups = new Map<string | number, T[]>();
  for (const one of all) {
    const key = keyOf(one);
    const others = groups.get(key);
    if (others) others.push(one);
    else groups.set(key, [one]);
  }
  return [...groups.values()];
}

/** What of a window can go, and by what. */
export async function containingOf(
  { keys, atRest, worthBytes }: ContainedOptions,
  { reach, pieces }: Window,
): Promise<Containing[]> {
  const [chain] = pieces;
  if (chain === undefined) return [];
  const from = chain.last - ((chain.last - 1) % MAX_SEGMENT_ENTRIES);
  const to = Math.min(from + MAX_SEGMENT_ENTRIES - 1, reach);
  const stored = (await atRest(chain, from)).filter(({ first, last }) => first >= from && last <= to);
  const found: Containing[] = [];
  for (const { sealed } of await inFewSegments(keys, stored, from)) {
    const whole = await readLone(keys, sealed);
    // A reader who has nothing else must take it.
    if (whole === undefined || !(await whole.signed())) continue;
    const held = pieces.filter((piece) => holds(whole, piece)).slice(0, NAMES_AT_ONCE);
    const by = await nameOf(sealed);
    // Only these very bytes: another with the same entries may have a signature that does not hold.
    const gone = held.filter(({ name }) => !equalBytes(name, by));
    const isThere = gone.length < held.length;
    const addedBytes = isThere ? 0 : sealed.length + ARCHIVE_SEGMENT_OVERHEAD_BYTES;
    const savedBytes = gone.reduce((sum, { cost }) => sum + cost, -addedBytes);
    if (savedBytes >= worthBytes)
      found.push({
        by,
        sealed: isThere ? undefined : sealed,
        names: gone.map(({ name }) => name),
        savedBytes,
      });
  }
  return found;
}

/** Whether every entry of the piece is in that segment: it has the same chain hash where the piece ends. */
export function holds(whole: LoneSegment, piece: Omit<Piece, 'name' | 'cost'>): boolean {
  if (piece.first < whole.first) return false;
  const end = whole.hashes[piece.last - whole.first];
  return end !== undefined && equalBytes(end, piece.end.hash);
}

/** What names a record (ARCH-24). */
export const nameOf = async (sealed: Bytes): Promise<Bytes> =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', sealed));
