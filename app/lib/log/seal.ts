/**
 * Sealing: what leaves this tab is compressed, padded and encrypted, and equal input gives equal bytes (SEAL-1 to SEAL-7).
 *
 *   sealed = format u8 ‖ kind u8 ‖ epoch u32 ‖ iv[12] ‖ AES-256-GCM(inner)         AAD = label ‖ room ‖ header
 *   inner  = deflated u8 ‖ length u32 ‖ body[length] ‖ zeros                        iv = HMAC-SHA-256(K_iv, AAD ‖ inner)[0..12]
 */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, utf8, type Bytes } from '../core/bytes.ts';
import { err, ok, type Result } from '../core/result.ts';
import {
  epochBytes,
  keysOfEpoch,
  SEAL_KINDS,
  type RoomKeys,
  type SealKey,
  type SealKind,
} from '../crypto/room-keys.ts';
import { FORMAT, KIB, MAX_SEALED_SEGMENT_BYTES, MAX_SEGMENT_BYTES, MIB } from './format.ts';

export type SealProblem =
  /** Sealed by a newer app: keep the bytes, forward them, go read-only, say "reload" (SEAL-2). */
  | { readonly kind: 'unknown-format'; readonly format: number }
  | { readonly kind: 'too-large' | 'malformed-sealed' | 'wrong-kind' }
  | { readonly kind: 'wrong-epoch'; readonly epoch: number }
  /** Of another room, or damaged on the way. */
  | { readonly kind: 'not-ours' };

/** Largest sealed record and largest body of each kind, in bytes. */
export const SEAL_CAPS: Readonly<Record<SealKind, { readonly sealed: number; readonly body: number }>> = {
  segment: { sealed: MAX_SEALED_SEGMENT_BYTES, body: MAX_SEGMENT_BYTES },
  // A frontier of MAX_FRONTIER_ROWS rows is 1.2 MB.
  hello: { sealed: 2 * MIB, body: 2 * MIB - KIB },
  want: { sealed: 2 * MIB, body: 2 * MIB - KIB },
  presence: { sealed: 8 * KIB, body: 7 * KIB },
  signal: { sealed: 64 * KIB, body: 63 * KIB },
  // The archive keeps it beside the room's keys, in at most 4 KiB (ARCH-4).
  genesis: { sealed: 4 * KIB, body: 3 * KIB },
  // The closed frontiers of a few statements.
  roster: { sealed: 2 * MIB, body: 2 * MIB - KIB },
  checkpoint: { sealed: 4 * MIB, body: 4 * MIB - KIB },
  // 1,024 tabs of 17 bytes.
  reach: { sealed: 24 * KIB, body: 23 * KIB },
};

/** Deflating less costs more time than the bytes it saves (300 B: 0.085 ms, more than all other steps). */
const DEFLATE_ABOVE_BYTES = 512;
const PAD_BELOW_BYTES = KIB;
const PAD_STEP_BYTES = 256;
const IV_BYTES = 12;
const HEADER_BYTES = 6;
const INNER_HEADER_BYTES = 5;
const TAG_BYTES = 16;
const AAD_LABEL = utf8('codeface/seal/1\0');
/** Above this an HMAC by WebCrypto is quicker than one in JavaScript. */
const MAC_ASYNC_ABOVE_BYTES = 64 * KIB;

/** Seals a body of that kind. A body above its cap is a mistake of the caller: RangeError. */
export async function seal(keys: RoomKeys, kind: SealKind, body: Bytes): Promise<Bytes> {
  if (body.length > SEAL_CAPS[kind].body) throw new RangeError(`a ${kind} of ${body.length} bytes`);
  const key = keys.sealing[kind];
  const header = headerOf(keys, kind);
  const aad = aadOf(keys, header);
  const inner = await pack(body);
  const iv = await ivOf(key, aad, inner);
  const encrypted = await crypto.subtle.encrypt(
    { name: 'AES-GCM', iv, additionalData: aad },
    key.encryption,
    inner,
  );
  return concat(header, iv, new Uint8Array(encrypted));
}

/** Opens a sealed record of that kind from anywhere; a segment of any epoch that `keys` read. The body may be a view. */
export async function openSealed(
  keys: RoomKeys,
  kind: SealKind,
  sealed: Bytes,
): Promise<Result<Bytes, SealProblem>> {
  const inner = await decrypt(keys, kind, sealed);
  return inner.ok ? unpack(inner.value, SEAL_CAPS[kind].body) : inner;
}

/** The epoch that a sealed record names; undefined where it is none. */
export const epochOf = (sealed: Bytes): number | undefined =>
  sealed[0] === FORMAT && sealed.length >= HEADER_BYTES
    ? new DataView(sealed.buffer, sealed.byteOffset).getUint32(2)
    : undefined;

/** The kind that a sealed record names; undefined where it is none that this version knows. */
export const kindOf = (sealed: Bytes): SealKind | undefined =>
  sealed[0] === FORMAT && sealed.length >= HEADER_BYTES ? SEAL_KINDS[sealed[1] ?? 0] : undefined;

/** The record with another epoch in its header. */
export const withEpoch = (sealed: Bytes, epoch: number): Bytes =>
  concat(sealed.subarray(0, 2), epochBytes(epoch), sealed.subarray(HEADER_BYTES));

/** Whether not a bit of a sealed record has changed since someone with the room's keys made it. Cheaper than opening it. */
export async function isUnchanged(keys: RoomKeys, kind: SealKind, sealed: Bytes): Promise<boolean> {
  return (await decrypt(keys, kind, sealed)).ok;
}

