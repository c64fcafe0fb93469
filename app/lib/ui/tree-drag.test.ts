import { expect, test } from 'vitest';
import { canMove } from './tree-drag.ts';

test('a row moves into other folders only: not where it is, not into itself', () => {
  expect(canMove('main.py', 'src')).toBe(true);
  expect(canMove('src/main.py', '')).toBe(true);
  expect(canMove('src', 'src2')).toBe(true);
  expect(canMove('main.py', '')).toBe(false);
  expect(canMove('src/main.py', 'src')).toBe(false);
  expect(canMove('src', 'src')).toBe(false);
  expect(canMove('src', 'src/deep')).toBe(false);
});
