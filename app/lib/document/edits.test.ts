import fc from 'fast-check';
import { expect, it } from 'vitest';
import * as Y from 'yjs';
import { fitsOneEntry, insertionBytes, MAX_EDIT_BYTES, replaceText, undoBytes } from './edits.ts';

function textWith(content: string): { text: Y.Text; manager: Y.UndoManager } {
  const text = new Y.Doc().getText('t');
  text.insert(0, content);
  return { text, manager: new Y.UndoManager(text, { captureTimeout: 0 }) };
}

it('replaces a text by the least change, in one transaction', () => {
  const anyText = fc.string({ unit: fc.constantFrom('a', 'b', '😀', '\r\n'), maxLength: 20 });
  fc.assert(
    fc.property(anyText, anyText, (before, after) => {
      const { text } = textWith(before);
      let transactions = 0;
      text.observe(() => transactions++);
      replaceText(text, after, 'test');
      expect(text.toJSON()).toBe(after);
      expect(transactions).toBe(before === after ? 0 : 1);
    }),
    { numRuns: 300, seed: 1 },
  );
});

it('knows before an undo how much it inserts, and changes nothing by asking', () => {
  const { text, manager } = textWith('x'.repeat(1_000_000) + 'é'.repeat(1_000));
  text.delete(500_000, 500_500);
  const state = Y.encodeStateAsUpdate(text.doc ?? new Y.Doc());
  expect(undoBytes(manager, 'undo')).toBe(500_000 + 2 * 500);
  expect(Y.encodeStateAsUpdate(text.doc ?? new Y.Doc())).toEqual(state);
  let update = 0;
  text.doc?.on('update', (bytes: Uint8Array) => (update = bytes.length));
  manager.undo();
  expect(update).toBeGreaterThan(500_000);
  expect(update).toBeLessThan(502_000);
  expect(undoBytes(manager, 'undo')).toBe(0);
  expect(undoBytes(manager, 'redo')).toBe(0);
});

it('counts what a redo inserts, and not what an earlier step would', () => {
  const { text, manager } = textWith('y'.repeat(50_000));
  text.delete(0, 50_000);
  text.insert(0, 'typed since');
  expect(undoBytes(manager, 'undo')).toBe(0);
  manager.undo();
  expect(undoBytes(manager, 'redo')).toBe('typed since'.length);
  expect(undoBytes(manager, 'undo')).toBe(50_000);
});

it('draws the line under the 16 MiB of an entry', () => {
  expect(fitsOneEntry(MAX_EDIT_BYTES)).toBe(true);
  expect(fitsOneEntry(MAX_EDIT_BYTES + 1)).toBe(false);
  expect(fitsOneEntry(insertionBytes('x'.repeat(6_000_000)))).toBe(true);
  expect(fitsOneEntry(insertionBytes('€'.repeat(6_000_000)))).toBe(false);
});
