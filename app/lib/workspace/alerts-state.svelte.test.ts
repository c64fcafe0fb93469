/** Alerts as time passes: news goes by itself, what failed stays. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { AlertsState } from './alerts-state.svelte.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const shown = (alerts: AlertsState): string[] => alerts.all.map(({ id }) => id);

it('lets news go after 20 seconds, and nothing that failed or asks for something', () => {
  const alerts = new AlertsState();
  alerts.show('news', { tone: 'info', title: 'They changed something', detail: '' });
  alerts.show('asks', {
    tone: 'info',
    title: 'Removed',
    detail: '',
    actions: [{ label: 'Undo', act: () => undefined }],
  });
  alerts.show('failed', { tone: 'bad', title: 'Not saved', detail: '' });
  vi.advanceTimersByTime(19_999);
  expect(shown(alerts)).toEqual(['news', 'asks', 'failed']);
  vi.advanceTimersByTime(1);
  expect(shown(alerts)).toEqual(['asks', 'failed']);
  vi.advanceTimersByTime(3_600_000);
  expect(shown(alerts)).toEqual(['asks', 'failed']);
});

it('gives what is told again its own 20 seconds, and a failure in its place no end', () => {
  const alerts = new AlertsState();
  const news = { tone: 'info', title: 'They changed something', detail: '' } as const;
  alerts.show('again', news);
  alerts.show('failed', news);
  vi.advanceTimersByTime(15_000);
  alerts.show('again', news);
  alerts.show('failed', { ...news, tone: 'bad' });
  vi.advanceTimersByTime(5_000);
  expect(shown(alerts)).toEqual(['again', 'failed']);
  vi.advanceTimersByTime(15_000);
  expect(shown(alerts)).toEqual(['failed']);
});