async function decrypt(own: RoomKeys, kind: SealKind, sealed: Bytes): Promise<Result<Bytes, SealProblem>> {
  if (sealed.length > SEAL_CAPS[kind].sealed) return err({ kind: 'too-large' });
  const format = sealed[0];
  if (format === undefined) return err({ kind: 'malformed-sealed' });
  if (format !== FORMAT) return err({ kind: 'unknown-format', format });
  if (sealed.length < HEADER_BYTES + IV_BYTES + INNER_HEADER_BYTES + TAG_BYTES)
    return err({ kind: 'malformed-sealed' });
  if (sealed[1] !== SEAL_KINDS.indexOf(kind)) return err({ kind: 'wrong-kind' });
  const epoch = epochOf(sealed) ?? 0;
  // Only the log outlives an epoch; what passes between peers is of theirs.
  const keys = kind === 'segment' ? keysOfEpoch(own, epoch) : own;
  if (keys?.epoch !== epoch) return err({ kind: 'wrong-epoch', epoch });
  const header = headerOf(keys, kind);

  const iv = sealed.subarray(HEADER_BYTES, HEADER_BYTES + IV_BYTES);
  try {
    const inner = await crypto.subtle.decrypt(
      { name: 'AES-GCM', iv, additionalData: aadOf(keys, header) },
      keys.sealing[kind].encryption,
      sealed.subarray(HEADER_BYTES + IV_BYTES),
    );
    return ok(new Uint8Array(inner));
  } catch {
    return err({ kind: 'not-ours' });
  }
}

/** Deflates where it pays, and hides the exact size of what is small. */
async function pack(body: Bytes): Promise<Bytes> {
  let content = body;
  if (body.length > DEFLATE_ABOVE_BYTES) {
    const deflated = await through(body, new CompressionStream('deflate-raw'), Infinity);
    if (deflated !== undefined && deflated.length < body.length) content = deflated;
  }
  const inner = new Uint8Array(paddedLength(INNER_HEADER_BYTES + content.length));
  inner[0] = content === body ? 0 : 1;
  new DataView(inner.buffer).setUint32(1, content.length);
  inner.set(content, INNER_HEADER_BYTES);
  return inner;
}

async function unpack(inner: Bytes, maxBody: number): Promise<Result<Bytes, SealProblem>> {
  const length = new DataView(inner.buffer, inner.byteOffset).getUint32(1);
  const end = INNER_HEADER_BYTES + length;
  if (inner.length !== paddedLength(end) || inner.subarray(end).some((byte) => byte !== 0))
    return err({ kind: 'malformed-sealed' });
  const content = inner.subarray(INNER_HEADER_BYTES, end);
  if (inner[0] === 0) return content.length > maxBody ? err({ kind: 'too-large' }) : ok(content);
  if (inner[0] !== 1) return err({ kind: 'malformed-sealed' });
  try {
    const body = await through(content, new DecompressionStream('deflate-raw'), maxBody);
    return body === undefined ? err({ kind: 'too-large' }) : ok(body);
  } catch {
    return err({ kind: 'malformed-sealed' });
  }
}

const paddedLength = (length: number): number =>
  length < PAD_BELOW_BYTES ? Math.ceil(length / PAD_STEP_BYTES) * PAD_STEP_BYTES : length;

/** All of the stream's output, or undefined as soon as it passes `cap`. Rejects on damaged input. */
async function through(
  bytes: Bytes,
  stream: CompressionStream | DecompressionStream,
  cap: number,
): Promise<Bytes | undefined> {
  const writer = stream.writable.getWriter();
  // Failures of the writing side show on the reading side; unhandled here they would be reported twice.
  writer.write(bytes).catch(ignore);
  writer.close().catch(ignore);
  const reader = stream.readable.getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > cap) {
      // Not awaited: where the writing side still waits for room, cancelling would wait for it.
      reader.cancel().catch(ignore);
      return undefined;
    }
    parts.push(value);
  }
  return concat(...parts);
}

const ignore = (): void => undefined;

/**
 * The IV is a keyed hash of exactly what AES-GCM encrypts, after deflating: two apps whose deflate differs then use two
 * IVs, never one for two plaintexts.
 */
async function ivOf(key: SealKey, aad: Bytes, inner: Bytes): Promise<Bytes> {
  if (inner.length <= MAC_ASYNC_ABOVE_BYTES) {
    let mac = macs.get(key);
    if (mac === undefined) macs.set(key, (mac = hmac.create(sha256, key.ivSecret)));
    return (mac.clone().update(aad).update(inner).digest() as Bytes).slice(0, IV_BYTES);
  }
  const handle = await crypto.subtle.importKey('raw', key.ivSecret, HMAC_SHA256, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', handle, concat(aad, inner))).slice(0, IV_BYTES);
}

const HMAC_SHA256 = { name: 'HMAC', hash: 'SHA-256' };
/** HMAC states with the key already absorbed: half of the work of a short message. */
const macs = new WeakMap<SealKey, ReturnType<typeof hmac.create>>();

const headerOf = (keys: RoomKeys, kind: SealKind): Bytes =>
  concat(Uint8Array.of(FORMAT, SEAL_KINDS.indexOf(kind)), epochBytes(keys.epoch));

const aadOf = (keys: RoomKeys, header: Bytes): Bytes => concat(AAD_LABEL, utf8(keys.roomId), header);
