/** What the status "Saved" says while words wait for a room's history. */
import { afterEach, expect, it, vi } from 'vitest';
import { savedWhenHere } from './messages.ts';
import { SavedState } from './saved-state.svelte.ts';

afterEach(() => void vi.useRealTimers());

it('CHECK-5: goes on saying what words wait for, also where a message was on its way when they were typed', () => {
  vi.useFakeTimers();
  const saved = new SavedState({
    storeKind: 'device',
    archive: () => undefined,
    askToKeep: () => Promise.resolve('unknown'),
    storageRoom: () => Promise.resolve(undefined),
  });
  saved.update({ kind: 'unsaved' });
  saved.update({ kind: 'unsaved', waits: true });
  vi.advanceTimersByTime(1000);
  expect(saved.view).toEqual(savedWhenHere);
  saved.dispose();
});
