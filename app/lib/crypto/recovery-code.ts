/**
 * The recovery code of a room: 128 random bits that a person can write down, and the root key that follows from them (ROST-33).
 * Whoever has the code owns the room; it is never stored.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, randomBytes, utf8, type Bytes } from '../core/bytes.ts';
import type { RoomId } from '../core/ids.ts';
import { err, ok, type Result } from '../core/result.ts';
import { deriveSecret } from './room-keys.ts';
import { signingKeyPairFromSeed, type SigningKeyPair } from './signatures.ts';

/** 128 bits: nobody guesses it, and a person copies 30 letters. */
export const RECOVERY_SECRET_BYTES = 16;
/** Crockford's base 32: no I, L, O and U. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const LETTERS = 30;
/** What 30 letters hold beyond the secret: one mistyped code in four million goes unnoticed. */
const CHECK_BITS = 22n;

/** Why a text is no code. `position`: of the letter, from 1. */
export type CodeProblem =
  | { readonly kind: 'empty' }
  | { readonly kind: 'no-such-letter'; readonly letter: string; readonly position: number }
  | { readonly kind: 'too-short' | 'too-long'; readonly letters: number }
  /** A letter is wrong, or two are swapped. */
  | { readonly kind: 'mistyped' };

export const makeRecoverySecret = (): Bytes => randomBytes(RECOVERY_SECRET_BYTES);

/** Six groups of five letters. */
export function formatRecoveryCode(secret: Bytes): string {
  if (secret.length !== RECOVERY_SECRET_BYTES) throw new RangeError('a recovery secret has 16 bytes');
  const value = (numberOf(secret) << CHECK_BITS) | checkOf(secret);
  const letters = Array.from(
    { length: LETTERS },
    (_, i) => ALPHABET[Number((value >> BigInt(5 * (LETTERS - 1 - i))) & 31n)],
  ).join('');
  return letters.replace(/.{5}(?=.)/g, `$&-`);
}

/** Takes what a person typed: in any case, with any spaces and dashes, O for 0, I and L for 1. */
export function parseRecoveryCode(text: string): Result<Bytes, CodeProblem> {
  const letters = Array.from(text.replace(/[\s\p{Pd}]/gu, ''));
  if (letters.length === 0) return err({ kind: 'empty' });
  let value = 0n;
  for (const [i, letter] of letters.entries()) {
    const upper = letter.toUpperCase();
    const digit = upper.length === 1 ? ALPHABET.indexOf(MEANT[upper] ?? upper) : -1;
    if (digit < 0) return err({ kind: 'no-such-letter', letter, position: i + 1 });
    if (i < LETTERS) value = (value << 5n) | BigInt(digit);
  }
  if (letters.length !== LETTERS)
    return err({ kind: letters.length < LETTERS ? 'too-short' : 'too-long', letters: letters.length });
  const secret = bytesOf(value >> CHECK_BITS);
  const check = value & ((1n << CHECK_BITS) - 1n);
  return check === checkOf(secret) ? ok(secret) : err({ kind: 'mistyped' });
}

/** The key that signs owners statements of that room. */
export const rootKeyOf = (secret: Bytes, roomId: RoomId): Promise<SigningKeyPair> =>
  signingKeyPairFromSeed(deriveSecret(secret, 'root-key', 0, roomId));

/** Letters that look like others. */
const MEANT: Readonly<Record<string, string>> = { O: '0', I: '1', L: '1' };
const CHECK_LABEL = utf8('codeface/recovery-code/1\0');

/** The first bits of the hash. */
function checkOf(secret: Bytes): bigint {
  const hash = sha256(concat(CHECK_LABEL, secret));
  return numberOf(hash.slice(0, 3)) >> (24n - CHECK_BITS);
}

const numberOf = (bytes: Bytes): bigint => bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

const bytesOf = (value: bigint): Bytes =>
  Uint8Array.from({ length: RECOVERY_SECRET_BYTES }, (_, i) =>
    Number((value >> BigInt(8 * (RECOVERY_SECRET_BYTES - 1 - i))) & 255n),
  );
