/**
 * Ed25519 over WebCrypto: keys from seeds, signing, verifying. Owns the refusal of weak public keys.
 * It knows nothing of what is signed; callers put a purpose label in front of every message.
 */
import { concat, fromHex, type Bytes } from '../core/bytes.ts';

export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

/** A public key and the handle that signs for it. The private part never leaves WebCrypto. */
export interface SigningKeyPair {
  readonly publicKey: Bytes;
  readonly privateKey: CryptoKey;
}

/** A new random key pair whose private part can't be exported. */
export async function generateSigningKeyPair(): Promise<SigningKeyPair> {
  const pair = await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify']);
  const publicKey = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  return { publicKey, privateKey: pair.privateKey };
}

/** The key pair of a 32-byte secret (RFC 8032). The private part can't be exported again. */
export async function signingKeyPairFromSeed(seed: Bytes): Promise<SigningKeyPair> {
  const pkcs8 = concat(PKCS8_PREFIX, seed);
  // WebCrypto derives the public key but shows it only in the JWK of an extractable key.
  const readable = await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', true, ['sign']);
  const { x } = await crypto.subtle.exportKey('jwk', readable);
  if (x === undefined) throw new Error('WebCrypto exported an Ed25519 key without its public part');
  const privateKey = await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign']);
  pkcs8.fill(0);
  const publicKey = Uint8Array.from(atob(x.replaceAll('-', '+').replaceAll('_', '/')), (c) =>
    c.charCodeAt(0),
  );
  return { publicKey, privateKey };
}

export async function sign(privateKey: CryptoKey, message: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.sign('Ed25519', privateKey, message));
}

/** A key for `verifyWith`, worth keeping where it is used often; undefined for a weak or malformed key (KEY-6). */
export async function importVerifyKey(publicKey: Bytes): Promise<CryptoKey | undefined> {
  if (!isStrongPublicKey(publicKey)) return undefined;
  try {
    return await crypto.subtle.importKey('raw', publicKey, 'Ed25519', true, ['verify']);
  } catch {
    return undefined;
  }
}

export function verifyWith(key: CryptoKey, signature: Bytes, message: Bytes): Promise<boolean> {
  return crypto.subtle.verify('Ed25519', key, signature, message);
}

/** Whether the signature holds. False, never a throw, for weak or malformed keys and signatures. */
export async function verifySignature(publicKey: Bytes, signature: Bytes, message: Bytes): Promise<boolean> {
  if (signature.length !== SIGNATURE_BYTES) return false;
  const key = await importVerifyKey(publicKey);
  return key !== undefined && (await verifyWith(key, signature, message));
}

/**
 * False for keys under which a signature proves nothing or platforms may disagree: the points of small order in all
 * their encodings, and every y that is not below the field's prime (KEY-6). Platforms accept them.
 */
export function isStrongPublicKey(publicKey: Bytes): boolean {
  if (publicKey.length !== PUBLIC_KEY_BYTES) return false;
  const y = publicKey.slice();
  y[31] = (y[31] ?? 0) & 0x7f; // the top bit is the sign of x
  const notBelowPrime = y[31] === 0x7f && (y[0] ?? 0) >= 0xed && y.subarray(1, 31).every((b) => b === 0xff);
  return !notBelowPrime && !SMALL_ORDER_Y.some((weak) => weak.every((b, i) => b === y[i]));
}

/** DER of a PKCS #8 private key up to the 32 bytes of the Ed25519 seed (RFC 8410 §7). */
const PKCS8_PREFIX = fromHex('302e020100300506032b657004220420');

/** y of the points whose order divides 8; p and p + 1 are refused as not below the prime. */
const SMALL_ORDER_Y = [
  '0000000000000000000000000000000000000000000000000000000000000000', // order 4
  '0100000000000000000000000000000000000000000000000000000000000000', // order 1
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', // order 8
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', // order 8
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', // order 2
].map(fromHex);
