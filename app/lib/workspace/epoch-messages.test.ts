import { expect, it, vi } from 'vitest';
import { TooManyAdmissions } from './admit.ts';
import { EpochTaken } from './change-epoch.ts';
import { changeAlert, keptBehindAlert, movedAlert, removedAlert } from './epoch-messages.ts';

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
  expect(movedAlert(true, { from: 'editor', by: 'new-keys' }, 'editor').title).toBe(
    'You changed who can be here',
  );
  expect(movedAlert(false, { from: 'editor', by: 'new-keys' }, 'editor').title).toBe(
    'The owner changed who can be here',
  );
  expect(movedAlert(false, { from: 'editor', by: 'new-keys' }, 'viewer').title).toContain(
    'you can read, not write',
  );
  expect(changeAlert(new DOMException('', 'QuotaExceededError')).detail).toContain('no space');
  expect(changeAlert(new Error()).detail).toContain('Try again');
});

it('tells a raise and a return from new keys for all', () => {
  expect(movedAlert(false, { from: 'viewer', by: 'admission' }, 'editor')).toMatchObject({
    title: 'The owner changed your role: you can edit',
    detail: expect.stringContaining('its links') as string,
  });
  for (const to of ['viewer', 'editor'] as const)
    expect(movedAlert(false, { from: 'editor', by: 'return' }, to).title).toBe(
      'You are let into this room again',
    );
});

it('tells the owner what stood against the change, where that is known', () => {
  expect(changeAlert(new TooManyAdmissions()).detail).toContain('Replace all links');
  expect(changeAlert(new EpochTaken()).title).toContain('Another of the owner’s browsers');
});
