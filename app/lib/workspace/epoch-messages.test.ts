import { expect, it, vi } from 'vitest';
import { changeFailedAlert, keptBehindAlert, movedAlert, removedAlert } from './epoch-messages.ts';

it('offers the download where words would stay behind, and goes on only when asked', () => {
  const [download, goOn] = [vi.fn(), vi.fn()];
  const alert = keptBehindAlert(3, download, goOn);
  expect(alert.title).toBe('3 changes written here did not reach the room');
  expect(keptBehindAlert(1, download, goOn).title).toBe('1 change written here did not reach the room');
  for (const { act } of [...(alert.actions ?? []), ...(removedAlert(download).actions ?? [])]) act();
  expect(download).toHaveBeenCalledTimes(2);
  expect(goOn).toHaveBeenCalledOnce();
});

it('says what I may do now where that changed, and a full disk by its name', () => {
  expect(movedAlert(true, 'editor', 'editor').title).toBe('You changed who can be here');
  expect(movedAlert(false, 'editor', 'editor').title).toBe('The owner changed who can be here');
  expect(movedAlert(false, 'editor', 'viewer').title).toContain('you can read, not write');
  expect(changeFailedAlert(new DOMException('', 'QuotaExceededError')).detail).toContain('no space');
  expect(changeFailedAlert(new Error()).detail).toContain('Try again');
});
