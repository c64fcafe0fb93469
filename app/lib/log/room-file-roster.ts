/** The owner's statements in a room file (ROOM-9): a sealed record in front of the segments, which says what epoch the file is of. */
import { equalBytes } from '../core/bytes.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import type { Genesis } from './genesis.ts';
import { roomFileSegments, type FiledSegment } from './room-file.ts';
import { decodeRoster, type Roster } from './roster.ts';
import { epochOf, kindOf, openSealed } from './seal.ts';

export type FileRosterProblem =
  /** The file is of a later epoch than the link, or of an earlier one. */
  | { readonly kind: 'newer-keys' | 'older-keys'; readonly file: number; readonly link: number }
  /** What stands there is not what the owner signed, or can't be opened with this link. `why` is a stable code. */
  | { readonly kind: 'bad-roster'; readonly why: string; readonly offset: number };

/** Whether that record of a file is the one with the statements. */
export const isRosterRecord = ({ index, sealed }: FiledSegment): boolean =>
  index === 0 && kindOf(sealed) === 'roster';

/** The statements that a file holds after `genesis`, its own; none in epoch 0 where nobody but the first owner owned the room. `keys`: what the link alone gives. Rejects where the file can't be read. */
export async function rosterOfFile(
  file: Blob,
  genesis: Genesis,
  keys: RoomKeys,
): Promise<Result<Roster, FileRosterProblem>> {
  const record = await rosterRecord(file);
  const epoch = (record && epochOf(record.sealed)) ?? 0;
  if (epoch > keys.epoch) return err({ kind: 'newer-keys', file: epoch, link: keys.epoch });
  if (epoch < keys.epoch) return err({ kind: 'older-keys', file: epoch, link: keys.epoch });
  if (record === undefined) return ok({ genesis, statements: [], owners: [] });
  const bad = (why: string) => err({ kind: 'bad-roster' as const, why, offset: record.offset });
  const opened = await openSealed(keys, 'roster', record.sealed);
  if (!opened.ok) return bad(opened.error.kind);
  const roster = await decodeRoster(opened.value, genesis.roomId);
  if (!roster.ok) return bad(roster.error.kind);
  const { statements, owners } = roster.value;
  if (!equalBytes(roster.value.genesis.bytes, genesis.bytes)) return bad('another-genesis');
  // Where there is nothing to say beside the genesis statement there is one way only to leave it out.
  const says = epoch > 0 || owners.length > 0;
  return statements.length === epoch && says ? ok(roster.value) : bad('another-epoch');
}

async function rosterRecord(file: Blob): Promise<FiledSegment | undefined> {
  for await (const first of roomFileSegments(file)) return isRosterRecord(first) ? first : undefined;
  return undefined;
}
