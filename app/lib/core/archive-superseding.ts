/**
 * How an owner has segments of the archive go that are contained in others (ARCH-24 to ARCH-28): what is signed, and what is
 * answered. Bytes only; the server verifies in signaling/archive/, what is contained in what is sync/archive/'s to know.
 */
import { decodeSigned, FORMAT, HASH_BYTES, KEY_BYTES, type SignedStatement } from './archive-statement.ts';
import { ARCHIVE_INSTANCE_BYTES } from './archive-wire.ts';
import { Malformed } from './byte-reader.ts';
import { concat, toHex, utf8, type Bytes } from './bytes.ts';
import { decode, TooLarge, u32, u64, type WireError } from './fixed-fields.ts';
import type { Result } from './result.ts';

const SUPERSEDE_LABEL = utf8('codeface/archive-supersede/1\0');
const REVERT_LABEL = utf8('codeface/archive-revert/1\0');

/** Hashes in one statement, of what stays and of what goes: some twenty minutes of typing, and a short transaction. */
export const ARCHIVE_SUPERSEDE_NAMES = 1_024;

/** A segment that stays, and those whose entries it holds: each by the SHA-256 of its sealed bytes. */
export interface SupersedingGroup {
  readonly by: Bytes;
  /** At least one. */
  readonly names: readonly Bytes[];
}

/** Takes back every superseding of this copy whose segments are still there (ARCH-27). */
export interface ArchiveRevert {
  readonly ownerPublicKey: Bytes;
  /** Above that of every superseding and revert of this copy before it; u32. */
  readonly counter: number;
  /** The copy that is meant: worth nothing at another server. */
  readonly instance: Bytes;
}

/** Has segments go after 30 days (ARCH-24). */
export interface ArchiveSuperseding extends ArchiveRevert {
  readonly groups: readonly SupersedingGroup[];
}

/** What of a room waits to be removed (ARCH-26). */
export interface ArchiveSuperseded {
  readonly instance: Bytes;
  /** Of the newest superseding or revert; 0 where there was none. */
  readonly counter: number;
  /** Whether that was a revert. */
  readonly reverted: boolean;
  readonly segments: number;
  /** Their cost, as the quota counts it. */
  readonly bytes: number;
  /** When the first of them goes, milliseconds since 1970; 0 where none waits. */
  readonly goesAt: number;
}

const HEAD_BYTES = 1 + KEY_BYTES + 4 + ARCHIVE_INSTANCE_BYTES;
const SIGNATURE_BYTES = 64;
/** The longest statement: each group has at least two hashes. */
export const ARCHIVE_SUPERSEDE_BYTES =
  HEAD_BYTES + 4 + ARCHIVE_SUPERSEDE_NAMES * HASH_BYTES + (ARCHIVE_SUPERSEDE_NAMES / 2) * 4 + SIGNATURE_BYTES;

/** What the owner signs (Ed25519). */
export const supersedingMessage = (statement: ArchiveSuperseding): Bytes =>
  concat(SUPERSEDE_LABEL, supersedingBody(statement));
export const revertMessage = (statement: ArchiveRevert): Bytes => concat(REVERT_LABEL, headOf(statement));

export const encodeSuperseding = (statement: ArchiveSuperseding, signature: Bytes): Bytes =>
  concat(supersedingBody(statement), signature);
export const encodeRevert = (statement: ArchiveRevert, signature: Bytes): Bytes =>
  concat(headOf(statement), signature);

/** Reads, does not verify. A hash that is there twice is malformed: nothing stands for itself, and nothing goes twice. */
export function decodeSuperseding(bytes: Bytes): Result<SignedStatement<ArchiveSuperseding>, WireError> {
  return decodeSigned(bytes, SUPERSEDE_LABEL, (fields) => {
    const head = {
      ownerPublicKey: fields.take(KEY_BYTES),
      counter: fields.u32(),
      instance: fields.take(ARCHIVE_INSTANCE_BYTES),
    };
    const seen = new Set<string>();
    const hash = (): Bytes => {
      if (seen.size === ARCHIVE_SUPERSEDE_NAMES) throw new TooLarge('too many hashes');
      const taken = fields.take(HASH_BYTES);
      const known = seen.size;
      if (seen.add(toHex(taken)).size === known) throw new Malformed('a hash twice');
      return taken;
    };
    const count = (): number => {
      const value = fields.u32();
      if (value === 0) throw new Malformed('nothing');
      if (value > ARCHIVE_SUPERSEDE_NAMES) throw new TooLarge('too many hashes');
      return value;
    };
    const groups: SupersedingGroup[] = [];
    for (let left = count(); left > 0; left--) {
      const by = hash();
      const names: Bytes[] = [];
      for (let more = count(); more > 0; more--) names.push(hash());
      groups.push({ by, names });
    }
    return { ...head, groups };
  });
}

/** Reads, does not verify. */
export function decodeRevert(bytes: Bytes): Result<SignedStatement<ArchiveRevert>, WireError> {
  return decodeSigned(bytes, REVERT_LABEL, (fields) => ({
    ownerPublicKey: fields.take(KEY_BYTES),
    counter: fields.u32(),
    instance: fields.take(ARCHIVE_INSTANCE_BYTES),
  }));
}

export const encodeSuperseded = (answer: ArchiveSuperseded): Bytes =>
  concat(
    answer.instance,
    u32(answer.counter),
    Uint8Array.of(answer.reverted ? 1 : 0),
    u64(answer.segments),
    u64(answer.bytes),
    u64(answer.goesAt),
  );

export function decodeSuperseded(bytes: Bytes): Result<ArchiveSuperseded, WireError> {
  return decode(bytes, (fields) => ({
    instance: fields.take(ARCHIVE_INSTANCE_BYTES),
    counter: fields.u32(),
    reverted: fields.flag(),
    segments: fields.u64(),
    bytes: fields.u64(),
    goesAt: fields.u64(),
  }));
}

const headOf = ({ ownerPublicKey, counter, instance }: ArchiveRevert): Bytes =>
  concat(Uint8Array.of(FORMAT), ownerPublicKey, u32(counter), instance);

const supersedingBody = (statement: ArchiveSuperseding): Bytes =>
  concat(
    headOf(statement),
    u32(statement.groups.length),
    ...statement.groups.flatMap(({ by, names }) => [by, u32(names.length), ...names]),
  );
