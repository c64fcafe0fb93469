/**
 * The updates of consecutive entries of one chain as one Yjs V1 update. Structs of one client that follow each other are
 * written one after the other whatever update they came in, so nothing is decoded again; `Y.mergeUpdates` decodes all of
 * it, and is quadratic in the number of updates.
 */
import { createEncoder, toUint8Array, writeVarUint } from 'lib0/encoding';
import type { Bytes } from '../core/bytes.ts';
import type { CheckedUpdate, DeletedRange } from './struct-check.ts';

/** What `updates` bring, which were checked one after the other as those of `client` from `clock` on. */
export function joinUpdates(client: number, clock: number, updates: readonly CheckedUpdate[]): Bytes {
  const encoder = createEncoder();
  const count = updates.reduce((sum, { structs }) => sum + structs.length, 0);
  writeVarUint(encoder, count === 0 ? 0 : 1);
  if (count > 0) for (const each of [count, client, clock]) writeVarUint(encoder, each);
  const head = toUint8Array(encoder);
  const rest = encodeDeleted(updates.flatMap((update) => update.deleted));
  const size = updates.reduce((sum, { structBytes }) => sum + structBytes.length, head.length + rest.length);
  const joined = new Uint8Array(size);
  joined.set(head);
  let at = head.length;
  for (const { structBytes } of updates) {
    joined.set(structBytes, at);
    at += structBytes.length;
  }
  joined.set(rest, at);
  return joined;
}

function encodeDeleted(ranges: readonly DeletedRange[]): Bytes {
  const encoder = createEncoder();
  const deleted = byClient(ranges);
  writeVarUint(encoder, deleted.size);
  for (const [owner, own] of deleted) {
    const merged = inOrder(own);
    writeVarUint(encoder, owner);
    writeVarUint(encoder, merged.length);
    for (const range of merged) {
      writeVarUint(encoder, range.clock);
      writeVarUint(encoder, range.length);
    }
  }
  return toUint8Array(encoder);
}

function byClient(ranges: readonly DeletedRange[]): Map<number, DeletedRange[]> {
  const grouped = new Map<number, DeletedRange[]>();
  for (const range of ranges) {
    const ofClient = grouped.get(range.client);
    if (ofClient === undefined) grouped.set(range.client, [range]);
    else ofClient.push(range);
  }
  return grouped;
}

/** The same clocks in as few ranges as there are: each costs Yjs a cut of its array of all structs. */
function inOrder(ranges: readonly DeletedRange[]): DeletedRange[] {
  const merged: { client: number; clock: number; length: number }[] = [];
  for (const { client, clock, length } of ranges.toSorted((a, b) => a.clock - b.clock)) {
    const last = merged.at(-1);
    if (last !== undefined && clock <= last.clock + last.length)
      last.length = Math.max(last.length, clock + length - last.clock);
    else merged.push({ client, clock, length });
  }
  return merged;
}
