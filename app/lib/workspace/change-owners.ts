/** What a device does to own a room by its recovery code, or to make the first one (ROST-30, ROST-33). Loaded when somebody asks for it. */
import type { Bytes } from '../core/bytes.ts';
import type { RoomId } from '../core/ids.ts';
import { err, ok, type Result } from '../core/result.ts';
import {
  formatRecoveryCode,
  makeRecoverySecret,
  parseRecoveryCode,
  rootKeyOf,
} from '../crypto/recovery-code.ts';
import { equalBytes } from '../core/bytes.ts';
import { sign, type SigningKeyPair } from '../crypto/signatures.ts';
import { makeOwnersStatement } from '../log/new-owners.ts';
import { isOwner, ownershipOf } from '../log/owners.ts';
import type { Roster } from '../log/roster.ts';
import type { Replica } from '../sync/replica.ts';
import type { OwnershipProblem, Recovery } from './room-model.ts';

/** A room that is open on this device. */
export interface OwnedRoom {
  readonly roomId: RoomId;
  readonly replica: Replica;
  /** Its statements, as they are known now. */
  readonly roster: Roster;
  /** ms since 1970 */
  readonly now: number;
  /** Whatever the server says of an epoch that is not known here. */
  readonly insists?: boolean;
}

/** A server that stalls does not keep anybody from owning their room. */
const CLAIM_MS = 5_000;

export const newCode = (): string => formatRecoveryCode(makeRecoverySecret());

/** The room's root key, if that is its code. */
export async function rootOf(
  typed: string,
  { roomId, roster }: Pick<OwnedRoom, 'roomId' | 'roster'>,
): Promise<Result<SigningKeyPair, OwnershipProblem>> {
  const secret = parseRecoveryCode(typed);
  if (!secret.ok) return secret;
  const root = await rootKeyOf(secret.value, roomId);
  const { genesis, owners } = roster;
  return equalBytes(root.publicKey, ownershipOf(genesis, owners).root)
    ? ok(root)
    : err({ kind: 'another-code' });
}

/** Makes `code` that of the room, signed by `root`, the key that the room is named by. */
export async function useFirstCode(
  room: OwnedRoom,
  code: string,
  root: { sign(message: Bytes): Promise<Bytes> },
): Promise<OwnershipProblem | undefined> {
  const next = await rootOfNew(code, room.roomId);
  const { genesis, owners } = room.roster;
  return change(room, root, next.publicKey, ownershipOf(genesis, owners).owners);
}

/** Makes the device with the key `own` an owner. */
export async function recover(
  room: OwnedRoom,
  typed: string,
  own: Bytes,
  recovery: Recovery,
): Promise<OwnershipProblem | undefined> {
  const root = await rootOf(typed, room);
  if (!root.ok) return root.error;
  const { genesis, owners } = room.roster;
  const before = ownershipOf(genesis, owners);
  if (recovery.how === 'add' && isOwner(before, own)) return { kind: 'already-an-owner' };
  const { publicKey, privateKey } = root.value;
  const nextRoot =
    recovery.how === 'take-over' ? (await rootOfNew(recovery.newCode, room.roomId)).publicKey : publicKey;
  const after = recovery.how === 'add' ? [...before.owners, own] : [own];
  return change(room, { sign: (message) => sign(privateKey, message) }, nextRoot, after);
}

/** A code that this page has just made. */
async function rootOfNew(code: string, roomId: RoomId): Promise<SigningKeyPair> {
  const secret = parseRecoveryCode(code);
  if (!secret.ok) throw new Error('not a code that was made here');
  return rootKeyOf(secret.value, roomId);
}

async function change(
  { replica, roster, now, insists }: OwnedRoom,
  root: { sign(message: Bytes): Promise<Bytes> },
  nextRoot: Bytes,
  owners: readonly Bytes[],
): Promise<OwnershipProblem | undefined> {
  const made = await makeOwnersStatement({ root, roster, nextRoot, owners, time: now });
  if (!made.ok) return made.error;
  const after = { ...roster, owners: [...roster.owners, made.value] };
  // Before anybody is told: of two changes at one time the server takes the first.
  const answer = await claim(replica, after);
  if (answer === 'taken' || (answer === 'behind' && insists !== true)) return { kind: answer };
  await replica.epochs.add(after);
  return undefined;
}

async function claim({ archive }: Replica, { owners }: Roster): Promise<string> {
  const late = new Promise<string>((resolve) => setTimeout(resolve, CLAIM_MS, 'unreachable'));
  return archive === undefined ? 'unreachable' : Promise.race([archive.claimOwners(owners), late]);
}
