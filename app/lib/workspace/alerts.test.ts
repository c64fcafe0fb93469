import { expect, it } from 'vitest';
import { staysForMs, withAlert } from './alerts.ts';
import type { AlertView } from './room-model.ts';

const after = (...said: string[]): string[] => {
  let shown: readonly AlertView[] = [];
  for (const one of said) {
    const [tone = 'info', id = ''] = one.split(' ') as [AlertView['tone'], string];
    shown = withAlert(shown, id, { tone, title: id, detail: '' });
  }
  return shown.map(({ tone, id }) => `${tone} ${id}`);
};

it('shows one alert of an id, as the newest', () => {
  expect(after('bad store', 'info a', 'warn store')).toEqual(['info a', 'warn store']);
});

it('lets news go by itself, and nothing that failed or asks for something', () => {
  const alert = { title: '', detail: '' };
  const actions = [{ label: 'Undo', act: () => undefined }];
  expect(staysForMs({ ...alert, tone: 'info' })).toBeGreaterThan(10_000);
  expect(staysForMs({ ...alert, tone: 'info', actions })).toBeUndefined();
  expect(staysForMs({ ...alert, tone: 'warn' })).toBeUndefined();
});

it('drops the oldest news first, whatever came before it', () => {
  const four = ['bad store', 'info a', 'info b', 'info c'];
  expect(after(...four, 'info d', 'info e')).toEqual(['bad store', 'info c', 'info d', 'info e']);
  expect(after('warn w', ...four)).toEqual(['warn w', 'bad store', 'info b', 'info c']);
});

it('drops warnings where there is no news, and news that no longer fits', () => {
  expect(after('warn a', 'bad b', 'warn c', 'bad d', 'bad e')).toEqual(['bad b', 'warn c', 'bad d', 'bad e']);
  expect(after('bad a', 'bad b', 'bad c', 'warn d', 'info e')).toEqual(['bad a', 'bad b', 'bad c', 'warn d']);
});

it('never drops what is bad', () => {
  const bad = ['bad a', 'bad b', 'bad c', 'bad d', 'bad e'];
  expect(after(...bad)).toEqual(bad);
});
