/**
 * Roster statements as bytes (ROST-1) and the roster that carries them (ROST-6). Reads and writes only; what is believed is
 * roster.ts's to say.
 *
 *   statement = format u8 ‖ epoch u32 ‖ previous[32] ‖ time u64 ‖ edit, comment, view invite[32 each] ‖ former[48]
 *     ‖ count varUint ‖ count × (device[32] ‖ role u8 ‖ ephemeral[32] ‖ wrapped[48]) ‖ varBytes closed ‖ signature[64]
 *   roster = varBytes genesis ‖ count varUint ‖ count × varBytes statement
 *     ‖ where there is more: count varUint ‖ count × varBytes owners statement ‖ where there are any: count varUint ‖ count × admission
 */
import {
  createEncoder,
  toUint8Array,
  writeUint8,
  writeUint8Array,
  writeVarUint,
  writeVarUint8Array,
} from 'lib0/encoding';
import { Malformed, parse, type ByteReader } from '../core/byte-reader.ts';
import { fromHex, toHex, type Bytes } from '../core/bytes.ts';
import type { DeviceId, Role } from '../core/ids.ts';
import { MAX_OWNERS_STATEMENTS, OWNERS_STATEMENT_BYTES } from '../core/owners-statement.ts';
import type { Result } from '../core/result.ts';
import { DEVICE_KEY_BYTES } from '../crypto/device-keys.ts';
import { epochBytes } from '../crypto/room-keys.ts';
import { WRAPPED_SEED_BYTES, type SeedGrant } from '../crypto/seed-grant.ts';
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from '../crypto/signatures.ts';
import { FORMAT, HASH_BYTES, KIB, MAX_GENESIS_BYTES, roleCode, roleOfCode } from './format.ts';
import { chainKey, decodeFrontier, encodeFrontier, type FrontierRow } from './frontier.ts';

/** Devices that stay. Far more than a room has people; 113 bytes each. */
export const MAX_GRANTS = 1_024;
/** Epochs of a room after its first. */
export const MAX_STATEMENTS = 1_024;
/** 1.9 MiB, owners statements (below 28 KiB) and admissions (56 KiB) aside: it travels in one frame of at most 2 MiB. So nobody can fill a roster and keep the code's holder out. */
export const MAX_ROSTER_BYTES = 1_945 * KIB;
/** Devices let in one by one under the keys of one epoch; more are let in by an epoch. */
export const MAX_ADMISSIONS = 256;
/** What admissions.ts reads and writes. */
export const ADMISSION_BYTES =
  1 + 4 + HASH_BYTES + 8 + 2 * DEVICE_KEY_BYTES + 1 + WRAPPED_SEED_BYTES + SIGNATURE_BYTES;

/** A device and what it may do. */
export interface Member {
  readonly device: DeviceId;
  readonly role: Role;
}

/** What a statement says, apart from its signature. */
export interface StatementFields {
  readonly epoch: number;
  /** SHA-256 of the statement before it. */
  readonly previous: Bytes;
  /** Milliseconds since 1970, as the owner claims. */
  readonly time: number;
  readonly editInvite: Bytes;
  readonly commentInvite: Bytes;
  readonly viewInvite: Bytes;
  /** The read seed of the epoch before, wrapped under this one's. */
  readonly former: Bytes;
  readonly grants: readonly (Member & SeedGrant)[];
  /** How far the owner's device had each chain of the epochs before. */
  readonly closed: readonly FrontierRow[];
}

/** All that is signed. */
export function encodeFields(fields: StatementFields): Bytes {
  const { epoch, previous, time, editInvite, commentInvite, viewInvite, former, grants, closed } = fields;
  const encoder = createEncoder();
  writeUint8(encoder, FORMAT);
  for (const part of [epochBytes(epoch), previous, u64(time), editInvite, commentInvite, viewInvite, former])
    writeUint8Array(encoder, part);
  writeVarUint(encoder, grants.length);
  for (const { device, role, ephemeral, wrapped } of grants) {
    writeUint8Array(encoder, fromHex(device));
    writeUint8(encoder, roleCode(role));
    writeUint8Array(encoder, ephemeral);
    writeUint8Array(encoder, wrapped);
  }
  writeVarUint8Array(encoder, encodeFrontier(closed));
  return toUint8Array(encoder);
}

/** Reads, does not verify. What is read are views of `bytes`. */
export function readStatement(bytes: Bytes): Result<StatementFields & { readonly signature: Bytes }, string> {
  return parse(bytes, (reader) => {
    if (reader.u8() !== FORMAT) throw new Malformed('another format');
    return {
      epoch: reader.u32(),
      previous: reader.take(HASH_BYTES),
      time: readTime(reader),
      editInvite: reader.take(PUBLIC_KEY_BYTES),
      commentInvite: reader.take(PUBLIC_KEY_BYTES),
      viewInvite: reader.take(PUBLIC_KEY_BYTES),
      former: reader.take(WRAPPED_SEED_BYTES),
      grants: readGrants(reader),
      closed: readClosed(reader),
      signature: reader.take(SIGNATURE_BYTES),
    };
  });
}

