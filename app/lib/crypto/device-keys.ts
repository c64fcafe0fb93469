/**
 * A device's own key (KEY-7): one secret with two public forms. X25519 receives the seeds of later epochs and names the device;
 * Ed25519 proves in certificates that it is this device. Where they are kept is the caller's business.
 */
import { concat, fromHex, randomBytes, toHex, type Bytes } from '../core/bytes.ts';
import type { DeviceId } from '../core/ids.ts';
import { isStrongPublicKey, signingKeyPairFromSeed, type SigningKeyPair } from './signatures.ts';

/** An X25519 pair. The private part can't be exported. */
export interface ExchangeKeyPair {
  readonly publicKey: Bytes;
  readonly privateKey: CryptoKey;
}

/** Storable in IndexedDB as it is: nothing private can be exported. */
export interface DeviceKeyPair extends ExchangeKeyPair {
  readonly signing: SigningKeyPair;
}

/** A new pair that is good for one exchange only. */
export async function generateExchangeKeyPair(): Promise<ExchangeKeyPair> {
  const pair = await crypto.subtle.generateKey('X25519', false, ['deriveBits']);
  return {
    publicKey: new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)),
    privateKey: pair.privateKey,
  };
}

/** A new device. */
export async function generateDeviceKeyPair(): Promise<DeviceKeyPair> {
  const seed = randomBytes(SEED_BYTES);
  const device = await deviceKeyPairFromSeed(seed);
  seed.fill(0);
  return device;
}

/** The device of a 32-byte secret. Its X25519 scalar is the one that Ed25519 signs with (RFC 8032 §5.1.5), so that either form names the other. */
export async function deviceKeyPairFromSeed(seed: Bytes): Promise<DeviceKeyPair> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-512', seed));
  const [exchange, signing] = await Promise.all([
    exchangeKeyPairFromScalar(hash.subarray(0, SEED_BYTES)),
    signingKeyPairFromSeed(seed),
  ]);
  hash.fill(0);
  return { ...exchange, signing };
}

/** The pair of 32 secret bytes, which X25519 clamps (RFC 7748 §5). */
export async function exchangeKeyPairFromScalar(scalar: Bytes): Promise<ExchangeKeyPair> {
  const pkcs8 = concat(PKCS8_PREFIX, scalar);
  // WebCrypto derives the public key but shows it only in the JWK of an extractable key.
  const readable = await crypto.subtle.importKey('pkcs8', pkcs8, 'X25519', true, ['deriveBits']);
  const { x } = await crypto.subtle.exportKey('jwk', readable);
  if (x === undefined) throw new Error('WebCrypto exported an X25519 key without its public part');
  const privateKey = await crypto.subtle.importKey('pkcs8', pkcs8, 'X25519', false, ['deriveBits']);
  pkcs8.fill(0);
  const publicKey = Uint8Array.from(atob(x.replaceAll('-', '+').replaceAll('_', '/')), (c) =>
    c.charCodeAt(0),
  );
  return { publicKey, privateKey };
}

/**
 * Whether a device that signs by `signing` is the one that receives by `exchange`: u (1 - y) = 1 + y on the curve that both are
 * points of (RFC 7748 §4.1). False for weak keys, which prove nothing.
 */
export function isOneDevice(exchange: Bytes, signing: Bytes): boolean {
  if (!isStrongDeviceKey(exchange) || !isStrongPublicKey(signing)) return false;
  const u = littleEndian(exchange);
  const y = littleEndian(signing) & ((1n << 255n) - 1n); // the top bit is the sign of x
  return (u * (1n - y) - 1n - y) % FIELD_PRIME === 0n;
}

/**
 * False for u-coordinates of small order, under which every shared secret is zero, and for what is not below the field's prime,
 * top bit included: a device has one name (ROST-3). Platforms take the latter.
 */
export function isStrongDeviceKey(publicKey: Bytes): boolean {
  if (publicKey.length !== DEVICE_KEY_BYTES) return false;
  const u = littleEndian(publicKey);
  return u < FIELD_PRIME && !SMALL_ORDER_U.includes(u);
}

export const deviceIdOf = (publicKey: Bytes): DeviceId => toHex(publicKey) as DeviceId;

export const DEVICE_KEY_BYTES = 32;
const SEED_BYTES = 32;
const FIELD_PRIME = 2n ** 255n - 19n;

const littleEndian = (bytes: Bytes): bigint => BigInt(`0x${toHex(bytes.toReversed())}`);

/** u of the points whose order divides 8, on the curve and its twist, below the prime. */
const SMALL_ORDER_U = [
  0n,
  1n,
  littleEndian(fromHex('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800')),
  littleEndian(fromHex('5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157')),
  FIELD_PRIME - 1n,
];

/** DER of a PKCS #8 private key up to the 32 bytes of the X25519 secret (RFC 8410 §7). */
const PKCS8_PREFIX = fromHex('302e020100300506032b656e04220420');
