import { expect, it } from 'vitest';
import { ARCHIVE_REFUSALS, type ArchiveRefusalReason } from '../core/archive-wire.ts';
import type { ArchiveSpace } from '../sync/archive/room-at-rest.ts';
import { keepQuestion, madeWords, mayWantRoom, problemWords, spaceWords } from './server-space-words.ts';

const NOW = new Date(2026, 10, 23, 12).getTime();
const DAY_MS = 86_400_000;
const nothing = { segments: 0, bytes: 0, goesAt: 0, reverted: false };
const space = (changed: Partial<ArchiveSpace> = {}): ArchiveSpace => ({
  bytes: 1_200_000,
  quota: 268_000_000,
  waiting: nothing,
  ...changed,
});
const going = (segments: number, goesAt: number): ArchiveSpace =>
  space({ waiting: { segments, bytes: 620_000, goesAt, reverted: false } });

it('ARCH-26 says how full it is, how much goes and on which day', () => {
  expect(spaceWords(space(), NOW)).toBe('It takes up 1.2 MB of the 268 MB that this room has there.');
  expect(spaceWords(going(12, NOW + 30 * DAY_MS), NOW)).toMatch(
    / 12 pieces \(620 kB\), contained in others, go from 23 December on\.$/,
  );
  expect(spaceWords(going(1, NOW + 60 * DAY_MS), NOW)).toMatch(
    / 1 piece \(620 kB\), contained in others, goes from 22 January 2027 on\.$/,
  );
  // What is due is removed within a day (ARCH-28): no day in the past is named.
  expect(spaceWords(going(2, NOW - DAY_MS), NOW)).toMatch(/ go within a day\.$/);
  expect(spaceWords(space({ waiting: { ...nothing, reverted: true } }), NOW)).toMatch(
    /Nothing goes from it, as an owner wanted\.$/,
  );
});

it('ARCH-27 asks with what keeping does, also where that is more than the room has', () => {
  expect(keepQuestion(going(12, NOW))).toBe(
    'Keep 12 pieces (620 kB)? They count again: 1.8 MB of 268 MB. After that nothing goes until an owner makes room.',
  );
  const full = { ...going(1, NOW), quota: 1_500_000 };
  expect(keepQuestion(full)).toContain(
    'It counts again: 1.8 MB, more than the 1.5 MB that this room has there, so nothing new is kept.',
  );
  expect(spaceWords(space({ bytes: 1_800_000, quota: 1_500_000 }), NOW)).toBe(
    'It takes up 1.8 MB, more than the 1.5 MB that this room has there, so nothing new is kept.',
  );
});

it('offers room where it may be wanted: half full, or nothing goes any more; and never while something does', () => {
  const half = { bytes: 50, quota: 100 };
  expect(mayWantRoom(space())).toBe(false);
  expect(mayWantRoom(space(half))).toBe(true);
  expect(mayWantRoom(space({ waiting: { ...nothing, reverted: true } }))).toBe(true);
  expect(mayWantRoom({ ...going(1, NOW), ...half })).toBe(false);
});

it('says what making room came to where the line does not', () => {
  expect(madeWords('done', going(3, NOW))).toBe('');
  expect(madeWords('done', space())).toMatch(/^There is no room to be made/);
  expect(madeWords('left', going(3, NOW))).toMatch(/try again\.$/);
});

it('says of each refusal what happened, what still works, and what to do', () => {
  for (const reason of Object.keys(ARCHIVE_REFUSALS) as ArchiveRefusalReason[])
    for (const task of ['look', 'keep', 'make'] as const)
      expect(problemWords(task, { reason }), reason).toMatch(/^[A-Z].*(room|devices).*\.$/);
  const silent = (['look', 'keep', 'make'] as const).map((task) => problemWords(task, { reason: 'later' }));
  expect(new Set(silent).size).toBe(3);
  expect(problemWords('keep', { reason: 'bad-proof' })).toContain('another owner’s browser');
});
