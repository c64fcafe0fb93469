/** What signs for a room on this device. */
import type { Bytes } from '../core/bytes.ts';
import { sign } from '../crypto/signatures.ts';
import type { Genesis } from '../log/genesis.ts';
import { isOwner, ownershipOf, type OwnersStatement } from '../log/owners.ts';
import type { OwnerKey } from '../storage/device.ts';
import type { Owner } from '../sync/archive/registration.ts';

/** The signer for that key, if it is one of the room's owners'. Before the room is known, who made it owns it. */
export function ownerBy(
  key: OwnerKey | undefined,
  genesis: Genesis | undefined,
  owners: readonly OwnersStatement[],
): Owner | undefined {
  if (key === undefined) return undefined;
  const { privateKey } = key;
  const publicKey = (key.publicKey as Bytes | undefined) ?? genesis?.ownerPublicKey;
  const counts =
    publicKey === undefined || (genesis !== undefined && isOwner(ownershipOf(genesis, owners), publicKey));
  if (!counts) return undefined;
  return { sign: (message: Bytes) => sign(privateKey, message), ...(publicKey && { publicKey }) };
}
