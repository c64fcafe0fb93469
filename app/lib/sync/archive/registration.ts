/** What the owner's device signs for the archive (ARCH-4, ARCH-12, ARCH-24, ARCH-27). */
import { sha256 } from '@noble/hashes/sha2.js';
import {
  deletionMessage,
  encodeDeletion,
  encodeRegistration,
  registrationMessage,
} from '../../core/archive-statement.ts';
import {
  encodeRevert,
  encodeSuperseding,
  revertMessage,
  supersedingMessage,
  type SupersedingGroup,
} from '../../core/archive-superseding.ts';
import { randomBytes, type Bytes } from '../../core/bytes.ts';
import { archiveKeys, SEED_BYTES, type RoomKeys } from '../../crypto/room-keys.ts';
import type { Genesis } from '../../log/genesis.ts';
import { seal } from '../../log/seal.ts';

/** An owner of the room, where this device has the key. */
export interface Owner {
  /** Absent: the key that the room is named by. */
  readonly publicKey?: Bytes;
  readonly sign: (message: Bytes) => Promise<Bytes>;
}

/** A signed registration with the room's own keys, and its genesis statement for whoever reads it there first. */
export async function registrationOf(
  { sign, publicKey }: Owner,
  keys: RoomKeys,
  genesis: Genesis,
  counter: number,
): Promise<Bytes> {
  const { read, edit, comment } = archiveKeys(keys);
  const statement = {
    ownerPublicKey: publicKey ?? genesis.ownerPublicKey,
    counter,
    epoch: keys.epoch,
    readKeyHash: sha256(read) as Bytes,
    // An owner without the seed gives that key to nobody.
    editKeyHash: sha256(edit ?? randomBytes(SEED_BYTES)) as Bytes,
    commentKeyHash: sha256(comment ?? randomBytes(SEED_BYTES)) as Bytes,
    blob: await seal(keys, 'genesis', genesis.bytes),
  };
  return encodeRegistration(statement, await sign(registrationMessage(statement)));
}

/** A signed deletion of the copy with that instance. */
export async function deletionOf(
  { sign, publicKey }: Owner,
  genesis: Genesis,
  counter: number,
  instance: Bytes,
): Promise<Bytes> {
  const statement = { ownerPublicKey: publicKey ?? genesis.ownerPublicKey, counter, instance };
  return encodeDeletion(statement, await sign(deletionMessage(statement)));
}

/** A signed superseding in the copy with that instance. */
export async function supersedingOf(
  { sign, publicKey }: Owner,
  genesis: Genesis,
  counter: number,
  instance: Bytes,
  groups: readonly SupersedingGroup[],
): Promise<Bytes> {
  const statement = { ownerPublicKey: publicKey ?? genesis.ownerPublicKey, counter, instance, groups };
  return encodeSuperseding(statement, await sign(supersedingMessage(statement)));
}

/** A signed revert of all supersedings in the copy with that instance. */
export async function revertOf(
  { sign, publicKey }: Owner,
  genesis: Genesis,
  counter: number,
  instance: Bytes,
): Promise<Bytes> {
  const statement = { ownerPublicKey: publicKey ?? genesis.ownerPublicKey, counter, instance };
  return encodeRevert(statement, await sign(revertMessage(statement)));
}
