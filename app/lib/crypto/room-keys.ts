/**
 * A room's keys: what its owner makes once, and what each seed of a link allows its holder to derive (DESIGN §3).
 *
 *   edit seed W ─► comment seed C ─► read seed R        whoever has one has those after it, never those before
 *   W: edit invite key    C: comment invite key    R: view invite key, signaling topic, K_signal, K_doc family
 */
import { base32nopad } from '@scure/base';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, randomBytes, utf8, type Bytes } from '../core/bytes.ts';
import type { Role, RoomId } from '../core/ids.ts';
import { generateSigningKeyPair, signingKeyPairFromSeed, type SigningKeyPair } from './signatures.ts';

/** Which seed a link carries: edit, comment or view. The letter is the link's own (LINK-1). */
export type SeedKind = 'e' | 'c' | 'v';
export const SEED_BYTES = 32;

/** What is sealed, each kind with keys of its own. 'signal' goes through the signaling server, 'genesis' into the archive. */
export type SealKind =
  'segment' | 'hello' | 'want' | 'presence' | 'signal' | 'genesis' | 'roster' | 'checkpoint' | 'reach';
export const SEAL_KINDS: readonly SealKind[] = [
  'segment',
  'hello',
  'want',
  'presence',
  'signal',
  'genesis',
  'roster',
  'checkpoint',
  'reach',
];

/** The keys of one seal kind: encryption, and the one that makes IVs from what is encrypted (SEAL-5). */
export interface SealKey {
  readonly encryption: CryptoKey;
  readonly ivSecret: Bytes;
}

/** Plain data and key handles: it can be posted to a worker as it is. */
export interface RoomKeys {
  readonly roomId: RoomId;
  readonly epoch: number;
  readonly seedKind: SeedKind;
  readonly role: Role;
  /** The seeds this holder has: what links can be made of. */
  readonly seeds: { readonly e?: Bytes; readonly c?: Bytes; readonly v: Bytes };
  readonly editInvite?: SigningKeyPair;
  readonly commentInvite?: SigningKeyPair;
  /** Certifies presence only. */
  readonly viewInvite: SigningKeyPair;
  /** The signaling topic is this public key; joining proves the private one. */
  readonly topic: SigningKeyPair;
  readonly sealing: Readonly<Record<SealKind, SealKey>>;
  /** What reads what was sealed in the epochs before, by epoch (ROST-4). */
  readonly past?: readonly RoomKeys[];
}

/** A new room: its owner's key pair, id and first edit seed. */
export async function createRoom(): Promise<{ owner: SigningKeyPair; roomId: RoomId; editSeed: Bytes }> {
  const owner = await generateSigningKeyPair();
  return { owner, roomId: roomIdOf(owner.publicKey), editSeed: randomBytes(SEED_BYTES) };
}

/** base32lower(SHA-256(owner public key)): 52 characters of `[a-z2-7]` (KEY-1). */
export function roomIdOf(ownerPublicKey: Bytes): RoomId {
  return base32nopad.encode(sha256(ownerPublicKey)).toLowerCase() as RoomId;
}

export const isRoomId = (text: string): text is RoomId => /^[a-z2-7]{51}[aq]$/.test(text);

/** Everything a seed of that kind gives (KEY-2 to KEY-5). `seed` is 32 bytes. */
export async function deriveRoomKeys(
  seedKind: SeedKind,
  seed: Bytes,
  epoch: number,
  roomId: RoomId,
): Promise<RoomKeys> {
  if (seed.length !== SEED_BYTES) throw new RangeError('a seed has 32 bytes');
  const expand = (from: Bytes, purpose: string): Bytes => deriveSecret(from, purpose, epoch, roomId);
  const pair = (from: Bytes, purpose: string) => signingKeyPairFromSeed(expand(from, purpose));

  const e = seedKind === 'e' ? seed : undefined;
  const c = e ? expand(e, 'comment-seed') : seedKind === 'c' ? seed : undefined;
  const v = c ? expand(c, 'read-seed') : seed;

  const sealKey = async (kind: SealKind): Promise<SealKey> => ({
    encryption: await crypto.subtle.importKey('raw', expand(v, `seal/${kind}`), 'AES-GCM', false, [
      'encrypt',
      'decrypt',
    ]),
    ivSecret: expand(v, `iv/${kind}`),
  });
  const [segment, hello, want, presence, signal, genesis, roster, checkpoint, reach] = await Promise.all([
    sealKey('segment'),
    sealKey('hello'),
    sealKey('want'),
    sealKey('presence'),
    sealKey('signal'),
    sealKey('genesis'),
    sealKey('roster'),
    sealKey('checkpoint'),
    sealKey('reach'),
  ]);
  return {
    roomId,
    epoch,
    seedKind,
    role: e ? 'editor' : c ? 'commenter' : 'viewer',
    seeds: { ...(e && { e }), ...(c && { c }), v },
    ...(e && { editInvite: await pair(e, 'edit-invite') }),
    ...(c && { commentInvite: await pair(c, 'comment-invite') }),
    viewInvite: await pair(v, 'view-invite'),
    topic: await pair(v, 'topic'),
    sealing: { segment, hello, want, presence, signal, genesis, roster, checkpoint, reach },
  };
}

/** The keys of that epoch, as far as this holder has them. */
export const keysOfEpoch = (keys: RoomKeys, epoch: number): RoomKeys | undefined =>
  epoch === keys.epoch ? keys : keys.past?.[epoch];

/** What opens the room's archive to a holder of these keys: 32 bytes each, of which the server knows the hashes (ARCH-1). */
export interface ArchiveKeys {
  readonly read: Bytes;
  /** Append keys: whoever has the seed. */
  readonly edit?: Bytes;
  readonly comment?: Bytes;
}

/** Pure, and derived when asked for: most rooms of a tab never speak to an archive. */
export function archiveKeys({ seeds: { e, c, v }, epoch, roomId }: RoomKeys): ArchiveKeys {
  return {
    read: deriveSecret(v, 'archive-read', epoch, roomId),
    ...(e && { edit: deriveSecret(e, 'archive-append-edit', epoch, roomId) }),
    ...(c && { comment: deriveSecret(c, 'archive-append-comment', epoch, roomId) }),
  };
}

/** The 32 bytes that a seed gives for one purpose (KEY-2). */
export function deriveSecret(seed: Bytes, purpose: string, epoch: number, roomId: RoomId): Bytes {
  const info = concat(utf8(`codeface/${purpose}/1\0`), epochBytes(epoch));
  return hkdf(sha256, seed, utf8(roomId), info, SEED_BYTES);
}

/** Big-endian, 4 bytes. Epochs are integers from 0 to 2^32 - 1. */
export function epochBytes(epoch: number): Bytes {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, epoch);
  return bytes;
}
