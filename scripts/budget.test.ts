import { expect, test } from 'vitest';
import { filesLoadedBy, type ViteManifest } from './budget.ts';

const manifest: ViteManifest = {
  page: { file: 'page.js', imports: ['a', 'b'] },
  a: { file: 'a.js', imports: ['b'] },
  b: { file: 'b.js', imports: ['a'] },
  later: { file: 'later.js', imports: [] },
};

test('static imports count once each, circles included; what is loaded later does not', () => {
  expect([...filesLoadedBy(['page'], manifest)].sort()).toEqual(['a.js', 'b.js', 'page.js']);
});

test('a page that the build does not hold is no page of size 0', () => {
  expect(() => filesLoadedBy(['gone'], manifest)).toThrow('gone');
});
