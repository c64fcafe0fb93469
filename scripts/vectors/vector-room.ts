/**
 * The room of the test vectors: every key from a seed that the file names, and sealing whose bytes no library's deflate decides.
 * What is written and signed here goes through the app's own modules wherever they can be told what to do.
 */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { deflateSync } from 'fflate';
import { concat, fromHex, toHex, utf8, type Bytes } from '../../app/lib/core/bytes.ts';
import type { Channel, RoomId } from '../../app/lib/core/ids.ts';
import {
  deriveRoomKeys,
  epochBytes,
  roomIdOf,
  SEAL_KINDS,
  type RoomKeys,
  type SealKind,
} from '../../app/lib/crypto/room-keys.ts';
import { deviceKeyPairFromSeed, type DeviceKeyPair } from '../../app/lib/crypto/device-keys.ts';
import { sign, signingKeyPairFromSeed, type SigningKeyPair } from '../../app/lib/crypto/signatures.ts';
import { issueSession, type OwnSession } from '../../app/lib/log/certificate.ts';
import { chainHashes, chainStart, segmentMessage, type Entry } from '../../app/lib/log/entry.ts';
import { CERTIFICATE_FORMAT, FORMAT, UNPROVED_CERTIFICATE_FORMAT } from '../../app/lib/log/format.ts';
import { makeGenesis, type Genesis } from '../../app/lib/log/genesis.ts';
import { seal } from '../../app/lib/log/seal.ts';
import { encodeSegment } from '../../app/lib/log/segment.ts';

/** Written into the file. */
export const SEEDS = {
  owner: '01'.repeat(32),
  edit: '02'.repeat(32),
  sessions: {
    ann: '03'.repeat(32),
    ben: '04'.repeat(32),
    eve: '05'.repeat(32),
    vic: '06'.repeat(32),
    cas: '07'.repeat(32),
  },
  /** Secrets of devices (KEY-7). All sessions of epoch 0 are of Ann's, and Dan's. */
  devices: { ann: '09'.repeat(32), ben: '0a'.repeat(32), cas: '0b'.repeat(32), vic: '0c'.repeat(32) },
  /** Edit seeds, and the X25519 secrets of the grants of each statement, in their order. */
  epochs: [
    { edit: '12'.repeat(32), ephemerals: ['31'.repeat(32), '32'.repeat(32), '33'.repeat(32)] },
    { edit: '13'.repeat(32), ephemerals: ['34'.repeat(32)] },
  ],
  /** X25519 secrets of admissions, in their order. */
  admissions: ['35'.repeat(32), '36'.repeat(32)],
  /** What the recovery code stands for, and the key of a device that came to own the room by it (ROST-33). */
  recovery: '15'.repeat(16),
  ownerDevice: '16'.repeat(32),
  /** Of epoch 1: Dan holds its edit link, Fay its comment link. */
  laterSessions: { dan: '0d'.repeat(32), fay: '0e'.repeat(32) },
} as const;

export type Who = keyof typeof SEEDS.sessions;

export interface VectorRoom {
  readonly roomId: RoomId;
  readonly owner: SigningKeyPair;
  readonly keys: RoomKeys;
  readonly commentKeys: RoomKeys;
  readonly viewKeys: RoomKeys;
  readonly genesis: Genesis;
  /** Ann, Ben and Eve hold the edit link, Cas the comment link, Vic the view link. */
  readonly sessions: Readonly<Record<Who, OwnSession>>;
  readonly pairs: Readonly<Record<Who, SigningKeyPair>>;
}

export async function vectorRoom(): Promise<VectorRoom> {
  const owner = await signingKeyPairFromSeed(fromHex(SEEDS.owner));
  const roomId = roomIdOf(owner.publicKey);
  const keys = await deriveRoomKeys('e', fromHex(SEEDS.edit), 0, roomId);
  if (keys.seeds.c === undefined) throw new Error('an edit seed gives a comment seed');
  const commentKeys = await deriveRoomKeys('c', keys.seeds.c, 0, roomId);
  const viewKeys = await deriveRoomKeys('v', keys.seeds.v, 0, roomId);
  const device = await annsDevice();
  const pairOf = (who: Who) => signingKeyPairFromSeed(fromHex(SEEDS.sessions[who]));
  const pairs = {
    ann: await pairOf('ann'),
    ben: await pairOf('ben'),
    eve: await pairOf('eve'),
    vic: await pairOf('vic'),
    cas: await pairOf('cas'),
  };
  return {
    roomId,
    owner,
    keys,
    commentKeys,
    viewKeys,
    genesis: await makeGenesis(owner, keys),
    pairs,
    sessions: {
      ann: await issueSession(keys, device, pairs.ann),
      ben: await issueSession(keys, device, pairs.ben),
      eve: await issueSession(keys, device, pairs.eve),
      vic: await issueSession(viewKeys, device, pairs.vic),
      cas: await issueSession(commentKeys, device, pairs.cas),
    },
  };
}

export interface WrittenSegment {
  readonly channel: Channel;
  readonly first: number;
  readonly last: number;
  readonly plain: Bytes;
}

/** A chain whose author signs whatever it is told to. */
export class VectorChain {
  readonly session: OwnSession;
  readonly channel: Channel;
  readonly entries: Entry[] = [];

  constructor(session: OwnSession, channel: Channel) {
    this.session = session;
    this.channel = channel;
  }

