/** Whether a statement for the archive was signed by an owner of this room, and who its owners are (ARCH-4, ARCH-12, ARCH-22). */
import { base32nopad } from '@scure/base';
import type { OwnersClaim, SignedStatement } from '../../app/lib/core/archive-statement.ts';
import { equalBytes, toHex, type Bytes } from '../../app/lib/core/bytes.ts';
import { decodeOwners, type SignedOwners } from '../../app/lib/core/owners-statement.ts';
import { isWeakKey, verifyEd25519 } from '../ed25519.ts';
import type { Signer } from './archive-store.ts';

/** Who signed a statement, if its signature holds: whether they own the room is known where its owners are kept. */
export async function signerOf(
  { statement, message, signature }: SignedStatement<{ readonly ownerPublicKey: Bytes }>,
  roomId: string,
): Promise<Signer | undefined> {
  const { ownerPublicKey } = statement;
  if (!(await verifyEd25519(ownerPublicKey, signature, message))) return undefined;
  return { owner: toHex(ownerPublicKey), founder: (await roomIdOf(ownerPublicKey)) === roomId };
}

/** Who owns a room, and the newest epoch that they knew when they came to. */
export interface OwnersAfter {
  readonly keys: readonly Bytes[];
  readonly epoch: number;
}

/**
 * Who owns the room after these statements; undefined where they do not lead there from the key that it is named by. What else an
 * owners statement names, a genesis statement and epochs, is sealed: tabs hold it against that.
 */
export async function ownersIn(
  { founder, statements }: OwnersClaim,
  roomId: string,
): Promise<OwnersAfter | undefined> {
  if ((await roomIdOf(founder)) !== roomId || isWeakKey(founder)) return undefined;
  let root = founder;
  let last: { readonly fields: SignedOwners; readonly bytes: Bytes } | undefined;
  for (const [i, bytes] of statements.entries()) {
    const read = decodeOwners(bytes);
    if (!read.ok || read.value.index !== i + 1) return undefined;
    const fields = read.value;
    if ([fields.root, ...fields.owners].some(isWeakKey)) return undefined;
    if (last && (fields.epoch < last.fields.epoch || !equalBytes(fields.previous, await sha256(last.bytes))))
      return undefined;
    if (!(await verifyEd25519(root, fields.signature, fields.message))) return undefined;
    root = fields.root;
    last = { fields, bytes };
  }
  return { keys: last?.fields.owners ?? [], epoch: last?.fields.epoch ?? 0 };
}

/** base32lower(SHA-256(owner public key)), KEY-1. */
async function roomIdOf(ownerPublicKey: Bytes): Promise<string> {
  return base32nopad.encode(await sha256(ownerPublicKey)).toLowerCase();
}

export const sha256 = async (bytes: Bytes): Promise<Bytes> =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
