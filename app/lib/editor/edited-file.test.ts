import { EditorState } from '@codemirror/state';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import { changesOf, type TextChange } from './edited-file.ts';
import { plainLineSeparator } from './line-endings.ts';

describe('a text change', () => {
  it('read from a delta makes the same document, line ends of every kind included', () => {
    const piece = fc.stringMatching(/^[abé\r\n]{0,4}$/);
    fc.assert(
      fc.property(piece, fc.array(fc.tuple(fc.nat(), fc.nat(3), piece), { maxLength: 6 }), (start, edits) => {
        const text = new Y.Doc().getText();
        text.insert(0, start);
        let state = EditorState.create({ doc: start, extensions: plainLineSeparator });
        text.observe((event) => {
          const changes: TextChange[] = changesOf(event.delta);
          state = state.update({ changes }).state;
        });
        text.doc?.transact(() => {
          for (const [at, length, insert] of edits) {
            const from = at % (text.length + 1);
            text.delete(from, Math.min(length, text.length - from));
            text.insert(from, insert);
          }
        });
        expect(state.sliceDoc()).toBe(text.toJSON());
      }),
      { seed: 5, numRuns: 1000 },
    );
  });
});
