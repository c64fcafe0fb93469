/**
 * The frames two tabs exchange over any transport: HELLO, WANT, SEGMENTS, LIVE, PRESENCE (SPEC, SYNC-1 to SYNC-6); those
 * of a tab that leads are in carried-frames.ts.
 * HELLO, WANT and PRESENCE are sealed as a whole; SEGMENTS and LIVE carry segments that are sealed already.
 * Every decoder is the one door for bytes a peer sent: strict, capped, and never throws.
 */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import type { Bytes } from '../core/bytes.ts';
import { fromHex, toHex } from '../core/bytes.ts';
import type { Channel, SessionId } from '../core/ids.ts';
import { err, ok, type Result } from '../core/result.ts';
import { CHANNELS } from '../log/format.ts';

export type FrameError = { readonly kind: 'malformed-frame' };

/** First byte of a frame. */
export const frameType = {
  hello: 1,
  segments: 2,
  want: 3,
  presence: 4,
  live: 5,
  roster: 6,
  checkpoint: 7,
  reach: 8,
  carry: 9,
} as const;
export type FrameKind = keyof typeof frameType;

/** HELLO names a frontier of at most this: 20,000 chains of about 70 bytes. */
const MAX_FRONTIER_BYTES = 2 * 1024 * 1024;
/** A genesis statement or a certificate is a few hundred bytes. */
const MAX_STATEMENT_BYTES = 4096;
/** Ranges in one WANT: a joiner of a room with more chains asks again. */
export const MAX_WANTED_RANGES = 2000;
/** A part of an answer: small enough that a relayed or slow link shows progress, large enough to fold well. */
export const PART_BYTES = 512 * 1024;
/** Segments in one SEGMENTS frame. */
export const MAX_SEGMENTS_PER_FRAME = 2000;
/** A person's presence (facts: one clientID a session, at most 2 KB). */
export const MAX_PRESENCE_BYTES = 2048;

export const NONCE_BYTES = 16;
const SIGNATURE_BYTES = 64;
const SESSION_BYTES = 32;

/** Splits a frame into its kind and body. */
export function readFrame(frame: Bytes): Result<{ kind: FrameKind; body: Bytes }, FrameError> {
  const type = frame[0];
  for (const kind of Object.keys(frameType) as FrameKind[])
    if (frameType[kind] === type) return ok({ kind, body: frame.subarray(1) });
  return malformed;
}

/** Puts the kind before a body. */
export function writeFrame(kind: FrameKind, body: Uint8Array): Bytes {
  const frame = new Uint8Array(1 + body.length);
  frame[0] = frameType[kind];
  frame.set(body, 1);
  return frame;
}

/** Who is at the other end, that they are there now, and what they hold. */
export interface Hello {
  /** Fresh at each link; the far end must sign it back before it counts as being there. */
  readonly nonce: Bytes;
  /** The newest nonce seen from the far end; zeros when none was. */
  readonly echo: Bytes;
  readonly wantsReply: boolean;
  readonly certificate: Bytes;
  /** Empty when not known. */
  readonly genesis: Bytes;
  /** Rows that moved since the last HELLO on this link; all rows in the first. */
  readonly frontier: Bytes;
}

export interface SignedHello extends Hello {
  readonly signed: Bytes;
  readonly signature: Bytes;
}

/** The part of a HELLO that its session signs. */
export function encodeHello(hello: Hello): Bytes {
  const out = encoding.createEncoder();
  encoding.writeUint8Array(out, hello.nonce);
  encoding.writeUint8Array(out, hello.echo);
  encoding.writeUint8(out, hello.wantsReply ? 1 : 0);
  encoding.writeVarUint8Array(out, hello.certificate);
  encoding.writeVarUint8Array(out, hello.genesis);
  encoding.writeVarUint8Array(out, hello.frontier);
  return encoding.toUint8Array(out);
}

export function decodeHello(bytes: Bytes): Result<SignedHello, FrameError> {
  return decode(bytes, (input) => {
    const nonce = readFixed(input, NONCE_BYTES);
    const echo = readFixed(input, NONCE_BYTES);
    const wantsReply = readByte(input) === 1;
    const certificate = readCapped(input, MAX_STATEMENT_BYTES);
    const genesis = readCapped(input, MAX_STATEMENT_BYTES);
    const frontier = readCapped(input, MAX_FRONTIER_BYTES);
    const signed = bytes.subarray(0, input.pos);
    const signature = readFixed(input, SIGNATURE_BYTES);
    return { nonce, echo, wantsReply, certificate, genesis, frontier, signed, signature };
  });
}

/** A stretch of one chain that is missing; seqs inclusive. */
export interface WantedRange {
  readonly session: SessionId;
  readonly channel: Channel;
  readonly fromSeq: number;
  readonly toSeq: number;
}

