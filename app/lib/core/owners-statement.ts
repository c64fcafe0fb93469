/**
 * Who owns a room, as statements that follow each other (ROST-30): bytes only, for tabs and for the archive, which verifies them
 * itself. What is believed is log/owners.ts's and signaling/archive/owner-proof.ts's to say.
 *
 *   format u8 ‖ index u32 ‖ previous[32] ‖ epoch u32 ‖ newest[32] ‖ time u64 ‖ root[32] ‖ count u8 ‖ count × owner[32] ‖ signature[64]
 */
import { Malformed } from './byte-reader.ts';
import { concat, utf8, type Bytes } from './bytes.ts';
import { decode, u32, u64, type WireError } from './fixed-fields.ts';
import type { Result } from './result.ts';

/** Devices that own a room at one time: more than a person has, and few enough to try a signature against each. */
export const MAX_OWNERS = 8;
/** Owners statements of a room. A recovery or a hand-over is one; together they stay below 28 KiB. */
export const MAX_OWNERS_STATEMENTS = 64;

/** What an owners statement says, apart from its signature. */
export interface OwnersFields {
  /** From 1. */
  readonly index: number;
  /** SHA-256 of the owners statement before it, signature included; of the genesis statement for the first. */
  readonly previous: Bytes;
  /** The newest epoch then: it counts for those above. */
  readonly epoch: number;
  /** SHA-256 of the statement that began that epoch. */
  readonly newest: Bytes;
  /** Milliseconds since 1970, as whoever signed claims. */
  readonly time: number;
  /** Signs the next owners statement. */
  readonly root: Bytes;
  /** Sign epochs: 1 to MAX_OWNERS Ed25519 keys, ascending by their bytes. */
  readonly owners: readonly Bytes[];
}

/** As received, with what its signature must be over. */
export interface SignedOwners extends OwnersFields {
  readonly message: Bytes;
  readonly signature: Bytes;
}

const FORMAT = 1;
const LABEL = utf8('codeface/owners/1\0');
const KEY_BYTES = 32;
const HASH_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** Of one with MAX_OWNERS owners. */
export const OWNERS_STATEMENT_BYTES =
  1 + 4 + HASH_BYTES + 4 + HASH_BYTES + 8 + KEY_BYTES + 1 + MAX_OWNERS * KEY_BYTES + SIGNATURE_BYTES;

/** All that is signed, without the label. RangeError for numbers and lists that no reader takes. */
export function encodeOwners({ index, previous, epoch, newest, time, root, owners }: OwnersFields): Bytes {
  if (owners.length < 1 || owners.length > MAX_OWNERS) throw new RangeError(`${owners.length} owners`);
  return concat(
    Uint8Array.of(FORMAT),
    u32(index),
    previous,
    u32(epoch),
    newest,
    u64(time),
    root,
    Uint8Array.of(owners.length),
    ...owners,
  );
}

/** What the root signs of `encodeOwners`. */
export const ownersMessage = (body: Bytes): Bytes => concat(LABEL, body);

/** Reads, does not verify; what is read are views. Owners that are not ascending, or one of them twice, are malformed. */
export function decodeOwners(bytes: Bytes): Result<SignedOwners, WireError> {
  return decode(bytes, (fields) => {
    if (fields.u8() !== FORMAT) throw new Malformed('another format');
    const head = {
      index: fields.u32(),
      previous: fields.take(HASH_BYTES),
      epoch: fields.u32(),
      newest: fields.take(HASH_BYTES),
      time: fields.u64(),
      root: fields.take(KEY_BYTES),
    };
    const count = fields.u8();
    if (count < 1 || count > MAX_OWNERS) throw new Malformed('no owners, or too many');
    const owners: Bytes[] = [];
    while (owners.length < count) {
      const owner = fields.take(KEY_BYTES);
      const last = owners.at(-1);
      if (last !== undefined && compareBytes(last, owner) >= 0) throw new Malformed('not ascending');
      owners.push(owner);
    }
    const message = ownersMessage(bytes.subarray(0, fields.at));
    return { ...head, owners, message, signature: fields.take(SIGNATURE_BYTES) };
  });
}

/** The order that owners stand in. */
export function compareBytes(a: Bytes, b: Bytes): number {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}
