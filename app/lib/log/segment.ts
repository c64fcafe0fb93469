/**
 * The segment codec: a contiguous stretch of one chain under one signature (LOG-5 to LOG-8). Codec only: nothing here
 * verifies.
 *
 *   session[32] ‖ channel u8 ‖ first varUint
 *     ‖ first = 1 ? varBytes certificate : hash(first-1)[32]
 *     ‖ count varUint ‖ count × (Δtime varInt ‖ varBytes heads ‖ varBytes payload)
 *     ‖ signature[64] over label ‖ channel ‖ hash(last)
 */
import {
  createEncoder,
  toUint8Array,
  writeUint8,
  writeUint8Array,
  writeVarInt,
  writeVarUint,
  writeVarUint8Array,
} from 'lib0/encoding';
import { toHex, type Bytes } from '../core/bytes.ts';
import type { Channel, SessionId } from '../core/ids.ts';
import type { Result } from '../core/result.ts';
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from '../crypto/signatures.ts';
import { Malformed, parse, type ByteReader } from '../core/byte-reader.ts';
import type { Entry } from './entry.ts';
import {
  ALONE_ABOVE_BYTES,
  channelCode,
  CHANNELS,
  HASH_BYTES,
  MAX_CERTIFICATE_BYTES,
  MAX_ENTRY_BYTES,
  MAX_HEADS_BYTES,
  MAX_SEGMENT_ENTRIES,
} from './format.ts';

export interface Segment {
  readonly session: SessionId;
  readonly publicKey: Bytes;
  readonly channel: Channel;
  readonly first: number;
  /** Present exactly when `first` is 1. */
  readonly certificate?: Bytes;
  /** The chain hash before `first`; absent when `first` is 1, where the certificate gives it. */
  readonly before?: Bytes;
  readonly entries: readonly Entry[];
  readonly signature: Bytes;
}

export const lastSeq = ({ first, entries }: Segment): number => first + entries.length - 1;

export function encodeSegment(segment: Omit<Segment, 'session'>): Bytes {
  const { publicKey, channel, first, certificate, before, entries, signature } = segment;
  const encoder = createEncoder();
  writeUint8Array(encoder, publicKey);
  writeUint8(encoder, channelCode(channel));
  writeVarUint(encoder, first);
  if (certificate) writeVarUint8Array(encoder, certificate);
  else if (before) writeUint8Array(encoder, before);
  writeVarUint(encoder, entries.length);
  let previousTime = 0;
  for (const { time, heads, payload } of entries) {
    writeVarInt(encoder, time - previousTime);
    writeVarUint8Array(encoder, heads);
    writeVarUint8Array(encoder, payload);
    previousTime = time;
  }
  writeUint8Array(encoder, signature);
  return toUint8Array(encoder);
}

/** Reads a segment; its byte fields are views of `bytes`. */
export function decodeSegment(bytes: Bytes): Result<Segment, string> {
  return parse(bytes, (reader) => {
    const publicKey = reader.take(PUBLIC_KEY_BYTES);
    const channel = CHANNELS[reader.u8()];
    if (channel === undefined) throw new Malformed('unknown channel');
    const first = reader.varUint();
    if (first === 0) throw new Malformed('seq starts at 1');
    const start =
      first === 1
        ? { certificate: reader.varBytes(MAX_CERTIFICATE_BYTES) }
        : { before: reader.take(HASH_BYTES) };
    const entries = readEntries(reader);
    if (first + entries.length > Number.MAX_SAFE_INTEGER) throw new Malformed('seq too large');
    const signature = reader.take(SIGNATURE_BYTES);
    return {
      session: toHex(publicKey) as SessionId,
      publicKey,
      channel,
      first,
      ...start,
      entries,
      signature,
    };
  });
}

function readEntries(reader: ByteReader): Entry[] {
  const count = reader.varUint(MAX_SEGMENT_ENTRIES);
  if (count === 0) throw new Malformed('no entries');
  const entries: Entry[] = [];
  let time = 0;
  for (let i = 0; i < count; i++) {
    time += reader.varInt();
    if (time < 0 || time > Number.MAX_SAFE_INTEGER) throw new Malformed('time out of range');
    const heads = reader.varBytes(MAX_HEADS_BYTES);
    const payload = reader.varBytes(MAX_ENTRY_BYTES);
    if (count > 1 && payload.length > ALONE_ABOVE_BYTES) throw new Malformed('large entry not alone');
    entries.push({ time, heads, payload });
  }
  return entries;
}
