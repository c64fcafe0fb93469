/**
 * Who may change a room: the genesis owner, until statements of the room's *root* say otherwise (ROST-30 to ROST-32). Owns believing
 * such statements, and who is an owner when. The root signs these and nothing else; owners sign epochs.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { equalBytes, type Bytes } from '../core/bytes.ts';
import {
  decodeOwners,
  MAX_OWNERS_STATEMENTS,
  OWNERS_STATEMENT_BYTES,
  type OwnersFields,
} from '../core/owners-statement.ts';
import { err, ok, type Result } from '../core/result.ts';
import { isStrongPublicKey, verifySignature } from '../crypto/signatures.ts';
import type { Genesis } from './genesis.ts';
import type { RosterProblem } from './roster.ts';

/** A believed owners statement. Plain data: it can be posted to a worker. */
export interface OwnersStatement extends OwnersFields {
  /** As signed: what is stored and carried. */
  readonly bytes: Bytes;
}

/** Whose signatures count. */
export interface Ownership {
  /** Signs the next owners statement. */
  readonly root: Bytes;
  /** Sign epochs. */
  readonly owners: readonly Bytes[];
}

/** Who owns the room after these statements. `below`: for the statement that begins that epoch. */
export function ownershipOf(
  genesis: Pick<Genesis, 'ownerPublicKey'>,
  statements: readonly OwnersStatement[],
  below = Infinity,
): Ownership {
  const last = statements.findLast(({ epoch }) => epoch < below);
  return last ?? { root: genesis.ownerPublicKey, owners: [genesis.ownerPublicKey] };
}

export const isOwner = ({ owners }: Ownership, publicKey: Bytes): boolean =>
  owners.some((one) => equalBytes(one, publicKey));

/** Reads and verifies an owners statement from anywhere: it is believed as the one after `before` (ROST-31). */
export async function decodeOwnersStatement(
  bytes: Bytes,
  genesis: Pick<Genesis, 'ownerPublicKey' | 'bytes'>,
  epochs: readonly { readonly bytes: Bytes }[],
  before: readonly OwnersStatement[],
): Promise<Result<OwnersStatement, RosterProblem>> {
  if (before.length >= MAX_OWNERS_STATEMENTS || bytes.length > OWNERS_STATEMENT_BYTES)
    return err({ kind: 'malformed' });
  // A copy: what it came in may be large, and others' to write to.
  const own = bytes.slice();
  const read = decodeOwners(own);
  if (!read.ok || ![read.value.root, ...read.value.owners].every(isStrongPublicKey))
    return err({ kind: 'malformed' });
  const { message, signature, ...fields } = read.value;
  const last = before.at(-1);
  const newest = fields.epoch === 0 ? genesis.bytes : epochs[fields.epoch - 1]?.bytes;
  if (
    fields.index !== before.length + 1 ||
    !equalBytes(fields.previous, sha256(last?.bytes ?? genesis.bytes)) ||
    fields.epoch < (last?.epoch ?? 0) ||
    newest === undefined ||
    !equalBytes(fields.newest, sha256(newest))
  )
    return err({ kind: 'not-next' });
  if (!(await verifySignature(ownershipOf(genesis, before).root, signature, message)))
    return err({ kind: 'bad-signature' });
  return ok({ ...fields, bytes: own });
}
