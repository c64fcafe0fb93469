import { afterEach, expect, it, vi } from 'vitest';
import { onConnectionChange, savesData } from './saves-data.ts';

afterEach(() => vi.unstubAllGlobals());

it('is so where the browser says it, and not where it says nothing', () => {
  vi.stubGlobal('navigator', {});
  expect(savesData()).toBe(false);
  vi.stubGlobal('navigator', { connection: { saveData: false } });
  expect(savesData()).toBe(false);
  vi.stubGlobal('navigator', { connection: { saveData: true } });
  expect(savesData()).toBe(true);
});

it('tells of changes until it is called off', () => {
  const connection = new EventTarget();
  vi.stubGlobal('navigator', { connection });
  const over = new AbortController();
  const changed = vi.fn();
  onConnectionChange(changed, over.signal);
  connection.dispatchEvent(new Event('change'));
  over.abort();
  connection.dispatchEvent(new Event('change'));
  expect(changed).toHaveBeenCalledTimes(1);
});
