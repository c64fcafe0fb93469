import fc from 'fast-check';
import { expect, it } from 'vitest';
import * as Y from 'yjs';
import { editBytes, PART_BYTES, PART_UNITS, undoBytes } from './edits.ts';

it('never says less than an undo or a redo comes to, and changes nothing by asking (TREE-9)', () => {
  const step = fc.oneof(
    fc.record({ at: fc.nat(), typed: fc.string({ unit: fc.constantFrom('a', '€', '😀'), maxLength: 300 }) }),
    fc.record({ at: fc.nat(), removed: fc.nat(400) }),
    fc.constant('undo' as const),
    fc.constant('redo' as const),
    fc.constant('pause' as const),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const doc = new Y.Doc();
      const text = doc.getText();
      const manager = new Y.UndoManager(text);
      let update: number;
      doc.on('update', (bytes: Uint8Array) => (update = bytes.length));
      for (const one of steps) {
        if (one === 'pause') manager.stopCapturing();
        else if (one === 'undo' || one === 'redo') {
          const before = Y.encodeStateVector(doc);
          const foretold = undoBytes(manager, one);
          expect(Y.encodeStateVector(doc)).toEqual(before);
          update = 0;
          manager[one]();
          if (update > 0) expect(foretold).toBeGreaterThanOrEqual(update - FRAME_BYTES);
        } else if ('typed' in one) text.insert(one.at % (text.length + 1), one.typed);
        else {
          const at = one.at % (text.length + 1);
          text.delete(at, Math.min(one.removed, text.length - at));
        }
      }
    }),
    { numRuns: 500, seed: 3 },
  );
});

/** What an update has besides its items: counts of clients, structs and ranges. */
const FRAME_BYTES = 32;

it('counts what a redo inserts, and not what an earlier step would', () => {
  const text = new Y.Doc().getText();
  text.insert(0, 'y'.repeat(50_000));
  const manager = new Y.UndoManager(text, { captureTimeout: 0 });
  text.delete(0, 50_000);
  text.insert(0, 'typed since');
  expect(undoBytes(manager, 'undo')).toBeLessThan(200);
  manager.undo();
  expect(undoBytes(manager, 'redo')).toBeLessThan(200);
  expect(undoBytes(manager, 'undo')).toBeGreaterThan(50_000);
});

it('finds room in one entry for as much text as it says, of any kind', () => {
  expect(editBytes(PART_UNITS)).toBeLessThanOrEqual(PART_BYTES);
  const doc = new Y.Doc();
  let update = 0;
  doc.on('update', (bytes: Uint8Array) => (update = bytes.length));
  doc.getText().insert(0, '€'.repeat(PART_UNITS));
  expect(update).toBeLessThanOrEqual(editBytes(PART_UNITS));
});
