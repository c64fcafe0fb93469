/** The genesis statement: what the room's owner signed at its beginning, and all trust starts from (GEN-1, GEN-2). */
import { concat, equalBytes, utf8, type Bytes } from '../core/bytes.ts';
import type { RoomId } from '../core/ids.ts';
import { err, ok, type Result } from '../core/result.ts';
import { roomIdOf, type RoomKeys } from '../crypto/room-keys.ts';
import {
  PUBLIC_KEY_BYTES,
  sign,
  SIGNATURE_BYTES,
  verifySignature,
  type SigningKeyPair,
} from '../crypto/signatures.ts';
import { parse } from '../core/byte-reader.ts';
import { FORMAT, MAX_GENESIS_BYTES } from './format.ts';

/** The public keys that vouch for the sessions of one epoch. */
export interface Invites {
  readonly roomId: RoomId;
  readonly epoch: number;
  readonly editInvite: Bytes;
  readonly commentInvite: Bytes;
  readonly viewInvite: Bytes;
}

export interface Genesis extends Invites {
  readonly epoch: 0;
  readonly ownerPublicKey: Bytes;
  /** As signed: what is stored and carried in HELLO. */
  readonly bytes: Bytes;
}

export type GenesisProblem = { readonly kind: 'malformed' | 'wrong-room' | 'bad-signature' };

const LABEL = utf8('codeface/genesis/1\0');

/** The statement for a new room. `keys` must come from its edit seed and epoch 0. */
export async function makeGenesis(owner: SigningKeyPair, keys: RoomKeys): Promise<Genesis> {
  const { roomId, epoch, editInvite, commentInvite, viewInvite } = keys;
  if (!editInvite || !commentInvite || epoch !== 0 || roomIdOf(owner.publicKey) !== roomId)
    throw new Error('a genesis statement is made by the owner from the first edit seed');
  const body = concat(
    Uint8Array.of(FORMAT, 0, 0, 0, 0),
    owner.publicKey,
    editInvite.publicKey,
    commentInvite.publicKey,
    viewInvite.publicKey,
  );
  return {
    roomId,
    epoch: 0,
    ownerPublicKey: owner.publicKey,
    editInvite: editInvite.publicKey,
    commentInvite: commentInvite.publicKey,
    viewInvite: viewInvite.publicKey,
    bytes: concat(body, await sign(owner.privateKey, concat(LABEL, body))),
  };
}

/** Reads and verifies a statement from anywhere: it must be signed by the key that this room's id is the hash of. */
export async function decodeGenesis(bytes: Bytes, roomId: RoomId): Promise<Result<Genesis, GenesisProblem>> {
  if (bytes.length > MAX_GENESIS_BYTES) return err({ kind: 'malformed' });
  const read = parse(bytes, (reader) => {
    const fields = { format: reader.u8(), epoch: reader.u32() };
    const [ownerPublicKey, editInvite, commentInvite, viewInvite] = [
      reader.take(PUBLIC_KEY_BYTES),
      reader.take(PUBLIC_KEY_BYTES),
      reader.take(PUBLIC_KEY_BYTES),
      reader.take(PUBLIC_KEY_BYTES),
    ];
    return {
      ...fields,
      ownerPublicKey,
      editInvite,
      commentInvite,
      viewInvite,
      signature: reader.take(SIGNATURE_BYTES),
    };
  });
  if (!read.ok || read.value.format !== FORMAT || read.value.epoch !== 0) return err({ kind: 'malformed' });
  const { ownerPublicKey, editInvite, commentInvite, viewInvite, signature } = read.value;
  if (roomIdOf(ownerPublicKey) !== roomId) return err({ kind: 'wrong-room' });
  const body = bytes.subarray(0, bytes.length - SIGNATURE_BYTES);
  if (!(await verifySignature(ownerPublicKey, signature, concat(LABEL, body))))
    return err({ kind: 'bad-signature' });
  return ok({ roomId, epoch: 0, ownerPublicKey, editInvite, commentInvite, viewInvite, bytes });
}

/** Whether the owner named these keys for their epoch: every one that the link gives. */
export function namesInvites(
  invites: Pick<Invites, 'editInvite' | 'commentInvite' | 'viewInvite'>,
  { editInvite, commentInvite, viewInvite }: RoomKeys,
): boolean {
  return (
    (editInvite === undefined || equalBytes(editInvite.publicKey, invites.editInvite)) &&
    (commentInvite === undefined || equalBytes(commentInvite.publicKey, invites.commentInvite)) &&
    equalBytes(viewInvite.publicKey, invites.viewInvite)
  );
}
