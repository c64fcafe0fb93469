/** Whether a statement for the archive was signed by the owner of this room (ARCH-4, ARCH-12). */
import { base32nopad } from '@scure/base';
import type { SignedStatement } from '../../app/lib/core/archive-statement.ts';
import type { Bytes } from '../../app/lib/core/bytes.ts';
import { verifyEd25519 } from '../ed25519.ts';

export async function isOwners(
  { statement, message, signature }: SignedStatement<{ readonly ownerPublicKey: Bytes }>,
  roomId: string,
): Promise<boolean> {
  const { ownerPublicKey } = statement;
  return (
    (await roomIdOf(ownerPublicKey)) === roomId && (await verifyEd25519(ownerPublicKey, signature, message))
  );
}

/** base32lower(SHA-256(owner public key)), KEY-1. */
async function roomIdOf(ownerPublicKey: Bytes): Promise<string> {
  return base32nopad.encode(await sha256(ownerPublicKey)).toLowerCase();
}

export const sha256 = async (bytes: Bytes): Promise<Bytes> =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
