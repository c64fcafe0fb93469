/**
 * The door between what a person does to a text and the log: an edit that would be a larger entry than the format
 * allows is made in parts, and one that would make the file larger than a file may be is refused (TREE-9).
 */
import { Transaction, type ChangeSet, type Text } from '@codemirror/state';
import type { EditorView } from '@codemirror/view';
import { ySyncAnnotation } from 'y-codemirror.next';
import { MAX_BLOB_BYTES } from '../document/blobs.ts';
import { editBytes, PART_BYTES, PART_UNITS } from '../document/edits.ts';
import { textPieces } from '../document/text-pieces.ts';
import type { TextChange } from './edited-file.ts';
import type { EditRefusal, UndoSteps } from './undo-steps.ts';

/** What an EditorView does with transactions: applies them, large ones in parts that are one step of undo. */
export function applyEdits(
  view: EditorView,
  transactions: readonly Transaction[],
  steps: UndoSteps | undefined,
  onRefused: (refusal: EditRefusal) => void,
): void {
  const own = transactions.filter((one) => one.docChanged && one.annotation(ySyncAnnotation) === undefined);
  if (growsTooLarge(own)) return onRefused({ kind: 'file-too-large', limitBytes: MAX_BLOB_BYTES });
  if (own.reduce((sum, { changes }) => sum + costOf(changes), 0) <= PART_BYTES)
    return view.update(transactions);
  const parts = transactions.flatMap((whole) => {
    const changes = whole.docChanged ? partsOf(whole.startState.doc, whole.changes) : [[]];
    return changes.map((part, at) => () => applyPart(view, whole, part, at === changes.length - 1));
  });
  if (steps) steps.makeInParts(parts);
  else for (const part of parts) part();
}

/** The same change as several, one after the other; none adds more than `maxBytes` to the log, nor does its undo. */
export function partsOf(
  doc: Text,
  changes: ChangeSet,
  maxBytes = PART_BYTES,
  maxUnits = PART_UNITS,
): TextChange[][] {
  const parts: TextChange[][] = [];
  let bytes = Infinity;
  /** By how much the parts before the current one moved what follows, and the current one will. */
  let moved = 0;
  let moving = 0;
  for (const { from, to, insert } of piecesOf(doc, changes, maxUnits)) {
    const cost = editBytes(Math.max(to - from, insert.length));
    if (bytes + cost > maxBytes) {
      parts.push([]);
      bytes = 0;
      moved += moving;
      moving = 0;
    }
    parts.at(-1)?.push({ from: from + moved, to: to + moved, insert });
    bytes += cost;
    moving += insert.length - (to - from);
  }
  return parts;
}

/** The changes in order, at offsets of `doc`, cut so that each alone fits into an entry. */
function* piecesOf(doc: Text, changes: ChangeSet, maxUnits: number): Iterable<TextChange> {
  const found: { from: number; to: number; insert: string }[] = [];
  changes.iterChanges((from, to, _fromB, _toB, insert) => {
    found.push({ from, to, insert: insert.sliceString(0, insert.length, '\n') });
  });
  for (const { from, to, insert } of found) {
    // Cut as text: half a surrogate pair would be lost when it is removed, too.
    const removed = textPieces(doc.sliceString(from, to, '\n'), maxUnits);
    const inserted = textPieces(insert, maxUnits);
    let at = from;
    for (let i = 0; i < Math.max(removed.length, inserted.length); i++) {
      const end = at + (removed[i]?.length ?? 0);
      yield { from: at, to: end, insert: inserted[i] ?? '' };
      at = end;
    }
  }
}

function applyPart(
  view: EditorView,
  whole: Transaction,
  changes: readonly TextChange[],
  isLast: boolean,
): void {
  const event = whole.annotation(Transaction.userEvent);
  const synced = whole.annotation(ySyncAnnotation);
  view.update([
    view.state.update({
      changes,
      annotations: [
        ...(event === undefined ? [] : [Transaction.userEvent.of(event)]),
        ...(synced === undefined ? [] : [ySyncAnnotation.of(synced)]),
      ],
      // Filters have seen the whole; a part may end between CR and LF.
      filter: false,
      ...(isLast && {
        selection: whole.newSelection,
        effects: whole.effects,
        scrollIntoView: whole.scrollIntoView,
      }),
    }),
  ]);
}

function growsTooLarge(own: readonly Transaction[]): boolean {
  const before = own[0]?.startState.doc.length ?? 0;
  const after = own.at(-1)?.newDoc.length ?? 0;
  // As for a file that is created: a UTF-16 unit is at least one byte.
  return after > MAX_BLOB_BYTES && after > before;
}

function costOf(changes: ChangeSet): number {
  let bytes = 0;
  changes.iterChanges((fromA, toA, fromB, toB) => {
    bytes += editBytes(Math.max(toA - fromA, toB - fromB));
  });
  return bytes;
}
