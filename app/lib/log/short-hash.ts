/**
 * SHA-256 of short messages, of which a long history has two a key. The rounds are the library's; what its hashers do
 * besides, for messages of any length, takes half as long again as the rounds of a short one.
 */
import { _SHA256 } from '@noble/hashes/sha2.js';
import type { Bytes } from '../core/bytes.ts';

const BLOCK_BYTES = 64;
/** A message of two blocks at most, less the bit that ends it and its length. */
export const MAX_SHORT_BYTES = 2 * BLOCK_BYTES - 9;

/** Hashes what is written into `message`, which is written over for the next one. */
export class ShortHasher extends _SHA256 {
  readonly message: Bytes = new Uint8Array(2 * BLOCK_BYTES);
  readonly messageView = new DataView(this.message.buffer);
  readonly #blank = this.get();

  /** Puts the hash of the first `length` bytes of `message`, at most MAX_SHORT_BYTES, at `at` of `out`, which may be `messageView`. */
  hashInto(length: number, out: DataView, at: number): void {
    const end = length + 9 <= BLOCK_BYTES ? BLOCK_BYTES : 2 * BLOCK_BYTES;
    this.message[length] = 0x80;
    this.message.fill(0, length + 1, end);
    this.messageView.setUint16(end - 2, length * 8);
    this.set(...this.#blank);
    this.process(this.messageView, 0);
    if (end > BLOCK_BYTES) this.process(this.messageView, BLOCK_BYTES);
    const { A, B, C, D, E, F, G, H } = this;
    out.setUint32(at, A);
    out.setUint32(at + 4, B);
    out.setUint32(at + 8, C);
    out.setUint32(at + 12, D);
    out.setUint32(at + 16, E);
    out.setUint32(at + 20, F);
    out.setUint32(at + 24, G);
    out.setUint32(at + 28, H);
  }
}