export function encodeWant(ranges: readonly WantedRange[]): Bytes {
  const out = encoding.createEncoder();
  encoding.writeVarUint(out, ranges.length);
  for (const { session, channel, fromSeq, toSeq } of ranges) {
    encoding.writeUint8Array(out, fromHex(session));
    encoding.writeUint8(out, CHANNELS.indexOf(channel));
    encoding.writeVarUint(out, fromSeq);
    encoding.writeVarUint(out, toSeq);
  }
  return encoding.toUint8Array(out);
}

export function decodeWant(bytes: Bytes): Result<WantedRange[], FrameError> {
  return decode(bytes, (input) => {
    const count = decoding.readVarUint(input);
    if (count > MAX_WANTED_RANGES) throw new RangeError('too many ranges');
    const ranges: WantedRange[] = [];
    for (let i = 0; i < count; i++) {
      const session = toHex(readFixed(input, SESSION_BYTES)) as SessionId;
      const channel = CHANNELS[readByte(input)];
      const fromSeq = decoding.readVarUint(input);
      const toSeq = decoding.readVarUint(input);
      if (channel === undefined || fromSeq < 1 || toSeq < fromSeq) throw new RangeError('bad range');
      ranges.push({ session, channel, fromSeq, toSeq });
    }
    return ranges;
  });
}

/** An answer to WANT, or a part of one. */
export interface SegmentsFrame {
  /** False in the last part of the answer. */
  readonly more: boolean;
  readonly segments: readonly Bytes[];
}

export function encodeSegments({ more, segments }: SegmentsFrame): Bytes {
  const out = encoding.createEncoder();
  encoding.writeUint8(out, more ? 1 : 0);
  encoding.writeVarUint(out, segments.length);
  for (const sealed of segments) encoding.writeVarUint8Array(out, sealed);
  return encoding.toUint8Array(out);
}

export function decodeSegments(bytes: Bytes): Result<SegmentsFrame, FrameError> {
  return decode(bytes, (input) => {
    const more = readByte(input) === 1;
    const count = decoding.readVarUint(input);
    if (count > MAX_SEGMENTS_PER_FRAME) throw new RangeError('too many segments');
    const segments: Bytes[] = [];
    for (let i = 0; i < count; i++) segments.push(readCapped(input, bytes.length));
    return { more, segments };
  });
}

/** Where a person is. Counts only for a session whose HELLO echoed our nonce, with a rising counter. */
export interface PresenceFrame {
  readonly session: SessionId;
  readonly counter: number;
  /** document/presence.ts says what is in it; empty says goodbye. */
  readonly payload: Bytes;
}

export interface SignedPresence extends PresenceFrame {
  readonly signed: Bytes;
  readonly signature: Bytes;
}

export function encodePresenceFrame({ session, counter, payload }: PresenceFrame): Bytes {
  const out = encoding.createEncoder();
  encoding.writeUint8Array(out, fromHex(session));
  encoding.writeVarUint(out, counter);
  encoding.writeVarUint8Array(out, payload);
  return encoding.toUint8Array(out);
}

export function decodePresenceFrame(bytes: Bytes): Result<SignedPresence, FrameError> {
  return decode(bytes, (input) => {
    const session = toHex(readFixed(input, SESSION_BYTES)) as SessionId;
    const counter = decoding.readVarUint(input);
    const payload = readCapped(input, MAX_PRESENCE_BYTES);
    const signed = bytes.subarray(0, input.pos);
    const signature = readFixed(input, SIGNATURE_BYTES);
    return { session, counter, payload, signed, signature };
  });
}

const malformed = err({ kind: 'malformed-frame' } as const);

/** Runs a reader over all of the bytes: anything it throws, or leaves over, is a malformed frame. */
function decode<T>(bytes: Bytes, read: (input: decoding.Decoder) => T): Result<T, FrameError> {
  try {
    const input = decoding.createDecoder(bytes);
    const value = read(input);
    return input.pos === bytes.length ? ok(value) : malformed;
  } catch {
    return malformed;
  }
}

/** A length-prefixed part, refused above the cap. */
function readCapped(input: decoding.Decoder, maxBytes: number): Bytes {
  const length = decoding.readVarUint(input);
  if (length > maxBytes) throw new RangeError('length');
  return readFixed(input, length);
}

/** Exactly `length` bytes. Checked here because lib0 reads on past the end of a view, into the buffer behind it. */
function readFixed(input: decoding.Decoder, length: number): Bytes {
  if (length > input.arr.length - input.pos) throw new RangeError('length');
  return decoding.readUint8Array(input, length) as Bytes;
}

const readByte = (input: decoding.Decoder): number => readFixed(input, 1)[0] ?? 0;

/** Cuts a frame's segments into parts of the size that honest answers have, so that none keeps others waiting long (SYNC-14). */
export function* partsOf(segments: readonly Bytes[]): Generator<readonly Bytes[]> {
  let part: Bytes[] = [];
  let bytes = 0;
  for (const sealed of segments) {
    if (part.length > 0 && bytes + sealed.length > PART_BYTES) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(sealed);
    bytes += sealed.length;
  }
  if (part.length > 0) yield part;
}
