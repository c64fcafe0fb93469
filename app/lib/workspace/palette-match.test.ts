import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchLetters, rank } from './palette-match.ts';

const order = (query: string, ...texts: string[]) =>
  rank(query, texts, (text) => text, 9).map(({ item }) => item);

describe('what a few letters mean', () => {
  it('needs every letter in order', () => {
    expect(matchLetters('tbl', 'tides/table.py')).toBeDefined();
    expect(matchLetters('lbt', 'table.py')).toBeUndefined();
  });

  it('prefers whole words, and the file name to its folder', () => {
    expect(order('table', 'tides/ports.py', 'tests/test_table.py', 'table.py')).toEqual([
      'table.py',
      'tests/test_table.py',
    ]);
    expect(order('tt', 'about.txt', 'test_table.py')[0]).toBe('test_table.py');
    expect(matchLetters('ta', 'tab/ta')?.at).toEqual([4, 5]);
  });

  it('keeps the order and all of it for an empty query', () => {
    expect(order('', 'bb', 'aa')).toEqual(['bb', 'aa']);
  });

  it('names only offsets of the very letters, for any text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 6 }),
        fc.string({ unit: 'binary', maxLength: 20 }),
        (query, text) => {
          const match = matchLetters(query, text);
          for (const at of match?.at ?? []) expect(at).toBeLessThan(text.length);
        },
      ),
      { seed: 2, numRuns: 2000 },
    );
  });
});
