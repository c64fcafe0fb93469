/** Numbers of fixed width and byte strings with their length in front: written one way only, read strictly. */
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

/** Thrown by Fields and by what reads with it, caught by `decode`: never leaves a codec. */
export class Unreadable extends Error {
  readonly kind: WireError['kind'];
  constructor(kind: WireError['kind']) {
    super(kind);
    this.kind = kind;
  }
}

/** Reads from the front; every read is checked against what is there. */
export class Fields {
  readonly #bytes: Bytes;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** A view of the next `length` bytes. */
  take(length: number): Bytes {
    if (length > this.#bytes.length - this.#at) throw new Unreadable('malformed');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
  u32(): number {
    this.take(4);
    return this.#view.getUint32(this.#at - 4);
  }
  u64(): number {
    this.take(8);
    const value = this.#view.getBigUint64(this.#at - 8);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new Unreadable('malformed');
    return Number(value);
  }
  flag(): boolean {
    const [byte] = this.take(1);
    if (byte !== 0 && byte !== 1) throw new Unreadable('malformed');
    return byte === 1;
  }
  /** A length and as many bytes. */
  sized(maxBytes: number): Bytes {
    const length = this.u32();
    if (length > maxBytes) throw new Unreadable('too-large');
    return this.take(length);
  }
  end(): void {
    if (this.#at !== this.#bytes.length) throw new Unreadable('malformed');
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
    if (problem instanceof Unreadable) return err({ kind: problem.kind });
    throw problem;
  }
}
