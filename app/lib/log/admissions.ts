/**
 * Admissions: an owner lets one device in, or gives it a higher role, under the keys that the room has (ROST-40 to ROST-42). Nobody
 * else's keys or links change. Owns reading and believing them. They are a set: what each gives does not depend on others.
 *
 *   format u8 ‖ epoch u32 ‖ newest[32] ‖ time u64 ‖ device[32] ‖ role u8 ‖ ephemeral[32] ‖ wrapped[48] ‖ signature[64]
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { Malformed } from '../core/byte-reader.ts';
import { concat, equalBytes, toHex, utf8, type Bytes } from '../core/bytes.ts';
import { decode } from '../core/fixed-fields.ts';
import { ROLES, type DeviceId } from '../core/ids.ts';
import { err, ok, type Result } from '../core/result.ts';
import { DEVICE_KEY_BYTES } from '../crypto/device-keys.ts';
import { WRAPPED_SEED_BYTES, type SeedGrant } from '../crypto/seed-grant.ts';
import { SIGNATURE_BYTES, verifySignature } from '../crypto/signatures.ts';
import { FORMAT, HASH_BYTES, roleOfCode } from './format.ts';
import { ownershipOf } from './owners.ts';
import { MAX_ADMISSIONS, type Member } from './roster-codec.ts';
import type { Roster, RosterProblem } from './roster.ts';

/** A believed admission. Plain data: it can be posted to a worker. */
export interface Admission extends Member, SeedGrant {
  /** Whose keys it gives. */
  readonly epoch: number;
  /** Milliseconds since 1970, as the owner claims. */
  readonly time: number;
  /** As signed: what is stored and carried. */
  readonly bytes: Bytes;
}

/** What admissions stand on. */
export type Ground = Pick<Roster, 'genesis' | 'statements' | 'owners'>;

/** What an admission's signature begins with (ROST-40). */
export const ADMISSION_LABEL = utf8('codeface/admission/1\0');

/**
 * Reads and verifies an admission from anywhere. It is believed in the newest epoch of `ground` alone, by a signature of who owns the
 * room there (ROST-41): of an older one it gives nothing any more.
 */
export async function decodeAdmission(
  bytes: Bytes,
  ground: Ground,
): Promise<Result<Admission, RosterProblem>> {
  // A copy: what it came in may be large, and others' to write to.
  const own = bytes.slice();
  const read = decode(own, (fields) => {
    if (fields.u8() !== FORMAT) throw new Malformed('another format');
    const head = { epoch: fields.u32(), newest: fields.take(HASH_BYTES), time: fields.u64() };
    const device = toHex(fields.take(DEVICE_KEY_BYTES)) as DeviceId;
    const role = roleOfCode(fields.u8());
    if (role === undefined) throw new Malformed('unknown role');
    const grant = { ephemeral: fields.take(DEVICE_KEY_BYTES), wrapped: fields.take(WRAPPED_SEED_BYTES) };
    return { ...head, device, role, ...grant, signature: fields.take(SIGNATURE_BYTES) };
  });
  if (!read.ok) return err({ kind: 'malformed' });
  const { newest, signature, ...fields } = read.value;
  if (fields.epoch !== ground.statements.length || !equalBytes(newest, newestOf(ground)))
    return err({ kind: 'not-next' });
  const message = concat(ADMISSION_LABEL, own.subarray(0, own.length - SIGNATURE_BYTES));
  for (const owner of signersIn(ground))
    if (await verifySignature(owner, signature, message)) return ok({ ...fields, bytes: own });
  return err({ kind: 'bad-signature' });
}

/** Those of these that are believed, each device once; as many as a roster may carry, and none after one that is wrongly signed. */
export async function believeAdmissions(list: readonly Bytes[], ground: Ground): Promise<Admission[]> {
  let believed: readonly Admission[] = [];
  for (const bytes of list) {
    const read = await decodeAdmission(bytes, ground);
    if (read.ok) believed = withAdmission(believed, read.value);
    // Whoever brings one that no owner signed could bring any number.
    else if (read.error.kind === 'bad-signature') break;
  }
  return [...believed];
}

/** Of one device the highest role counts, of two alike the lower bytes: whatever came first. */
export function withAdmission(all: readonly Admission[], one: Admission): readonly Admission[] {
  const same = all.find(({ device }) => device === one.device);
  if (same !== undefined && !isAbove(one, same)) return all;
  const others = all.filter((other) => other !== same);
  return others.length < MAX_ADMISSIONS ? [...others, one] : all;
}

function isAbove(one: Admission, other: Admission): boolean {
  const more = ROLES.indexOf(one.role) - ROLES.indexOf(other.role);
  return more > 0 || (more === 0 && toHex(one.bytes) < toHex(other.bytes));
}

/**
 * Everybody who has owned the room since its newest epoch began: what an owner gave is not taken back by another's coming to own
 * it, and who has heard less believes nothing that others don't.
 */
function signersIn({ genesis, statements, owners }: Ground): readonly Bytes[] {
  const epoch = statements.length;
  const since = owners.filter((one) => one.epoch === epoch);
  return [ownershipOf(genesis, owners, epoch), ...since].flatMap((one) => one.owners);
}

/** The hash of the statement that admissions of now stand on. */
export const newestOf = ({ genesis, statements }: Ground): Bytes =>
  sha256((statements.at(-1) ?? genesis).bytes);