  add(payload: Bytes, heads: Bytes = new Uint8Array(), time = 1_700_000_000_000): this {
    this.entries.push({ time, heads, payload });
    return this;
  }

  get start(): Bytes {
    return chainStart(this.session.certificate, this.channel);
  }

  hashes(): Promise<Bytes[]> {
    return chainHashes(this.start, 1, this.entries);
  }

  /** Entries `first` to `last`, from 1 and inclusive, with a certificate of the caller's choice in the first. */
  async segment(
    first = 1,
    last = this.entries.length,
    certificate = this.session.certificate,
  ): Promise<WrittenSegment> {
    const hashes = [this.start, ...(await this.hashes())];
    const [before, hash] = [hashes[first - 1], hashes[last]];
    if (before === undefined || hash === undefined) throw new RangeError('no such entries');
    const plain = encodeSegment({
      publicKey: this.session.publicKey,
      channel: this.channel,
      first,
      ...(first === 1 ? { certificate } : { before }),
      entries: this.entries.slice(first - 1, last),
      signature: await this.session.sign(segmentMessage(this.channel, hash)),
    });
    return { channel: this.channel, first, last, plain };
  }
}

/** Bodies up to this are never deflated (SEAL-4). */
const DEFLATE_ABOVE_BYTES = 512;

/** How a body became the content of a sealed record: by the app, or by hand where a library's deflate would decide. */
export type Packing = 'app' | 'plain' | 'deflated';

/** Seals as the app does; a body that the app would try to deflate goes in as it is. */
export async function sealBody(
  keys: RoomKeys,
  kind: SealKind,
  body: Bytes,
  packing: Packing = body.length > DEFLATE_ABOVE_BYTES ? 'plain' : 'app',
): Promise<Bytes> {
  if (packing === 'app') return seal(keys, kind, body);
  return sealInner(keys, kind, innerOf(packing === 'deflated' ? deflated(body) : body, packing));
}

/** Raw deflate in JavaScript: the same bytes on every machine. */
export const deflated = (body: Bytes): Bytes => Uint8Array.from(deflateSync(body, { level: 9 }));

/** flag ‖ length ‖ content ‖ zeros (SEAL-4). */
export function innerOf(content: Bytes, packing: Packing): Bytes {
  const length = 5 + content.length;
  const inner = new Uint8Array(length < 1024 ? Math.ceil(length / 256) * 256 : length);
  inner[0] = packing === 'deflated' ? 1 : 0;
  new DataView(inner.buffer).setUint32(1, content.length);
  inner.set(content, 5);
  return inner;
}

/** Encrypts what SEAL-4 calls inner, well-formed or not (SEAL-1, SEAL-5). */
export async function sealInner(keys: RoomKeys, kind: SealKind, inner: Bytes): Promise<Bytes> {
  const header = concat(Uint8Array.of(FORMAT, SEAL_KINDS.indexOf(kind)), epochBytes(keys.epoch));
  const additionalData = concat(utf8('codeface/seal/1\0'), utf8(keys.roomId), header);
  const { encryption, ivSecret } = keys.sealing[kind];
  const iv = hmac(sha256, ivSecret, concat(additionalData, inner)).slice(0, 12);
  const encrypted = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData }, encryption, inner);
  return concat(header, iv, new Uint8Array(encrypted));
}

export interface CertificateFields {
  readonly roomId: RoomId;
  readonly issuer: SigningKeyPair;
  readonly session: SigningKeyPair;
  readonly format?: number;
  readonly epoch?: number;
  readonly role?: number;
  readonly device?: Pick<DeviceKeyPair, 'publicKey' | 'signing'>;
}

export const annsDevice = (): Promise<DeviceKeyPair> => deviceKeyPairFromSeed(fromHex(SEEDS.devices.ann));

/** A certificate with any fields, signed by all: in format 1 without what its device adds (CERT-1, CERT-8). */
export async function writeCertificate(fields: CertificateFields): Promise<Bytes> {
  const { roomId, issuer, session, format = CERTIFICATE_FORMAT, epoch = 0, role = 2 } = fields;
  const { device = await annsDevice() } = fields;
  const proved = format !== UNPROVED_CERTIFICATE_FORMAT;
  const body = concat(
    Uint8Array.of(format),
    utf8(roomId),
    epochBytes(epoch),
    Uint8Array.of(role),
    session.publicKey,
    device.publicKey,
    issuer.publicKey,
    ...(proved ? [device.signing.publicKey] : []),
  );
  const byIssuer = await sign(issuer.privateKey, concat(utf8('codeface/certificate-issuer/1\0'), body));
  const vouched = concat(body, byIssuer);
  const { privateKey } = device.signing;
  const byDevice = await sign(privateKey, concat(utf8('codeface/certificate-device/1\0'), vouched));
  const all = concat(vouched, ...(proved ? [byDevice] : []));
  const bySession = await sign(session.privateKey, concat(utf8('codeface/certificate-session/1\0'), all));
  return concat(all, bySession);
}

/** Hex of anything that is bytes; spaces in hand-written hex are for the eye. */
export const hex = toHex;
export const bytesOf = (spaced: string): Bytes => fromHex(spaced.replaceAll(' ', ''));

/** Bytes too many or too dull to write out: a piece in hex, and how often. */
export interface Repeated {
  readonly repeat: string;
  readonly times: number;
}
export const repeated = (bytes: string | Repeated): Bytes =>
  fromHex(typeof bytes === 'string' ? bytes : bytes.repeat.repeat(bytes.times));
