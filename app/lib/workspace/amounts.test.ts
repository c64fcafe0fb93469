import { expect, it } from 'vitest';
import { bytes, duration, someOf } from './amounts.ts';

it('writes times and sizes for people', () => {
  expect([0, 9994, 59_940, 63_000].map((ms) => duration(ms))).toEqual([
    '0.00 s',
    '9.99 s',
    '59.9 s',
    '1 min 3 s',
  ]);
  expect([0, 1, 999, 1000, 9950, 262_144, 999_600].map(bytes)).toEqual([
    '0 bytes',
    '1 byte',
    '999 bytes',
    '1.0 kB',
    '10 kB',
    '262 kB',
    '1.0 MB',
  ]);
});

it('names three of many', () => {
  expect(someOf(['a', 'b', 'c'])).toBe('a, b, c');
  expect(someOf(['a', 'b', 'c', 'd'])).toBe('a, b, c, …');
});
