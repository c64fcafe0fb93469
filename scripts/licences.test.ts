import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isAllowed, shippedPackages } from './licences.ts';

test.each(['MIT', 'MPL-2.0', '(MIT OR GPL-3.0)', 'Apache-2.0 AND MIT'])('%s may be shipped', (licence) => {
  expect(isAllowed(licence)).toBe(true);
});

test.each(['GPL-3.0', 'MIT AND AGPL-3.0', 'UNLICENSED', 'none stated', ''])('"%s" may not', (licence) => {
  expect(isAllowed(licence)).toBe(false);
});

test('direct, deep and bundled packages are listed, tools are not', () => {
  const names = shippedPackages(join(import.meta.dirname, '..')).map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['yjs', 'lib0', 'svelte', 'pyodide']));
  expect(names).not.toContain('vitest');
});
