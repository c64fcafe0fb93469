/**
 * For tests only: a second implementation of the first parts of docs/SPEC.md, written from the page with node:crypto and node:zlib
 * alone. It shares no code with the app; of the file of vectors it takes the seeds.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  sign as signWith,
  verify as verifyWith,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';
import { expect } from 'vitest';
import type { Vectors } from '../../scripts/vectors.ts';

const FILE = new URL('../../docs/vectors.json', import.meta.url);
export const vectors = JSON.parse(readFileSync(FILE, 'utf8')) as Vectors;
export const { seeds } = vectors;
export const CHANNELS = ['project', 'talk', 'runs', 'carry'];
export const KINDS = ['segment', 'hello', 'want', 'presence', 'signal', 'genesis', 'roster', 'checkpoint'];

export const hex = (text: string): Buffer => Buffer.from(text, 'hex');
export const sha256 = (...parts: Uint8Array[]): Buffer =>
  createHash('sha256').update(Buffer.concat(parts)).digest();
export const label = (purpose: string): Buffer => Buffer.from(`codeface/${purpose}/1\0`);
export const u32 = (value: number): Buffer => hex(value.toString(16).padStart(8, '0'));
export const u64 = (value: number): Buffer => hex(value.toString(16).padStart(16, '0'));

/** PKCS #8 and SPKI of RFC 8410, up to the 32 bytes of the key. */
export const secretKey = (oid: '6e' | '70', seed: Buffer) =>
  createPrivateKey({
    key: Buffer.concat([hex(`302e020100300506032b65${oid}04220420`), seed]),
    format: 'der',
    type: 'pkcs8',
  });
export const publicOf = (oid: '6e' | '70', seed: Buffer): Buffer =>
  createPublicKey(secretKey(oid, seed)).export({ format: 'der', type: 'spki' }).subarray(12);
/** The X25519 secret of a device: the scalar that Ed25519 makes of the same seed (KEY-7). */
export const exchangeSecretOf = (seed: Buffer): Buffer =>
  createHash('sha512').update(seed).digest().subarray(0, 32);
export const exchangeKeyOf = (seed: Buffer): Buffer => publicOf('6e', exchangeSecretOf(seed));
export const sign = (seed: Buffer, ...message: Buffer[]): Buffer =>
  signWith(null, Buffer.concat(message), secretKey('70', seed));
export const verify = (publicKey: Buffer, signature: Buffer, ...message: Buffer[]): boolean => {
  const key = Buffer.concat([hex('302a300506032b6570032100'), publicKey]);
  return verifyWith(null, Buffer.concat(message), { key, format: 'der', type: 'spki' }, signature);
};

/** RFC 4648, lower case, without padding. */
export function base32(bytes: Buffer): string {
  let bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  bits = bits.padEnd(Math.ceil(bits.length / 5) * 5, '0');
  return (bits.match(/.{5}/g) ?? [])
    .map((five) => 'abcdefghijklmnopqrstuvwxyz234567'[parseInt(five, 2)])
    .join('');
}

export const owner = hex(seeds.owner);
export const roomId = base32(sha256(publicOf('70', owner)));
export const derive = (seed: Buffer, purpose: string, epoch = 0): Buffer =>
  Buffer.from(hkdfSync('sha256', seed, roomId, Buffer.concat([label(purpose), u32(epoch)]), 32));
export const edit = hex(seeds.edit);
export const comment = derive(edit, 'comment-seed');
export const read = derive(comment, 'read-seed');
export const secrets = { edit, comment, read };
export const invites = {
  'edit-invite': derive(edit, 'edit-invite'),
  'comment-invite': derive(comment, 'comment-invite'),
  'view-invite': derive(read, 'view-invite'),
};

/** Bytes that are read from the front. */
export class Input {
  at = 0;
  readonly bytes: Buffer;
  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
  take(length: number): Buffer {
    this.at += length;
    if (this.at > this.bytes.length) throw new Error('ends early');
    return this.bytes.subarray(this.at - length, this.at);
  }
  u8(): number {
    return this.take(1)[0] ?? 0;
  }
  varUint(): number {
    const byte = this.u8();
    return (byte & 127) + (byte > 127 ? 128 * this.varUint() : 0);
  }
  varInt(): number {
    const byte = this.u8();
    const size = (byte & 63) + (byte > 127 ? 64 * this.varUint() : 0);
    return (byte & 64) === 0 ? size : -size;
  }
  varBytes(): Buffer {
    return this.take(this.varUint());
  }
}

export interface ReadSegment {
  readonly session: Buffer;
  readonly channel: number;
  readonly first: number;
  readonly certificate: Buffer | undefined;
  readonly hashes: readonly Buffer[];
  readonly signature: Buffer;
}

