import { expect, test } from 'vitest';
import { whenInWords } from './when.ts';

const now = new Date(2026, 10, 22, 15, 0).getTime();
const at = (...when: [number, number, number, number?, number?]) => new Date(...when).getTime();

test.each([
  ['today, 14:33', at(2026, 10, 22, 14, 33)],
  ['today, 00:00', at(2026, 10, 22)],
  ['today, 23:59', at(2026, 10, 22, 23, 59)],
  ['yesterday', at(2026, 10, 21, 23, 59)],
  ['Thursday', at(2026, 10, 19, 8)],
  ['Monday', at(2026, 10, 16)],
  ['15 November', at(2026, 10, 15, 23)],
  ['3 November', at(2026, 10, 3)],
  ['31 December 2025', at(2025, 11, 31)],
  ['23 November', at(2026, 10, 23)],
])('%s', (words, then) => {
  expect(whenInWords(then, now)).toBe(words);
});
