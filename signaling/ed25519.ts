/** Checks signatures of people's own keys, and refuses keys under which a signature proves nothing (KEY-6). */
import { toHex, type Bytes } from '../app/lib/core/bytes.ts';

/** Whether the signature holds. False, never a throw, for weak keys and for bytes that are no key or no signature. */
export async function verifyEd25519(publicKey: Bytes, signature: Bytes, message: Bytes): Promise<boolean> {
  if (isWeakKey(publicKey)) return false;
  try {
    const key = await crypto.subtle.importKey('raw', publicKey, 'Ed25519', false, ['verify']);
    return await crypto.subtle.verify('Ed25519', key, signature, message);
  } catch {
    return false;
  }
}

/**
 * The Ed25519 points of small order, without the sign bit. Where WebCrypto accepts them (the standard left it open for long), one
 * signature verifies every message.
 */
const SMALL_ORDER = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

export function isWeakKey(publicKey: Bytes): boolean {
  const y = publicKey.slice();
  y[31] = (y[31] ?? 0) & 0x7f;
  // Second spellings of small numbers, on which libraries differ.
  const notBelowPrime = y[31] === 0x7f && (y[0] ?? 0) >= 0xed && y.subarray(1, 31).every((b) => b === 0xff);
  return notBelowPrime || SMALL_ORDER.has(toHex(y));
}
