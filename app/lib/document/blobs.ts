/**
 * Binary content in the room's document: chunks under `<sha256 hex>.<index>`, named by what they hold (TREE-7).
 * Whatever a peer put there, a read gives the named bytes or says that they are missing or damaged.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import type * as Y from 'yjs';
import { equalBytes, toHex, type Bytes } from '../core/bytes.ts';
import { err, ok, type Result } from '../core/result.ts';

/** One chunk is one log entry: small enough that live keystrokes are never stuck behind one for long. */
export const CHUNK_BYTES = 512 * 1024;
/** As much as a whole import may hold. */
export const MAX_BLOB_BYTES = 20 * 1024 * 1024;

/** The value of a record's `blob`. */
export interface BlobRef {
  readonly hash: string;
  readonly size: number;
  readonly chunks: number;
}

export type BlobProblem = { readonly kind: 'missing' } | { readonly kind: 'damaged' };

/** Puts what isn't there yet, each chunk in a transaction of its own, and gives the name to find it by. */
export function writeBlob(
  blobs: Y.Map<unknown>,
  bytes: Uint8Array,
  transact: (change: () => void) => void,
): BlobRef {
  const ref = { hash: toHex(sha256(bytes)), size: bytes.length, chunks: chunkCount(bytes.length) };
  for (let i = 0; i < ref.chunks; i++) {
    const chunk = bytes.slice(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES);
    const there = blobs.get(`${ref.hash}.${i}`);
    if (there instanceof Uint8Array && equalBytes(there, chunk)) continue;
    transact(() => blobs.set(`${ref.hash}.${i}`, chunk));
  }
  return ref;
}

/** The bytes a record names. 'missing' while chunks are still on their way; 'damaged' when they aren't what the name says. */
export function readBlob(blobs: Y.Map<unknown>, ref: BlobRef): Result<Bytes, BlobProblem> {
  const bytes = new Uint8Array(ref.size);
  let at = 0;
  for (let i = 0; i < ref.chunks; i++) {
    const chunk = blobs.get(`${ref.hash}.${i}`);
    if (chunk === undefined) return err({ kind: 'missing' });
    if (!(chunk instanceof Uint8Array) || at + chunk.length > ref.size) return err({ kind: 'damaged' });
    bytes.set(chunk, at);
    at += chunk.length;
  }
  if (at !== ref.size || toHex(sha256(bytes)) !== ref.hash) return err({ kind: 'damaged' });
  return ok(bytes);
}

/** Reads a record's `blob`, which any peer may have written: undefined unless it is a reference in every part. */
export function readBlobRef(value: unknown): BlobRef | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (!('hash' in value) || !('size' in value) || !('chunks' in value)) return undefined;
  const { hash, size, chunks } = value;
  if (typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash)) return undefined;
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || size > MAX_BLOB_BYTES)
    return undefined;
  if (chunks !== chunkCount(size)) return undefined;
  return { hash, size, chunks: chunkCount(size) };
}

const chunkCount = (size: number): number => Math.ceil(size / CHUNK_BYTES);
