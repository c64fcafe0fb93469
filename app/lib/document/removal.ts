/**
 * What it means that a file was removed: a mark that says when, and what the remover had seen of the text.
 * An edit that the remover hadn't seen revives the file; every replica comes to the same answer, because the answer
 * is a function of the mark and of the ids in the text alone (TREE-5). Nothing here deletes anything.
 */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import type * as Y from 'yjs';

/** The value of a record's `deletedAt`. `seen`: pairs of (client, next clock), varints, ordered by client. */
export interface RemovalMark {
  readonly time: number;
  readonly seen: Uint8Array;
}

/** A mark for removing a file now. A file without a text is marked as seen by nobody. */
export const removalMark = (time: number, text: Y.Text | undefined): RemovalMark => ({
  time,
  seen: encodeClocks(text === undefined ? new Map() : clocksOf(text)),
});

/** Whether a record with this `deletedAt` and text counts as removed. Anything but a mark we can read does not. */
export function isRemoved(mark: unknown, text: Y.Text | undefined): boolean {
  if (typeof mark !== 'object' || mark === null || !('seen' in mark)) return false;
  if (!(mark.seen instanceof Uint8Array)) return false;
  const seen = decodeClocks(mark.seen);
  return seen !== undefined && (text === undefined || !hasUnseen(text, seen));
}

/** Per client the clock after its last item in the text, deleted items included: they keep their ids for ever. */
function clocksOf(text: Y.Text): Map<number, number> {
  const clocks = new Map<number, number>();
  for (let item = text._start; item !== null; item = item.right) {
    const end = item.id.clock + item.length;
    if (end > (clocks.get(item.id.client) ?? 0)) clocks.set(item.id.client, end);
  }
  return clocks;
}

function hasUnseen(text: Y.Text, seen: ReadonlyMap<number, number>): boolean {
  for (let item = text._start; item !== null; item = item.right)
    if (item.id.clock + item.length > (seen.get(item.id.client) ?? 0)) return true;
  return false;
}

function encodeClocks(clocks: ReadonlyMap<number, number>): Uint8Array {
  const encoder = encoding.createEncoder();
  for (const [client, clock] of [...clocks].sort(([a], [b]) => a - b)) {
    encoding.writeVarUint(encoder, client);
    encoding.writeVarUint(encoder, clock);
  }
  return encoding.toUint8Array(encoder);
}

function decodeClocks(bytes: Uint8Array): Map<number, number> | undefined {
  const decoder = decoding.createDecoder(bytes);
  const clocks = new Map<number, number>();
  try {
    while (decoding.hasContent(decoder))
      clocks.set(decoding.readVarUint(decoder), decoding.readVarUint(decoder));
  } catch {
    return undefined;
  }
  return clocks;
}
