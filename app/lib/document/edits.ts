/**
 * Edits of a text that come as a whole: replacing its content by the least change, and knowing beforehand whether a
 * change would be a larger log entry than the format allows.
 */
import { simpleDiffString } from 'lib0/diff';
import * as Y from 'yjs';
import { utf8 } from '../core/bytes.ts';

/** Room under the format's 16 MiB entry for structs, heads and times besides the characters. */
export const MAX_EDIT_BYTES = 15 * 1024 * 1024;

/** Makes the text read `next` by one deletion and one insertion around what stays, so that cursors there stay too. */
export function replaceText(text: Y.Text, next: string, origin: unknown): void {
  // Y.Text has a toString of its own, which the base class's type hides from the linter.

  const { index, remove, insert } = simpleDiffString(text.toString(), next.toWellFormed());
  if (remove === 0 && insert === '') return;
  const change = (): void => {
    if (remove > 0) text.delete(index, remove);
    if (insert !== '') text.insert(index, insert);
  };
  if (text.doc === null) throw new Error('a text outside a document has no edits to make');
  text.doc.transact(change, origin);
}

/** Whether inserting this text in one transaction stays within one log entry (LOG.md, Sending). */
export const fitsOneEntry = (insertedBytes: number): boolean => insertedBytes <= MAX_EDIT_BYTES;

/** Bytes of UTF-8 that an insertion would put into its entry. */
export const insertionBytes = (text: string): number =>
  // Encoding is only worth it where the answer isn't clear.
  text.length > MAX_EDIT_BYTES || text.length * 3 <= MAX_EDIT_BYTES ? text.length * 3 : utf8(text).length;

/** Bytes that the next undo (or redo) would insert again: the content of what its step deleted. Changes nothing. */
export function undoBytes(manager: Y.UndoManager, which: 'undo' | 'redo'): number {
  const stack = which === 'undo' ? manager.undoStack : manager.redoStack;
  const { clients } = manager.doc.store;
  let most = 0;
  // Yjs goes on to earlier steps while a step turns out to change nothing: the first that inserts or deletes ends it.
  for (const step of stack.toReversed()) {
    let bytes = 0;
    forEachItem(clients, step.deletions, ({ content }, from, to) => {
      if (content instanceof Y.ContentString) bytes += utf8(content.str.slice(from, to)).length;
      else if (content instanceof Y.ContentBinary) bytes += content.content.length;
    });
    most = Math.max(most, bytes);
    let deletes = false;
    forEachItem(clients, step.insertions, (item) => (deletes ||= !item.deleted));
    if (bytes > 0 || deletes) break;
  }
  return most;
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
