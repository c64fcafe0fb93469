import { expect, test } from 'vitest';
import { LIMITS } from '../limits.ts';
import { ArchiveBudgets } from './archive-limits.ts';

test('memory is held per address and in all, and given back', () => {
  const budgets = new ArchiveBudgets({ ...LIMITS.archive, heldBytes: 100, heldBytesPerAddress: 60 });
  const first = budgets.hold('a', 60);
  expect(first).toBeDefined();
  expect(budgets.hold('a', 1)).toBeUndefined();
  expect(budgets.hold('b', 41)).toBeUndefined();
  const second = budgets.hold('b', 40);
  expect(budgets.hold('c', 1)).toBeUndefined();
  first?.();
  expect(budgets.hold('a', 60)).toBeDefined();
  second?.();
  expect(budgets.hold('c', 40)).toBeDefined();
});

test('budgets of two addresses are two, and a refusal says for how long', async () => {
  const budgets = new ArchiveBudgets({ ...LIMITS.archive, requestsPerMinute: 1 });
  expect(await budgets.request('a')).toBeUndefined();
  expect(await budgets.request('b')).toBeUndefined();
  expect(await budgets.request('a')).toBeGreaterThan(0);
});
