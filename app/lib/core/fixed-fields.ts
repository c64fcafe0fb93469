/** Numbers of fixed width and byte strings with their length in front: written one way only, read strictly. */
import { ByteReader, Malformed } from './byte-reader.ts';
import type { Bytes } from './bytes.ts';
import { err, ok, type Result } from './result.ts';

/** `too-large`: readable, but above a cap. */
export interface WireError {
  readonly kind: 'malformed' | 'too-large';
}

/** Whether a value from anywhere is an integer from 0 to 2^32 - 1. */
export const isU32 = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32;

/** Big-endian, 4 bytes. RangeError for what is no u32. */
export function u32(value: number): Bytes {
  if (!isU32(value)) throw new RangeError(`${String(value)} is no u32`);
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** Big-endian, 8 bytes. RangeError for what is no safe integer from 0 up. */
export function u64(value: number): Bytes {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is no count`);
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

/** Each part with its length, a u32, in front. */
export const sized = (...parts: readonly Bytes[]): Bytes[] =>
  parts.flatMap((part) => [u32(part.length), part]);

/** Readable, but above a cap: thrown and caught like Malformed. */
export class TooLarge extends Malformed {}

/** Adds what is of fixed width to the reader of untrusted bytes. */
export class Fields extends ByteReader {
  u64(): number {
    const value = this.u32() * 2 ** 32 + this.u32();
    if (!Number.isSafeInteger(value)) throw new Malformed('number too large');
    return value;
  }

  flag(): boolean {
    const byte = this.u8();
    if (byte > 1) throw new Malformed('neither yes nor no');
    return byte === 1;
  }

  /** A length and as many bytes. */
  sized(maxBytes: number): Bytes {
    const length = this.u32();
    if (length > maxBytes) throw new TooLarge('more bytes than may be');
    return this.take(length);
  }
}

/** Runs a reader over all of `bytes`; what it leaves unread is an error too. */
export function decode<T>(bytes: Bytes, read: (fields: Fields) => T): Result<T, WireError> {
  try {
    const fields = new Fields(bytes);
    const value = read(fields);
    fields.end();
    return ok(value);
  } catch (problem) {
    if (problem instanceof TooLarge) return err({ kind: 'too-large' });
    if (problem instanceof Malformed) return err({ kind: 'malformed' });
    throw problem;
  }
}
