import {
  EditorSelection,
  EditorState,
  type Extension,
  type Transaction,
  type TransactionSpec,
} from '@codemirror/state';
import type { EditorView } from '@codemirror/view';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import { MAX_BLOB_BYTES } from '../document/blobs.ts';
import { MAX_EDIT_BYTES } from '../document/edits.ts';
import { applyEdits, partsOf } from './large-edits.ts';
import { crlf, plainLineSeparator } from './line-endings.ts';
import { UndoSteps, type EditRefusal } from './undo-steps.ts';

/** Limits so small that a few characters are too many: two changes of one unit, and pieces of four. */
const SMALL = { bytes: 110, units: 4 };

const anyText = fc.string({ unit: fc.constantFrom('a', '€', '😀', '\r\n', '\n'), maxLength: 30 });
const edits = fc.array(fc.record({ from: fc.nat(), length: fc.nat(12), insert: anyText }), { maxLength: 5 });

/** Edits between whole characters, as people make them; CodeMirror takes changes that don't overlap. */
function transactionOf(
  doc: string,
  wanted: readonly { from: number; length: number; insert: string }[],
): Transaction {
  const characters = [...doc];
  const unitsBefore = (at: number): number => characters.slice(0, at).join('').length;
  let at = 0;
  const changes = wanted.map(({ from, length, insert }) => {
    const start = at + (from % (characters.length + 1 - at));
    at = Math.min(start + length, characters.length);
    return { from: unitsBefore(start), to: unitsBefore(at), insert };
  });
  return EditorState.create({ doc, extensions: plainLineSeparator }).update({ changes });
}

describe('an edit in parts', () => {
  it('comes to the same text, each part within the limit and no character cut in two (TREE-9)', () => {
    fc.assert(
      fc.property(anyText, edits, (doc, wanted) => {
        const whole = transactionOf(doc, wanted);
        let state = whole.startState;
        for (const part of partsOf(state.doc, whole.changes, SMALL.bytes, SMALL.units)) {
          expect(part.length).toBeLessThanOrEqual(2);
          for (const { from, to, insert } of part) {
            expect(Math.max(to - from, insert.length)).toBeLessThanOrEqual(SMALL.units);
            expect(insert.isWellFormed() && state.sliceDoc(from, to).isWellFormed()).toBe(true);
          }
          state = state.update({ changes: part }).state;
        }
        expect(state.sliceDoc()).toBe(whole.newDoc.toString());
      }),
      { numRuns: 2000, seed: 4 },
    );
  });
});

/** What an EditorView is to `applyEdits`, and a Y.Text that follows it as y-codemirror makes one follow. */
function typist(content: string, extensions: Extension = []) {
  const doc = new Y.Doc();
  const text = doc.getText();
  text.insert(0, content);
  const manager = new Y.UndoManager(text, { trackedOrigins: new Set(['typing']) });
  const updates: number[] = [];
  doc.on('update', (bytes: Uint8Array) => updates.push(bytes.length));
  const refusals: EditRefusal[] = [];
  const steps = new UndoSteps(manager, (refusal) => refusals.push(refusal));
  const view = {
    state: EditorState.create({ doc: content, extensions }),
    update(transactions: readonly Transaction[]) {
      for (const transaction of transactions) {
        expect(transaction.startState).toBe(view.state);
        view.state = transaction.state;
        doc.transact(() => {
          let moved = 0;
          transaction.changes.iterChanges((from, to, _from, _to, insert) => {
            text.delete(from + moved, to - from);
            text.insert(from + moved, insert.sliceString(0, insert.length, '\n'));
            moved += insert.length - (to - from);
          });
        }, 'typing');
      }
    },
  };
  const dispatch = (spec: TransactionSpec): void =>
    applyEdits(view as unknown as EditorView, [view.state.update(spec)], steps, (refusal) =>
      refusals.push(refusal),
    );
  return { text, view, updates, refusals, steps, dispatch };
}

/** Accepted by every peer as one entry (log/format.ts). */
const ENTRY_BYTES = 16 * 1024 * 1024;
const LARGE = `${'line of text '.repeat(100)}\n`.repeat(14_000);

describe('a file of 17 MiB', () => {
  it('can be deleted whole, brought back by one undo, and gone again by one redo, each in entries the log takes', () => {
    const { text, updates, refusals, steps, dispatch } = typist(LARGE);
    dispatch({ changes: { from: 0, to: LARGE.length } });
    expect(text.length).toBe(0);
    steps.undo();
    expect(text.toJSON() === LARGE).toBe(true);
    steps.redo();
    expect(text.length).toBe(0);
    steps.undo();
    expect(text.toJSON() === LARGE).toBe(true);
    expect(Math.max(...updates)).toBeLessThan(ENTRY_BYTES);
    expect(refusals).toEqual([]);
  });

  it('can be pasted over another, with the caret behind it and what was typed before a step of its own', () => {
    const { text, view, updates, steps, dispatch } = typist('old');
    dispatch({ changes: { from: 0, insert: 'typed ' } });
    dispatch({ changes: { from: 0, to: 9, insert: LARGE }, selection: EditorSelection.cursor(LARGE.length) });
    expect(text.toJSON() === LARGE).toBe(true);
    expect(view.state.selection.main.head).toBe(LARGE.length);
    expect(Math.max(...updates)).toBeLessThan(ENTRY_BYTES);
    steps.undo();
    expect(text.toJSON()).toBe('typed old');
    steps.redo();
    expect(text.toJSON() === LARGE).toBe(true);
    steps.undo();
    steps.undo();
    expect(text.toJSON()).toBe('old');
  });

  it('with CRLF keeps its line ends', () => {
    const content = `${'a'.repeat(1_000)}\r\n`.repeat(18_000);
    const { text, view, dispatch } = typist('x\r\n', [plainLineSeparator, crlf()]);
    dispatch({ changes: { from: 0, to: 3, insert: content } });
    expect(text.toJSON() === content).toBe(true);
    expect(view.state.sliceDoc() === content).toBe(true);
  });

  it('takes no more than a file may hold: the edit is refused and nothing changes', () => {
    const { text, updates, refusals, dispatch } = typist(LARGE);
    dispatch({ changes: { from: 0, insert: LARGE } });
    expect(refusals).toEqual([{ kind: 'file-too-large', limitBytes: MAX_BLOB_BYTES }]);
    expect(updates).toEqual([]);
    expect(text.toJSON() === LARGE).toBe(true);
  });
});

describe('a step of undo that one entry does not hold', () => {
  it('is refused before anything changes', () => {
    const { text, updates, refusals, steps, view } = typist('€'.repeat(MAX_EDIT_BYTES / 3) + 'more');
    // As another binding would delete: in one piece.
    view.update([view.state.update({ changes: { from: 0, to: MAX_EDIT_BYTES / 3 + 4 } })]);
    updates.length = 0;
    steps.undo();
    expect(refusals).toMatchObject([{ kind: 'step-too-large', which: 'undo' }]);
    expect(updates).toEqual([]);
    expect(text.length).toBe(0);
  });
});
