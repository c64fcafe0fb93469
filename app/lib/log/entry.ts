/**
 * Entries and the hash chain they form (LOG-1 to LOG-4): one session writes one chain per channel.
 *
 *   hash(0) = SHA-256(label ‖ SHA-256(certificate) ‖ channel u8)
 *   hash(n) = SHA-256(hash(n-1) ‖ seq u64 ‖ time u64 ‖ SHA-256(heads) ‖ SHA-256(payload))
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { toUint8Array, createEncoder, writeUint8Array, writeVarUint } from 'lib0/encoding';
import { concat, utf8, type Bytes } from '../core/bytes.ts';
import type { Channel } from '../core/ids.ts';
import type { Result } from '../core/result.ts';
import { parse } from '../core/byte-reader.ts';
import { channelCode, HASH_BYTES, HEAD_BYTES } from './format.ts';
import { MAX_SHORT_BYTES, ShortHasher } from './short-hash.ts';

/** One entry of a chain. Its seq follows from its place. Bytes are hashed and kept as received. */
export interface Entry {
  /** Milliseconds since 1970, as its author claims. */
  readonly time: number;
  /** Encoded heads; empty when it depends on no other chain. */
  readonly heads: Bytes;
  /** `project`: a Yjs V1 update. `talk` and `runs`: a message, opaque here. */
  readonly payload: Bytes;
}

/** Another chain's head as an entry names it: the hash is the name, the seq helps to find it. */
export interface Head {
  readonly seq: number;
  /** The first 16 bytes of the chain hash at that seq. */
  readonly hash: Bytes;
}

const CHAIN_LABEL = utf8('codeface/chain/1\0');
const SEGMENT_LABEL = utf8('codeface/segment/1\0');

/** Above this, hashing leaves the main thread's JavaScript for WebCrypto: 69 MB/s against some 800. */
const HASH_ASYNC_ABOVE_BYTES = 64 * 1024;
const HASH_OF_NOTHING = sha256(new Uint8Array());
/** What is hashed to an entry's chain hash: the hash before it, its seq and time, and the hashes of its parts. */
const LINK_BYTES = 3 * HASH_BYTES + 16;
/** The link, and one of its parts. Nothing is awaited between writing a message and hashing it. */
const [CHAIN, PART] = [new ShortHasher(), new ShortHasher()];

export const chainStart = (certificate: Bytes, channel: Channel): Bytes =>
  sha256(concat(CHAIN_LABEL, sha256(certificate), Uint8Array.of(channelCode(channel))));

/** What a segment's author signs: the channel is in it, so that a chain can't be passed off as another one's fork. */
export const segmentMessage = (channel: Channel, lastHash: Bytes): Bytes =>
  concat(SEGMENT_LABEL, Uint8Array.of(channelCode(channel)), lastHash);

/** The chain hashes after each of `entries`, the first of which has seq `first` and follows `before`. */
export async function chainHashes(before: Bytes, first: number, entries: readonly Entry[]): Promise<Bytes[]> {
  const hashes: Bytes[] = [];
  let previous = before;
  let seq = first;
  for (const { time, heads, payload } of entries) {
    const long = payload.length > HASH_ASYNC_ABOVE_BYTES ? await digest(payload) : undefined;
    const { message, messageView: view } = CHAIN;
    message.set(previous);
    view.setUint32(32, Math.floor(seq / 2 ** 32));
    view.setUint32(36, seq >>> 0);
    view.setUint32(40, Math.floor(time / 2 ** 32));
    view.setUint32(44, time >>> 0);
    if (heads.length === 0) message.set(HASH_OF_NOTHING, 48);
    else hashInto(heads, 48);
    if (long === undefined) hashInto(payload, 80);
    else message.set(long, 80);
    CHAIN.hashInto(LINK_BYTES, view, 0);
    previous = message.slice(0, HASH_BYTES);
    hashes.push(previous);
    seq++;
  }
  return hashes;
}

/** Heads as an entry carries them: (seq varUint ‖ hash[16]) one after the other. */
export function encodeHeads(heads: readonly Head[]): Bytes {
  const encoder = createEncoder();
  for (const { seq, hash } of heads) {
    writeVarUint(encoder, seq);
    writeUint8Array(encoder, hash);
  }
  return toUint8Array(encoder);
}

export function decodeHeads(bytes: Bytes): Result<Head[], string> {
  return parse(bytes, (reader) => {
    const heads: Head[] = [];
    while (reader.left > 0) heads.push({ seq: reader.varUint(), hash: reader.take(HEAD_BYTES) });
    return heads;
  });
}

/** The hash of `bytes`, into the message of the link. */
function hashInto(bytes: Bytes, at: number): void {
  if (bytes.length > MAX_SHORT_BYTES) return CHAIN.message.set(sha256(bytes), at);
  PART.message.set(bytes);
  PART.hashInto(bytes.length, CHAIN.messageView, at);
}

const digest = async (bytes: Bytes): Promise<Bytes> =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
