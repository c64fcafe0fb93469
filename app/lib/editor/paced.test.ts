import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { paced } from './paced.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it('acts after the task, at most once in its time, and last with the newest', () => {
  const seen: number[] = [];
  const say = paced<number>(50, (n) => seen.push(n));
  say(1);
  expect(seen).toEqual([]);
  vi.advanceTimersByTime(0);
  expect(seen).toEqual([1]);
  say(2);
  say(3);
  vi.advanceTimersByTime(49);
  expect(seen).toEqual([1]);
  vi.advanceTimersByTime(1);
  expect(seen).toEqual([1, 3]);
  vi.advanceTimersByTime(500);
  say(4);
  vi.advanceTimersByTime(0);
  expect(seen).toEqual([1, 3, 4]);
});
