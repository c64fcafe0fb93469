/**
 * How large an edit is as a log entry, known before it is made (LOG.md, Sending): an entry holds 16 MiB, and an edit
 * that is already in the document can't be taken out of it again.
 */
import * as Y from 'yjs';

/** Room under the format's 16 MiB entry for the update's frame, heads and times. */
export const MAX_EDIT_BYTES = 15 * 1024 * 1024;
/** An edit above this is made in parts: what undoes one has room left for the many items a typed text consists of. */
export const PART_BYTES = 12 * 1024 * 1024;
/** One insertion besides its characters: two ids of 13 bytes, its kind and length, and a range of the delete set. */
const STRUCT_BYTES = 48;
/** A UTF-16 unit is at most 3 bytes of UTF-8. */
const UNIT_BYTES = 3;

/** Characters that always fit into one part, in UTF-16 units. */
export const PART_UNITS = Math.floor((PART_BYTES - STRUCT_BYTES) / UNIT_BYTES);

/** The most that inserting or removing so many UTF-16 units in one place adds to an entry, or to that of its undo. */
export const editBytes = (units: number): number => STRUCT_BYTES + units * UNIT_BYTES;

/** The most that the next undo (or redo) would put into its entry: what its step removed. Changes nothing. */
export function undoBytes(manager: Y.UndoManager, which: 'undo' | 'redo'): number {
  const stack = which === 'undo' ? manager.undoStack : manager.redoStack;
  const { clients } = manager.doc.store;
  let bytes = 0;
  // Yjs goes on to earlier steps while a step turns out to change nothing: the first that inserts or deletes ends it.
  for (const step of stack.toReversed()) {
    let changes = false;
    forEachItem(clients, step.deletions, ({ id, content }, from, to) => {
      // What a step made and removed again it doesn't bring back.
      if (Y.isDeleted(step.insertions, id)) return;
      bytes += editBytes(content instanceof Y.ContentString ? to - from : 0);
      changes = true;
    });
    forEachItem(clients, step.insertions, (item) => {
      bytes += STRUCT_BYTES;
      changes ||= !item.deleted;
    });
    if (changes) break;
  }
  return bytes;
}

/** Visits the items that a delete set names, with the part of each that it names; collected ones have no content left. */
function forEachItem(
  clients: ReadonlyMap<number, readonly (Y.Item | Y.GC)[]>,
  ranges: {
    readonly clients: ReadonlyMap<number, readonly { readonly clock: number; readonly len: number }[]>;
  },
  visit: (item: Y.Item, from: number, to: number) => void,
): void {
  for (const [client, named] of ranges.clients) {
    const structs = clients.get(client) ?? [];
    for (const { clock, len } of named) {
      for (let i = startingAt(structs, clock); i < structs.length; i++) {
        const struct = structs[i];
        if (struct === undefined || struct.id.clock >= clock + len) break;
        const from = Math.max(clock - struct.id.clock, 0);
        const to = Math.min(clock + len - struct.id.clock, struct.length);
        if (struct instanceof Y.Item && from < to) visit(struct, from, to);
      }
    }
  }
}

/** Index of the last struct that starts at or before `clock`; structs of a client are in order of clock. */
function startingAt(structs: readonly (Y.Item | Y.GC)[], clock: number): number {
  let [low, high] = [0, structs.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((structs[middle]?.id.clock ?? 0) <= clock) low = middle;
    else high = middle - 1;
  }
  return low;
}
