/** Making the owner's next statement (ROST-1): for the owner's device alone, and seldom. */
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, equalBytes, fromHex, type Bytes } from '../core/bytes.ts';
import type { ExchangeKeyPair } from '../crypto/device-keys.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import { seedKindOf, wrapFormerSeed, wrapSeed, type SeedGrant } from '../crypto/seed-grant.ts';
import type { FrontierRow } from './frontier.ts';
import { namesInvites, type Genesis } from './genesis.ts';
import type { OwnersStatement } from './owners.ts';
import { encodeFields, MAX_GRANTS, type Member } from './roster-codec.ts';
import { decodeStatement, STATEMENT_LABEL, type RosterStatement } from './roster.ts';

/**
 * The statement that begins the epoch of `keys`, which must come from a new edit seed. A member whose device key is weak gets no
 * grant and is left out: everybody could open it, and its holder must not be able to prevent a statement. Throws for what the
 * caller must not do: not the owner's key, keys of the wrong epoch or room, a device twice, more than a statement holds.
 */
export async function makeStatement(options: {
  readonly owner: { sign(message: Bytes): Promise<Bytes> };
  readonly genesis: Genesis;
  /** All statements so far. */
  readonly before: readonly RosterStatement[];
  /** All owners statements so far; `owner` signs for one of the keys that the last of them names. */
  readonly owners?: readonly OwnersStatement[];
  /** Of the new epoch, with its edit seed. */
  readonly keys: RoomKeys;
  /** Of the epoch before. */
  readonly former: RoomKeys;
  readonly closed: readonly FrontierRow[];
  readonly members: readonly Member[];
  /** Milliseconds since 1970. */
  readonly time: number;
  /** The ephemeral pair of each member's grant; only test vectors give them. */
  readonly pairs?: readonly ExchangeKeyPair[];
}): Promise<RosterStatement> {
  const { owner, genesis, before, owners = [], keys, former, closed, members, time, pairs } = options;
  const { roomId, epoch, editInvite, commentInvite, viewInvite } = keys;
  if (!editInvite || !commentInvite) throw new Error('an epoch begins with its edit seed');
  if (roomId !== genesis.roomId || epoch !== before.length + 1) throw new Error('keys of another epoch');
  if (!namesInvites(before.at(-1) ?? genesis, former)) throw new Error('not the keys of the epoch before');
  // Not secret from this device, which has both: the time it takes tells nobody.
  if (former.seeds.e && keys.seeds.e && equalBytes(former.seeds.e, keys.seeds.e))
    throw new Error('whoever is removed has this seed');
  if (members.length > MAX_GRANTS) throw new RangeError(`${members.length} members`);

  const grants = await Promise.all(members.map((member, i) => grantTo(member, keys, pairs?.[i])));
  const body = encodeFields({
    epoch,
    previous: sha256(before.at(-1)?.bytes ?? genesis.bytes),
    time,
    editInvite: editInvite.publicKey,
    commentInvite: commentInvite.publicKey,
    viewInvite: viewInvite.publicKey,
    former: await wrapFormerSeed(former.seeds.v, keys),
    grants: grants.filter((grant) => grant !== undefined),
    closed,
  });
  const bytes = concat(body, await owner.sign(concat(STATEMENT_LABEL, body)));
  const read = await decodeStatement(bytes, genesis, before, owners);
  if (!read.ok) throw new Error(`own statement is not believed: ${read.error.kind}`);
  return read.value;
}

async function grantTo(
  member: Member,
  keys: RoomKeys,
  pair: ExchangeKeyPair | undefined,
): Promise<(Member & SeedGrant) | undefined> {
  const { roomId, epoch } = keys;
  const seed = keys.seeds[seedKindOf(member.role)];
  if (seed === undefined) throw new Error('an edit seed gives all others');
  const terms = { roomId, epoch, device: fromHex(member.device), role: member.role };
  const grant = await wrapSeed(seed, terms, pair);
  return grant && { ...member, ...grant };
}