/** A roster as bytes that were not looked at yet. */
export interface RosterBytes {
  readonly genesis: Bytes;
  readonly statements: readonly Bytes[];
  readonly owners: readonly Bytes[];
  /** Absent where there are none. */
  readonly admissions?: readonly Bytes[];
}

/** RangeError above a cap: what is written must be read by others. */
export function writeRoster({ genesis, statements, owners, admissions = [] }: RosterBytes): Bytes {
  const fits = owners.length <= MAX_OWNERS_STATEMENTS && admissions.length <= MAX_ADMISSIONS;
  if (!fits || !fitsRoster(genesis, statements)) throw new RangeError('more statements than a roster holds');
  const encoder = createEncoder();
  writeVarUint8Array(encoder, genesis);
  writeVarUint(encoder, statements.length);
  for (const statement of statements) writeVarUint8Array(encoder, statement);
  if (owners.length + admissions.length > 0) writeVarUint(encoder, owners.length);
  for (const statement of owners) writeVarUint8Array(encoder, statement);
  if (admissions.length > 0) writeVarUint(encoder, admissions.length);
  for (const admission of admissions) writeUint8Array(encoder, admission);
  return toUint8Array(encoder);
}

/** Reads, does not verify. What is read are views of `bytes`. */
export function readRoster(bytes: Bytes): Result<RosterBytes, string> {
  return parse(bytes, (reader) => {
    const genesis = reader.varBytes(MAX_GENESIS_BYTES);
    const list = (count: number, maxBytes: number): Bytes[] =>
      Array.from({ length: count }, () => reader.varBytes(maxBytes));
    const statements = list(reader.varUint(MAX_STATEMENTS), MAX_ROSTER_BYTES);
    if (reader.at > MAX_ROSTER_BYTES) throw new Malformed('too large');
    if (reader.left === 0) return { genesis, statements, owners: [] };
    const owners = list(reader.varUint(MAX_OWNERS_STATEMENTS), OWNERS_STATEMENT_BYTES);
    if (reader.left === 0 && owners.length > 0) return { genesis, statements, owners };
    const count = reader.varUint(MAX_ADMISSIONS);
    // One way only to have none.
    if (count === 0) throw new Malformed('trailing bytes');
    const admissions = Array.from({ length: count }, () => reader.take(ADMISSION_BYTES));
    return { genesis, statements, owners, admissions };
  });
}

/** Whether a roster of these is below the caps: a statement that would make it larger could be told to nobody. */
export function fitsRoster(genesis: Bytes, statements: readonly Bytes[]): boolean {
  if (statements.length > MAX_STATEMENTS) return false;
  const sizes = [genesis, ...statements].map(({ length }) => varUintBytes(length) + length);
  const total = sizes.reduce((sum, size) => sum + size, varUintBytes(statements.length));
  return total <= MAX_ROSTER_BYTES;
}

function readGrants(reader: ByteReader): (Member & SeedGrant)[] {
  const count = reader.varUint(MAX_GRANTS);
  const grants: (Member & SeedGrant)[] = [];
  const devices = new Set<DeviceId>();
  for (let i = 0; i < count; i++) {
    const device = toHex(reader.take(DEVICE_KEY_BYTES)) as DeviceId;
    const role = roleOfCode(reader.u8());
    if (role === undefined) throw new Malformed('unknown role');
    if (devices.has(device)) throw new Malformed('a device twice');
    devices.add(device);
    grants.push({
      device,
      role,
      ephemeral: reader.take(DEVICE_KEY_BYTES),
      wrapped: reader.take(WRAPPED_SEED_BYTES),
    });
  }
  return grants;
}

function readClosed(reader: ByteReader): FrontierRow[] {
  const rows = decodeFrontier(reader.varBytes(MAX_ROSTER_BYTES));
  if (!rows.ok) throw new Malformed(rows.error);
  if (new Set(rows.value.map(chainKey)).size < rows.value.length) throw new Malformed('a chain twice');
  return rows.value;
}

function readTime(reader: ByteReader): number {
  const time = reader.u32() * 2 ** 32 + reader.u32();
  if (!Number.isSafeInteger(time)) throw new Malformed('number too large');
  return time;
}

/** Of a safe integer. */
function u64(value: number): Bytes {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

const varUintBytes = (value: number): number => (value < 128 ? 1 : 1 + varUintBytes(Math.floor(value / 128)));
