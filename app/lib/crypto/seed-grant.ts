/**
 * Seeds on their way into a new epoch (ROST-3, ROST-4): one wrapped to each staying device's X25519 key, and the read seed of the
 * epoch before wrapped under the read seed of the new one.
 */
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, utf8, type Bytes } from '../core/bytes.ts';
import { ROLES, type Role, type RoomId } from '../core/ids.ts';
import { generateExchangeKeyPair, isStrongDeviceKey, type ExchangeKeyPair } from './device-keys.ts';
import { deriveSecret, epochBytes, SEED_BYTES, type RoomKeys, type SeedKind } from './room-keys.ts';

/** A seed and the tag of AES-GCM. */
export const WRAPPED_SEED_BYTES = SEED_BYTES + 16;

/** What a grant is for. All of it is bound into the key: a grant moved to another place does not open. */
export interface GrantTerms {
  readonly roomId: RoomId;
  readonly epoch: number;
  /** X25519 public key. */
  readonly device: Bytes;
  readonly role: Role;
}

export interface SeedGrant {
  /** X25519 public key, made for this grant alone. */
  readonly ephemeral: Bytes;
  readonly wrapped: Bytes;
}

const GRANT_LABEL = utf8('codeface/grant/1\0');
const FORMER_LABEL = utf8('codeface/former-seed/1\0');
/** Each key encrypts one seed only: a second IV would have nothing to tell apart. */
const ZERO_IV = new Uint8Array(12);

const SEED_KINDS: Readonly<Record<Role, SeedKind>> = { editor: 'e', commenter: 'c', viewer: 'v' };
/** The seed whose holder has this role. */
export const seedKindOf = (role: Role): SeedKind => SEED_KINDS[role];

/**
 * The seed for one device; undefined if its key is weak: then everybody could open it. The ephemeral pair is new; only test
 * vectors give one, because a pair that wraps two seeds on the same terms uses a key and IV twice.
 */
export async function wrapSeed(
  seed: Bytes,
  terms: GrantTerms,
  pair?: ExchangeKeyPair,
): Promise<SeedGrant | undefined> {
  const { publicKey: ephemeral, privateKey } = pair ?? (await generateExchangeKeyPair());
  const secret = await sharedSecret(privateKey, terms.device);
  if (secret === undefined) return undefined;
  const key = grantKey(secret, terms, ephemeral);
  return { ephemeral, wrapped: await encrypt(key, grantData(terms), seed) };
}

/** The seed of a grant from anywhere; undefined if it is not for these terms and this private key, or damaged. */
export async function openGrant(
  { ephemeral, wrapped }: SeedGrant,
  terms: GrantTerms,
  privateKey: CryptoKey,
): Promise<Bytes | undefined> {
  const secret = await sharedSecret(privateKey, ephemeral);
  return secret && decrypt(grantKey(secret, terms, ephemeral), grantData(terms), wrapped);
}

/** The read seed of the epoch before that of `keys`, for whoever has theirs. */
export const wrapFormerSeed = (seed: Bytes, keys: RoomKeys): Promise<Bytes> =>
  encrypt(formerKey(keys), formerData(keys), seed);

/** Undefined if it was not wrapped under these keys, or is damaged. */
export const openFormerSeed = (wrapped: Bytes, keys: RoomKeys): Promise<Bytes | undefined> =>
  decrypt(formerKey(keys), formerData(keys), wrapped);

/** Undefined where it would be all zeros. A conforming platform refuses to answer then; others answer zeros (RFC 7748 §6.1). */
async function sharedSecret(privateKey: CryptoKey, publicKey: Bytes): Promise<Bytes | undefined> {
  if (!isStrongDeviceKey(publicKey)) return undefined;
  const theirs = await crypto.subtle.importKey('raw', publicKey, 'X25519', true, []);
  const bits = await crypto.subtle.deriveBits({ name: 'X25519', public: theirs }, privateKey, 256);
  const secret = new Uint8Array(bits);
  return secret.some((byte) => byte !== 0) ? secret : undefined;
}

const roleByte = (role: Role): Bytes => Uint8Array.of(ROLES.indexOf(role));

function grantKey(secret: Bytes, { roomId, epoch, device, role }: GrantTerms, ephemeral: Bytes): Bytes {
  const info = concat(GRANT_LABEL, epochBytes(epoch), device, ephemeral, roleByte(role));
  return hkdf(sha256, secret, utf8(roomId), info, 32);
}

const grantData = ({ device, role }: GrantTerms): Bytes => concat(GRANT_LABEL, device, roleByte(role));

const formerKey = ({ seeds, epoch, roomId }: RoomKeys): Bytes =>
  deriveSecret(seeds.v, 'former-seed', epoch, roomId);

const formerData = ({ roomId, epoch }: RoomKeys): Bytes =>
  concat(FORMER_LABEL, utf8(roomId), epochBytes(epoch));

async function encrypt(key: Bytes, additionalData: Bytes, seed: Bytes): Promise<Bytes> {
  if (seed.length !== SEED_BYTES) throw new RangeError('a seed has 32 bytes');
  const handle = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt']);
  const parameters = { name: 'AES-GCM', iv: ZERO_IV, additionalData };
  return new Uint8Array(await crypto.subtle.encrypt(parameters, handle, seed));
}

async function decrypt(key: Bytes, additionalData: Bytes, wrapped: Bytes): Promise<Bytes | undefined> {
  const handle = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['decrypt']);
  const parameters = { name: 'AES-GCM', iv: ZERO_IV, additionalData };
  try {
    return new Uint8Array(await crypto.subtle.decrypt(parameters, handle, wrapped));
  } catch {
    return undefined;
  }
}
