/** Checks that whoever joins a relay topic holds the topic's private key. */
import { toHex, type Bytes } from '../app/lib/core/bytes.ts';
import { relayJoinMessage } from '../app/lib/core/relay-wire.ts';

/**
 * The Ed25519 points of small order and their second spellings (y above the prime), without the sign bit. Where WebCrypto accepts them
 * (the standard left it open for long), one signature verifies every message, so anyone could join.
 */
const SMALL_ORDER = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

export function isSmallOrder(publicKey: Bytes): boolean {
  const unsigned = publicKey.slice();
  unsigned[31] = (unsigned[31] ?? 0) & 0x7f;
  return SMALL_ORDER.has(toHex(unsigned));
}

/** Whether `signature` over this connection's nonce was made with the topic's key. False, never a throw, for bytes that are no key. */
export async function provesTopic(topic: Bytes, nonce: Bytes, signature: Bytes): Promise<boolean> {
  if (isSmallOrder(topic)) return false;
  try {
    const key = await crypto.subtle.importKey('raw', topic, 'Ed25519', false, ['verify']);
    return await crypto.subtle.verify('Ed25519', key, signature, relayJoinMessage(nonce, topic));
  } catch {
    return false;
  }
}
