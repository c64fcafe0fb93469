import { EditorSelection, EditorState, type TransactionSpec } from '@codemirror/state';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crlf, plainLineSeparator, usesCrlf } from './line-endings.ts';

const open = (doc: string): EditorState =>
  EditorState.create({ doc, extensions: [plainLineSeparator, crlf()] });
const after = (doc: string, spec: TransactionSpec): string => open(doc).update(spec).state.sliceDoc();

describe('a file with CRLF', () => {
  it('is told by its first line end', () => {
    expect(usesCrlf('a\r\nb\n')).toBe(true);
    expect(usesCrlf('a\nb\r\n')).toBe(false);
    expect(usesCrlf('')).toBe(false);
    expect(usesCrlf('\n')).toBe(false);
  });

  it('has the length of its text', () => {
    expect(open('a\r\nb').doc.length).toBe(4);
  });

  it('gets CRLF where a person types Enter', () => {
    expect(after('ab\r\n', { changes: { from: 1, insert: '\n' } })).toBe('a\r\nb\r\n');
  });

  it('loses both characters of a line end to Backspace and to Delete', () => {
    expect(after('a\r\nb', { changes: { from: 2, to: 3 } })).toBe('ab');
    expect(after('a\r\nb', { changes: { from: 1, to: 2 } })).toBe('ab');
  });

  it('keeps carets out of the seam', () => {
    const state = open('a\r\nb');
    const end = state.update({ selection: EditorSelection.cursor(2) }).state;
    expect(end.selection.main.head).toBe(1);
  });

  it('never holds a lone CR or LF after any edit', () => {
    const line = fc.stringMatching(/^[ab]{0,3}$/);
    fc.assert(
      fc.property(
        fc.array(line, { minLength: 2, maxLength: 5 }),
        fc.nat(),
        fc.nat(),
        line,
        fc.boolean(),
        (lines, a, b, typed, enter) => {
          const doc = lines.join('\r\n');
          const from = a % (doc.length + 1);
          const to = from + (b % (doc.length - from + 1));
          const next = after(doc, { changes: { from, to, insert: typed + (enter ? '\n' : '') } });
          expect(next.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
        },
      ),
      { seed: 11, numRuns: 2000 },
    );
  });
});
