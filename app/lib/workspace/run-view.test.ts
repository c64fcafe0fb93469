import { expect, it } from 'vitest';
import type { DeviceId, RunId, SessionId } from '../core/ids.ts';
import type { ChannelRun } from '../document/runs-view.ts';
import { LocalOutput } from './local-output.ts';
import { ownRunView, toldRunView, waitsElsewhere, type OwnRun } from './run-view.ts';

const ann = 'ann' as DeviceId;
const told: ChannelRun = {
  id: 'r' as RunId,
  session: 's' as SessionId,
  runtime: 'python',
  file: 'main.py',
  label: 'Python',
  startedAt: 1,
  output: [{ stream: 'stdout', text: 'name? ' }],
  leftOut: 70_000,
  leftOutAt: 1,
  waitingForInput: true,
  ended: undefined,
};
const byAnn = { name: 'Ann', me: false, device: ann };

const own = (output: LocalOutput): OwnRun => ({
  id: told.id,
  runtime: { id: 'python', label: 'Python' },
  file: 'main.py',
  startedAt: 1,
  output,
  budget: {},
  waitingForInput: false,
  ended: { end: { kind: 'exit', code: 0 }, durationMs: 10 },
});

it('shows that somebody’s program waits, while they are here and it runs', () => {
  const run = toldRunView(told, byAnn);
  expect(waitsElsewhere(run, [{ device: ann }])).toBe('Ann');
  expect(waitsElsewhere(run, [])).toBeUndefined();
  expect(waitsElsewhere({ ...run, by: { ...byAnn, me: true } }, [{ device: ann }])).toBeUndefined();
  const over = toldRunView({ ...told, ended: { end: { kind: 'stopped' }, durationMs: 1 } }, byAnn);
  expect(waitsElsewhere(over, [{ device: ann }])).toBeUndefined();
});

it('tells apart what the others did not get and what this tab did not keep', () => {
  const me = { name: 'Me', me: true, device: ann };
  const short = new LocalOutput();
  short.add('stdout', 'x'.repeat(400_000));
  expect(ownRunView(own(short), me, told)).toMatchObject({ notShared: 70_000, notKept: 0 });

  const flood = new LocalOutput();
  for (let i = 0; i < 200; i++) flood.add('stdout', 'é'.repeat(16 * 1024));
  const view = ownRunView(own(flood), me, undefined);
  const kept = view.output.reduce((sum, { text }) => sum + 2 * text.length, 0);
  expect(view).toMatchObject({ notShared: 0, notKept: 200 * 32 * 1024 - kept });
  expect(view.notKept).toBeGreaterThan(0);
});
