/** Making an admission (ROST-40): for an owner's device alone, and seldom. */
import { concat, fromHex, type Bytes } from '../core/bytes.ts';
import { u64 } from '../core/fixed-fields.ts';
import type { ExchangeKeyPair } from '../crypto/device-keys.ts';
import { epochBytes, type RoomKeys } from '../crypto/room-keys.ts';
import { seedKindOf, wrapSeed } from '../crypto/seed-grant.ts';
import { ADMISSION_LABEL, decodeAdmission, newestOf, type Admission, type Ground } from './admissions.ts';
import { FORMAT, roleCode } from './format.ts';
import { namesInvites } from './genesis.ts';
import { ADMISSION_BYTES, type Member } from './roster-codec.ts';

/**
 * Lets `member` in under `keys`, those of the newest epoch. Undefined where its device key is weak: everybody could open it. Throws
 * for what the caller must not do: another's signature, keys of another epoch, or a role that they don't have the seed of.
 */
export async function makeAdmission(options: {
  readonly owner: { sign(message: Bytes): Promise<Bytes> };
  readonly ground: Ground;
  readonly keys: RoomKeys;
  readonly member: Member;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** The ephemeral pair; only test vectors give one. */
  readonly pair?: ExchangeKeyPair;
}): Promise<Admission | undefined> {
  const { owner, ground, keys, member, time, pair } = options;
  const { roomId, epoch } = keys;
  if (!namesInvites(ground.statements.at(-1) ?? ground.genesis, keys))
    throw new Error('keys of another epoch');
  const seed = keys.seeds[seedKindOf(member.role)];
  if (seed === undefined) throw new Error('nobody gives more than they have');
  const device = fromHex(member.device);
  const grant = await wrapSeed(seed, { roomId, epoch, device, role: member.role }, pair);
  if (grant === undefined) return undefined;
  const body = concat(
    Uint8Array.of(FORMAT),
    epochBytes(epoch),
    newestOf(ground),
    u64(time),
    device,
    Uint8Array.of(roleCode(member.role)),
    grant.ephemeral,
    grant.wrapped,
  );
  const bytes = concat(body, await owner.sign(concat(ADMISSION_LABEL, body)));
  if (bytes.length !== ADMISSION_BYTES) throw new Error('not an admission');
  const read = await decodeAdmission(bytes, ground);
  if (!read.ok) throw new Error(`own admission is not believed: ${read.error.kind}`);
  return read.value;
}
