import { expect, test } from 'vitest';
import { compareRules, type Source } from './spec-ids.ts';

/** Of a prefix that the real pages do not use: those strings name no rule of ours. */
const rules: Source = {
  path: 'docs/SPEC.md',
  text: '- **AB-1** one. **AB-2 Two.** two, as AB-9 does\n- **AB-3** UTF-8\n- **AB-10** ten',
};

const mismatch = (text: string) => compareRules([rules], [{ path: 'a.test.ts', text }]);

test('a title, a row of a table, a range and a template name rules', () => {
  const text = "test('AB-1 to AB-3 hold', run); test.each([['x', `AB-10 ${y} AB-2`]])('%s', run);";
  expect(mismatch(text)).toEqual({ untested: [], unknown: [] });
});

test('rules that no test names are told in order; code and comments name none', () => {
  const text = "// AB-2\nconst size = AB-10;\ntest('AB-1', run);";
  expect(mismatch(text).untested).toEqual(['AB-2', 'AB-3', 'AB-10']);
});

test('a rule that there is not is told with its file; so is a wrong prefix at the head of a title, and no standard', () => {
  const text = "test('AB-1 AB-4 in UTF-8, by SHA-256', run); test('XY-1 holds', run); test('to AB-9', run)";
  expect(mismatch(text).unknown).toEqual(['a.test.ts: AB-4', 'a.test.ts: AB-9', 'a.test.ts: XY-1']);
});
