/** Whether a segment at rest is still what was stored: it opens, is where it belongs, and verifies alone (SYNC-15, LOG-8). */
import type { Bytes } from '../core/bytes.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import { isNameOf, type BranchStart } from '../log/branches.ts';
import type { StoredSegment } from '../log/log-store.ts';
import { epochOf, isUnchanged, withEpoch } from '../log/seal.ts';
import { readLone } from './lone-segment.ts';

/** Where a sealed segment belongs; undefined if it doesn't open or decode, or its signature doesn't hold. */
export async function placeOf(keys: RoomKeys, sealed: Bytes): Promise<StoredSegment | undefined> {
  const lone = await readLone(keys, sealed);
  if (lone === undefined || !(await lone.signed())) return undefined;
  const { session, channel, first, last } = lone;
  return { session, channel, first, last, sealed };
}

/** A segment of a later epoch, whose keys are not here, is taken for whole: nothing can be said of it. */
export async function isWhole(
  keys: RoomKeys,
  stored: StoredSegment,
  branches: readonly BranchStart[] = [],
): Promise<boolean> {
  if (await isOfLaterEpoch(keys, stored.sealed)) return true;
  const place = await placeOf(keys, stored.sealed);
  return (
    place !== undefined &&
    isNameOf(branches, stored.session, place.session) &&
    place.channel === stored.channel &&
    place.first === stored.first &&
    place.last === stored.last
  );
}

/** Whether it names an epoch after that of `keys`, and not because its name was damaged: with the right one it would open. */
export async function isOfLaterEpoch(keys: RoomKeys, sealed: Bytes): Promise<boolean> {
  const epoch = epochOf(sealed);
  if (epoch === undefined || epoch <= keys.epoch) return false;
  for (const known of [keys, ...(keys.past ?? [])])
    if (await isUnchanged(known, 'segment', withEpoch(sealed, known.epoch))) return false;
  return true;
}

/** Those that are not whole. */
export async function damagedAmong(
  keys: RoomKeys,
  stored: readonly StoredSegment[],
  branches: readonly BranchStart[] = [],
): Promise<StoredSegment[]> {
  const damaged: StoredSegment[] = [];
  for (const segment of stored) if (!(await isWhole(keys, segment, branches))) damaged.push(segment);
  return damaged;
}
