/**
 * Reads untrusted bytes: every read is bounds-checked and every number has one encoding only.
 * Stricter than lib0's decoder, which returns undefined past the end and takes over-long and imprecise numbers.
 */
import type { Bytes } from './bytes.ts';
import { err, ok, type Result } from './result.ts';

/** Thrown by ByteReader and by what reads with it, caught by `parse`: never leaves a codec. */
export class Malformed extends Error {}

export class ByteReader {
  readonly #bytes: Bytes;
  #at = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  /** How many bytes were read. */
  get at(): number {
    return this.#at;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new Malformed('ends early');
    this.#at++;
    return byte;
  }

  u32(): number {
    return this.u8() * 2 ** 24 + this.u8() * 2 ** 16 + this.u8() * 2 ** 8 + this.u8();
  }

  /** A view of the next `length` bytes. */
  take(length: number): Bytes {
    if (length > this.left) throw new Malformed('ends early');
    if (length === 0) return NOTHING;
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** lib0 varUint, at most `max`. */
  varUint(max: number = Number.MAX_SAFE_INTEGER): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (value > max) throw new Malformed('number too large');
      if (byte < 0x80) {
        if (byte === 0 && scale > 1) throw new Malformed('over-long number');
        return value;
      }
      scale *= 128;
      // Eight groups carry 56 bits; a ninth could not be a safe integer.
      if (scale > 2 ** 49) throw new Malformed('number too large');
    }
  }

  /** lib0 varInt: sign in the second bit, six bits in the first byte. Minus zero is not a number here. */
  varInt(): number {
    const first = this.u8();
    let value = first & 0x3f;
    if (first >= 0x80) {
      const rest = this.varUint(Math.floor(Number.MAX_SAFE_INTEGER / 64));
      if (rest === 0) throw new Malformed('over-long number');
      value += rest * 64;
      if (value > Number.MAX_SAFE_INTEGER) throw new Malformed('number too large');
    }
    if ((first & 0x40) === 0) return value;
    if (value === 0) throw new Malformed('minus zero');
    return -value;
  }

  varBytes(max: number): Bytes {
    return this.take(this.varUint(max));
  }

  /** UTF-8 with its length in front; ill-formed UTF-8 is refused. */
  text(maxBytes: number): string {
    return decodeText(this.varBytes(maxBytes));
  }

  /** Passes over a text as `text` does, and gives its length in UTF-16 code units. */
  textLength(maxBytes: number): number {
    const length = this.varUint(maxBytes);
    if (length > SHORT_TEXT_BYTES || !this.#isAscii(length)) return decodeText(this.take(length)).length;
    this.#at += length;
    return length;
  }

  /** Whether the next `length` bytes are all here, and each a character. */
  #isAscii(length: number): boolean {
    for (let at = this.#at; at < this.#at + length; at++) {
      const byte = this.#bytes[at];
      if (byte === undefined || byte >= 0x80) return false;
    }
    return true;
  }

  end(): void {
    if (this.left > 0) throw new Malformed('trailing bytes');
  }
}

/** Runs a reader over all of `bytes`; what it leaves unread is an error too. */
export function parse<T>(bytes: Bytes, read: (reader: ByteReader) => T): Result<T, string> {
  try {
    const reader = new ByteReader(bytes);
    const value = read(reader);
    reader.end();
    return ok(value);
  } catch (problem) {
    if (problem instanceof Malformed) return err(problem.message);
    throw problem;
  }
}

/** Calling the decoder costs more than a typed letter, of which a long history has hundreds of thousands. */
const SHORT_TEXT_BYTES = 8;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const NOTHING: Bytes = new Uint8Array();

function decodeText(bytes: Bytes): string {
  if (bytes.length <= SHORT_TEXT_BYTES && bytes.every((byte) => byte < 0x80))
    return String.fromCharCode(...bytes);
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new Malformed('ill-formed UTF-8');
  }
}