/** LOG-6, with hash(first - 1) and the hash after each entry by LOG-2. */
export function readSegment(plain: Buffer): ReadSegment {
  const input = new Input(plain);
  const [session, channel, first] = [input.take(32), input.u8(), input.varUint()];
  const certificate = first === 1 ? input.varBytes() : undefined;
  const hashes = [certificate ? startOf(certificate, channel) : input.take(32)];
  const count = input.varUint();
  let time = 0;
  for (let seq = first; seq < first + count; seq++) {
    time += input.varInt();
    const [heads, payload] = [input.varBytes(), input.varBytes()];
    hashes.push(nextHash(hashes.at(-1) ?? plain, seq, time, heads, payload));
  }
  const signature = input.take(64);
  expect(input.at).toBe(plain.length);
  return { session, channel, first, certificate, hashes, signature };
}

export const startOf = (certificate: Buffer, channel: number): Buffer =>
  sha256(label('chain'), sha256(certificate), Buffer.of(channel));
export const nextHash = (before: Buffer, seq: number, time: number, heads: Buffer, payload: Buffer): Buffer =>
  sha256(before, u64(seq), u64(time), sha256(heads), sha256(payload));

const headerOf = (kind: string, epoch: number): Buffer =>
  Buffer.concat([Buffer.of(1, KINDS.indexOf(kind)), u32(epoch)]);
const aadOf = (kind: string, epoch: number): Buffer =>
  Buffer.concat([label('seal'), Buffer.from(roomId), headerOf(kind, epoch)]);

/** Whoever reads an epoch: its number and its read seed. */
export interface Reader {
  readonly epoch: number;
  readonly read: Buffer;
}
const first: Reader = { epoch: 0, read };

/** SEAL-1 and SEAL-5, of what SEAL-4 calls inner. */
export function seal(kind: string, inner: Buffer, { epoch, read: seed } = first): Buffer {
  const iv = createHmac('sha256', derive(seed, `iv/${kind}`, epoch))
    .update(aadOf(kind, epoch))
    .update(inner)
    .digest()
    .subarray(0, 12);
  const cipher = createCipheriv('aes-256-gcm', derive(seed, `seal/${kind}`, epoch), iv);
  cipher.setAAD(aadOf(kind, epoch));
  return Buffer.concat([
    headerOf(kind, epoch),
    iv,
    cipher.update(inner),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
}

/** SEAL-4 for a body that is not deflated. */
export function pack(body: Buffer): Buffer {
  const inner = Buffer.concat([Buffer.of(0), u32(body.length), body]);
  const length = inner.length < 1024 ? Math.ceil(inner.length / 256) * 256 : inner.length;
  return Buffer.concat([inner, Buffer.alloc(length - inner.length)]);
}

export function open(
  kind: string,
  sealed: Buffer,
  { epoch, read: seed } = first,
): { inner: Buffer; body: Buffer } {
  const key = derive(seed, `seal/${kind}`, epoch);
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(6, 18));
  decipher.setAAD(aadOf(kind, epoch)).setAuthTag(sealed.subarray(-16));
  const inner = Buffer.concat([decipher.update(sealed.subarray(18, -16)), decipher.final()]);
  const content = inner.subarray(5, 5 + inner.readUInt32BE(1));
  return { inner, body: inner[0] === 1 ? inflateRawSync(content) : content };
}

/** Bytes as they stand in the file of vectors. */
export type Written =
  | string
  | { readonly repeat: string; readonly times: number }
  | { readonly of: string; readonly changes?: readonly string[] }
  | readonly Written[];

export function bytesIn(written: Written): Buffer {
  if (typeof written === 'string') return hex(written);
  if (Array.isArray(written)) return Buffer.concat(written.map(bytesIn));
  if ('repeat' in written) return hex(written.repeat.repeat(written.times));
  const { of, changes = [] } = written as Extract<Written, { of: string }>;
  const base = bytesNamed(of);
  const parts: Buffer[] = [];
  let at = 0;
  for (const change of changes) {
    const [, from, to, put] = /^(\d+)-(\d+):([0-9a-f]*)$/.exec(change) ?? [];
    if (from === undefined || to === undefined || put === undefined) throw new Error(change);
    parts.push(base.subarray(at, Number(from)), hex(put));
    at = Number(to);
  }
  return Buffer.concat([...parts, base.subarray(at)]);
}

/** Of the vector named `<section>/<name>`. */
export function bytesNamed(ref: string): Buffer {
  const [section = '', name] = ref.split(/\/(.*)/s);
  const list = (vectors as unknown as Record<string, { name?: string; [field: string]: unknown }[]>)[section];
  const found = list?.find((one) => one.name === name);
  const written = found && (found.bytes ?? found.sealed ?? found.frame ?? found.hex);
  if (written === undefined) throw new Error(`no vector ${ref}`);
  return bytesIn(written as Written);
}
