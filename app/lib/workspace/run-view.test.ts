import { describe, expect, it } from 'vitest';
import type { DeviceId, RunId, SessionId } from '../core/ids.ts';
import type { ChannelRun } from '../document/runs-view.ts';
import { LocalOutput } from './local-output.ts';
import { endUnknown, isAfter, ownRunView, toldRunView, waitsElsewhere, type OwnRun } from './run-view.ts';

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

it('ends a run whose runner has left, until they are back', () => {
  const run = toldRunView(told, byAnn);
  expect(endUnknown(run, [], true)).toBe('Ann left before it ended');
  expect(endUnknown(run, [{ device: ann }], true)).toBeUndefined();
  expect(endUnknown({ ...run, by: { ...byAnn, me: true } }, [], true)).toBeUndefined();
  const over = toldRunView({ ...told, ended: { end: { kind: 'stopped' }, durationMs: 1 } }, byAnn);
  expect(endUnknown(over, [], true)).toBeUndefined();
  expect(endUnknown(undefined, [], true)).toBeUndefined();
});

it('does not say that somebody left where it is me who is cut off', () => {
  expect(endUnknown(toldRunView(told, byAnn), [], false)).toBe(
    'its end is not known here: Ann is out of reach',
  );
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

describe('whose run is shown', () => {
  const theirs = (startedAt: number, id = 'theirs') => ({
    id: id as RunId,
    session: 'ann' as SessionId,
    startedAt,
  });
  const mine = { id: 'mine' as RunId, startedAt: 1000, ended: undefined, besides: undefined };
  const over = { ...mine, ended: { end: { kind: 'exit', code: 0 }, durationMs: 5 } as const };

  it('is mine while it goes on, and after its end what others run then', () => {
    expect(isAfter(theirs(2000), mine)).toBe(false);
    expect(isAfter(theirs(2000), over)).toBe(true);
    expect(isAfter(theirs(500), over)).toBe(false);
  });

  it('is still mine where others ran something meanwhile: its end is what I waited for', () => {
    const meanwhile = theirs(2000);
    expect(isAfter(meanwhile, { ...over, besides: meanwhile })).toBe(false);
    expect(isAfter(theirs(3000, 'next'), { ...over, besides: meanwhile })).toBe(true);
  });
});
