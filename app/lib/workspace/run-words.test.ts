import { expect, it } from 'vitest';
import { endWords, missingWords, ranBy } from './run-words.ts';

it('says how a run ended', () => {
  expect(endWords({ kind: 'exit', code: 0 }, 130)).toEqual({ tone: 'good', words: 'exit 0 · 0.13 s' });
  expect(endWords({ kind: 'exit', code: 1 }, 200)).toEqual({ tone: 'bad', words: 'exit 1 · 0.20 s' });
  expect(endWords({ kind: 'stopped' }, 3100).words).toBe('stopped · 3.10 s');
  expect(endWords({ kind: 'time-limit', limitMs: 10_000 }, 10_020)).toMatchObject({ tone: 'warn' });
  expect(endWords({ kind: 'out-of-memory' }, 900)).toEqual({ tone: 'bad', words: 'out of memory · 0.90 s' });
});

it('says who ran it and when, with the day if it was another', () => {
  const noon = new Date(2026, 1, 7, 14, 32).getTime();
  expect(ranBy({ name: 'Amber Fox', me: false }, noon, noon + 60_000)).toBe('Amber Fox ran this at 14:32');
  expect(ranBy({ name: 'Amber Fox', me: true }, noon, noon + 86_400_000)).toMatch(
    /^You ran this at .*7.*, 14:32$/,
  );
});

it('says what is missing, to whom', () => {
  const by = { name: 'Ann', me: true, device: undefined };
  expect(missingWords({ notShared: 0, notKept: 0, by })).toEqual([]);
  expect(missingWords({ notShared: 70_000, notKept: 2_000_000, by })).toEqual([
    '2.0 MB from the middle are not kept in this tab any more',
    '70 kB were not shared with the room',
  ]);
  expect(missingWords({ notShared: 70_000, notKept: 0, by: { ...by, me: false } })).toEqual([
    '70 kB more stayed with Ann',
  ]);
});
