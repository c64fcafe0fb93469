import { expect, it } from 'vitest';
import type { ClosedBy } from '../storage/open-database.ts';
import type { StorageProblem } from '../storage/storage-problem.ts';
import {
  memoryOnlyAlert,
  notSavedReason,
  offlineWords,
  readOnlyReason,
  restDamageAlert,
  stoppedAlert,
  storageWords,
  storeAlert,
  storeClosedAlert,
  unknownRoomWords,
} from './messages.ts';

const quota = new DOMException('', 'QuotaExceededError');
const labels = ({ actions = [] }: { actions?: readonly { label: string }[] }) =>
  actions.map(({ label }) => label);

const problems: StorageProblem[] = [
  { kind: 'refused' },
  { kind: 'quota' },
  { kind: 'blocked' },
  { kind: 'newer-version' },
  { kind: 'no-answer' },
  { kind: 'failed', name: 'UnknownError' },
];

it('says why nothing is kept, each problem with its own way on', () => {
  const details = problems.map((problem) => memoryOnlyAlert(problem).detail);
  expect(new Set(details).size).toBe(problems.length);
  // Only a private window is told that it is one.
  expect(details.filter((detail) => detail.includes('private'))).toHaveLength(1);
  for (const detail of details) expect(detail).toContain('download the project');
  expect(memoryOnlyAlert({ kind: 'blocked' }).detail).toContain('Close the other CodeFace tabs');
});

it('promises to try again only where that can help', () => {
  expect(storeAlert(new Error(), () => undefined).detail).toContain('tried again');
  for (const why of ['newer-version', 'deleted', 'terminated'] satisfies ClosedBy[])
    expect(storeClosedAlert(why, () => undefined).detail).not.toContain('tried again');
});

it('tells a full disk from a refusal', () => {
  expect(notSavedReason({ kind: 'store-failed', error: quota })).toContain('full');
  expect(notSavedReason({ kind: 'store-failed', error: new Error() })).toContain('refuses');
  expect(storeAlert({ kind: 'quota' }, () => undefined).title).toContain('no space');
});

it('offers the download and the reload where saving stopped for good', () => {
  const download = (): void => undefined;
  for (const state of [
    { kind: 'refused', refusal: { code: 'wrong-clock', detail: '' } },
    { kind: 'broken', error: new Error() },
  ] as const) {
    const alert = stoppedAlert(state, download);
    expect(alert.tone).toBe('bad');
    expect(labels(alert)).toEqual(['Download project', 'Reload']);
    expect(alert.actions?.[0]?.act).toBe(download);
  }
});

it('reloading a forgotten room is not offered: what this tab has would be gone', () => {
  expect(labels(storeClosedAlert('deleted', () => undefined))).toEqual(['Download project']);
});

it('offers the download where the disk is full or what is stored is damaged, and says what is lost', () => {
  const download = (): void => undefined;
  for (const alert of [
    storeAlert({ kind: 'quota' }, download),
    storeAlert(new Error(), download),
    restDamageAlert({ shown: 3, hidden: 0, own: false }, download),
    restDamageAlert({ shown: 0, hidden: 1, own: true }, download),
  ])
    expect(alert.actions?.[0]).toEqual({ label: 'Download project', act: download });
  expect(restDamageAlert({ shown: 3, hidden: 0, own: false }, download)).toMatchObject({ tone: 'warn' });
  const lost = restDamageAlert({ shown: 0, hidden: 1, own: true }, download);
  expect(lost.tone).toBe('bad');
  expect(lost.detail).toMatch(/1 edit can’t be read, so they are missing here.*written on this device/);
});

it('says how much is stored, and how much may be', () => {
  expect(storageWords({ usedBytes: 12_300_000, quotaBytes: 2_000_000_000 })).toBe(
    'CodeFace takes 12 MB of the 2.0 GB that this browser lets it have.',
  );
});

it('says why one can only read', () => {
  expect(readOnlyReason('editor', true, 'in')).toBeUndefined();
  expect(readOnlyReason('viewer', false, 'in')).toContain('this link');
  expect(readOnlyReason('commenter', false, 'in')).toMatch(/write in Chat.*edit link/);
  expect(readOnlyReason('editor', false, 'in')).toContain('someone here uses a newer CodeFace');
  expect(readOnlyReason('editor', false, 'out')).toContain('no longer let into');
  expect(readOnlyReason('editor', false, 'held')).toContain('reload the page to go on');
});

it('says what works where the room is not ready for offline', () => {
  for (const problem of ['no-service-worker', 'saves-data', 'not-kept', 'not-fetched'] as const)
    expect(offlineWords(problem)).toContain('While this tab is open, editing works');
});

it('says what a room that has not come yet waits for', () => {
  expect(unknownRoomWords(1, false)).toContain('Looking for');
  expect(unknownRoomWords(1, true)).toContain('Nobody who has this room is here');
  expect(unknownRoomWords(1, true)).toContain('a character of this link is missing or wrong');
  expect(unknownRoomWords(3, true)).toContain('Getting the room');
});
