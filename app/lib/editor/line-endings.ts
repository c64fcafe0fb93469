/**
 * Files with CRLF line ends keep them, byte for byte. CodeMirror would turn them into LF, and then its offsets would no
 * longer be those of the Y.Text; so the document keeps the CR as a character (line separator '\n'), and this extension
 * makes the pair behave as one line end: hidden, never split by a caret, completed where a person types Enter.
 */
import { EditorSelection, EditorState, type Extension, type Text, type Transaction } from '@codemirror/state';
import { Decoration, EditorView, MatchDecorator, ViewPlugin, type DecorationSet } from '@codemirror/view';
import { ySyncAnnotation } from 'y-codemirror.next';

/** Offsets of a state are those of the Y.Text: no line end is rewritten when text comes in. */
export const plainLineSeparator: Extension = EditorState.lineSeparator.of('\n');

/** Whether the first line of a text ends with CRLF. */
export function usesCrlf(text: string): boolean {
  const first = text.indexOf('\n');
  return first > 0 && text[first - 1] === '\r';
}

/** Pasted text takes LF; in a CRLF file `crlf` then completes it. */
export const pasteWithLf: Extension = EditorView.clipboardInputFilter.of((text) =>
  text.replace(/\r\n?/g, '\n'),
);

/** For a file that uses CRLF. Edits of others and undo are left as they come. */
export function crlf(): Extension {
  return [
    EditorState.transactionFilter.of((transaction) => {
      if (transaction.annotation(ySyncAnnotation)) return transaction;
      const fixes = transaction.docChanged ? crlfFixes(transaction) : [];
      const selection = fixes.length === 0 ? offTheSeam(transaction) : undefined;
      if (fixes.length > 0) return [transaction, { changes: fixes, sequential: true }];
      return selection ? [transaction, { selection, sequential: true }] : transaction;
    }),
    hiddenCr,
  ];
}

/** The changes that make every line end an edit touched a whole CRLF again. */
function crlfFixes(transaction: Transaction): { from: number; to?: number; insert?: string }[] {
  const fixes: { from: number; to?: number; insert?: string }[] = [];
  const doc = transaction.newDoc;
  const before = transaction.startState.doc;
  transaction.changes.iterChanges((_fromA, toA, from, to) => {
    // Delete at the end of a line took the CR: what was meant is the line end.
    const tookCr = charAt(before, toA - 1) === '\r' && charAt(before, toA) === '\n';
    if (from === to && tookCr && charAt(doc, from - 1) !== '\r') {
      fixes.push({ from, to: from + 1 });
      return;
    }
    const start = Math.max(0, from - 1);
    const near = doc.sliceString(start, Math.min(doc.length, to + 1));
    for (let i = 0; i < near.length; i++) {
      const at = start + i;
      if (near[i] === '\n' && at >= from && charAt(doc, at - 1) !== '\r')
        fixes.push({ from: at, insert: '\r' });
      if (near[i] === '\r' && charAt(doc, at + 1) !== '\n') fixes.push({ from: at, to: at + 1 });
    }
  });
  return fixes;
}

/** The selection without ends between CR and LF, or undefined when it has none. */
function offTheSeam(transaction: Transaction): EditorSelection | undefined {
  if (!transaction.selection) return undefined;
  const doc = transaction.newDoc;
  const settle = (at: number): number =>
    charAt(doc, at - 1) === '\r' && charAt(doc, at) === '\n' ? at - 1 : at;
  let moved = false;
  const ranges = transaction.newSelection.ranges.map((range) => {
    // A caret that came from before the seam and meant to go on (arrow right) belongs after it.
    const from = transaction.startState.selection.main.head;
    const forward = range.empty && from === range.head - 1 && charAt(doc, range.head) === '\n';
    const step = forward && settle(range.head) !== range.head && transaction.isUserEvent('select');
    const head = step ? range.head + 1 : settle(range.head);
    const anchor = range.empty ? head : settle(range.anchor);
    if (head === range.head && anchor === range.anchor) return range;
    moved = true;
    return EditorSelection.range(anchor, head, range.goalColumn);
  });
  return moved ? EditorSelection.create(ranges, transaction.newSelection.mainIndex) : undefined;
}

const charAt = (doc: Text, at: number): string => (at < 0 ? '' : doc.sliceString(at, at + 1));

const crAtLineEnd = new MatchDecorator({ regexp: /\r$/g, decoration: Decoration.replace({}) });

const hiddenCr = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet;
    constructor(view: EditorView) {
      this.decorations = crAtLineEnd.createDeco(view);
    }
    update(update: Parameters<typeof crAtLineEnd.updateDeco>[0]): void {
      this.decorations = crAtLineEnd.updateDeco(update, this.decorations);
    }
  },
  { decorations: (plugin) => plugin.decorations },
);
