/** Making the next owners statement (ROST-30): for whoever holds the root, and seldom. */
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, toHex, type Bytes } from '../core/bytes.ts';
import {
  compareBytes,
  encodeOwners,
  MAX_OWNERS,
  MAX_OWNERS_STATEMENTS,
  ownersMessage,
} from '../core/owners-statement.ts';
import { err, ok, type Result } from '../core/result.ts';
import { decodeOwnersStatement, type OwnersStatement } from './owners.ts';
import type { Roster } from './roster.ts';

/** `too-many-owners`: more than 8 at one time. `no-more-changes`: the room has had 64. */
export type OwnersProblem = { readonly kind: 'too-many-owners' | 'no-more-changes' };

/** The statement after those of `roster`. Throws for what the caller must not do: another's signature, a weak key. */
export async function makeOwnersStatement(options: {
  /** The root in force. */
  readonly root: { sign(message: Bytes): Promise<Bytes> };
  readonly roster: Roster;
  /** What signs the next one. */
  readonly nextRoot: Bytes;
  /** In any order; one that is named twice counts once. */
  readonly owners: readonly Bytes[];
  /** Milliseconds since 1970. */
  readonly time: number;
}): Promise<Result<OwnersStatement, OwnersProblem>> {
  const { root, roster, nextRoot, time } = options;
  const { genesis, statements, owners: before } = roster;
  const owners = [...new Map(options.owners.map((one) => [toHex(one), one])).values()].sort(compareBytes);
  if (owners.length > MAX_OWNERS) return err({ kind: 'too-many-owners' });
  if (before.length >= MAX_OWNERS_STATEMENTS) return err({ kind: 'no-more-changes' });
  const body = encodeOwners({
    index: before.length + 1,
    previous: sha256(before.at(-1)?.bytes ?? genesis.bytes),
    epoch: statements.length,
    newest: sha256(statements.at(-1)?.bytes ?? genesis.bytes),
    time,
    root: nextRoot,
    owners,
  });
  const bytes = concat(body, await root.sign(ownersMessage(body)));
  const read = await decodeOwnersStatement(bytes, genesis, statements, before);
  if (!read.ok) throw new Error(`own owners statement is not believed: ${read.error.kind}`);
  return ok(read.value);
}
