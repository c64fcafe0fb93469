import { expect, test } from 'vitest';
import { faultsIn } from './faults-table.ts';

const HEAD = '| when | then | rules | shown by |\n|---|---|---|---|\n';
const files: Readonly<Record<string, string>> = {
  'a.test.ts':
    "// test('only a comment')\ntest('AB-1 all agree in the end', run); test(`[seed ${SEED}] any weather`, run);",
};
const faults = (...rows: string[]): string[] =>
  faultsIn(
    `# Faults\n\n${HEAD}${rows.join('\n')}\n\nText | beside it.`,
    new Set(['AB-1', 'AB-2']),
    (path) => files[path],
  );

test('a row names tests by their files and words of their titles, also of titles with a seed', () => {
  expect(
    faults(
      '| a | then | AB-1, AB-2 | `a.test.ts` “all agree” · `a.test.ts` “any weather” |',
      '| b | | | not built yet |',
    ),
  ).toEqual([]);
});

test('a file that is not there, a title that no test has, and one in a comment alone are told', () => {
  expect(
    faults(
      '| a | then | AB-1 | `b.test.ts` “all agree” |',
      '| b | then | AB-1 | `a.test.ts` “all disagree” · `a.test.ts` “only a comment” |',
    ),
  ).toEqual([
    '"a" names b.test.ts, which is not there.',
    'a.test.ts has no test "all disagree".',
    'a.test.ts has no test "only a comment".',
  ]);
});

test('a row without a test, with a rule that no page defines, or with a column too few is told', () => {
  expect(
    faults(
      '| a | then | AB-1 | soon |',
      '| b | then | AB-1 to AB-3 | `a.test.ts` “any weather” |',
      '| c | then | AB-1 |',
    ),
  ).toEqual([
    '"a" names no test.',
    '"b" names AB-3, which no page defines.',
    '"c" has 3 columns, not 4.',
    '"c" names no test.',
  ]);
});
