import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { fastTime, seconds, untilLater } from '../../testing/fast-time.ts';
import { Leadership } from './leadership.ts';

let count = 0;
let name = '';
beforeEach(() => {
  name = `leadership test ${count++}`;
  fastTime();
});
afterEach(() => void vi.useRealTimers());

/** A tab, and whether it was told to lead, in order. */
function tab({ visible = true, locks = navigator.locks }: { visible?: boolean; locks?: LockManager } = {}) {
  const told: boolean[] = [];
  const events = new EventTarget();
  let status = 'up';
  const leadership = new Leadership(
    name,
    { locks, visible: () => visible, events },
    {
      onLead: (leads) => void told.push(leads),
      statuses: () => ({ relay: status === 'up' ? { kind: 'up' } : { kind: 'down', why: status } }),
      onStatuses: () => undefined,
    },
  );
  onTestFinished(() => leadership.close());
  return {
    told,
    leadership,
    /** The browser keeps the page for going back, or shows it again. */
    turn: (type: 'pagehide' | 'pageshow', persisted = true) =>
      events.dispatchEvent(Object.assign(new Event(type), { persisted })),
    lose: (why: string) => {
      status = why;
      leadership.tell();
    },
  };
}
/** Takes the lock as a tab does that then sleeps: it answers nothing. */
async function sleeper(options: LockOptions = {}): Promise<{ robbed: boolean; wake: () => void }> {
  const asleep = { robbed: false, wake: (): void => undefined };
  await new Promise<void>((granted) => {
    navigator.locks
      .request(name, options, () => {
        granted();
        return new Promise<void>((resolve) => (asleep.wake = resolve));
      })
      .catch(() => (asleep.robbed = true));
  });
  onTestFinished(() => asleep.wake());
  return asleep;
}

test('SYNC-19 one tab leads, and the next one when it closes', async () => {
  const first = tab();
  await untilLater('the first to lead', () => first.told.at(-1) === true);
  const second = tab();
  await seconds(10);
  expect([first.told, second.told]).toEqual([[true], []]);
  await first.leadership.close();
  await untilLater('the second to lead', () => second.told.at(-1) === true);
});

test('SYNC-19 a leader that answers nothing is robbed after about a second by a tab that is looked at', async () => {
  const asleep = await sleeper();
  const hidden = tab({ visible: false });
  await seconds(10);
  expect([hidden.told, asleep.robbed], 'who is not looked at sees no pause').toEqual([[], false]);
  const begun = Date.now();
  const looked = tab();
  await untilLater('the visible one to lead', () => looked.told.at(-1) === true);
  expect(Date.now() - begun).toBeGreaterThanOrEqual(1000);
  expect(Date.now() - begun).toBeLessThan(5000);
  expect([hidden.told, asleep.robbed]).toEqual([[], true]);
});

test('SYNC-19 who was robbed and lives carries for 3 s more, and waits for its turn', async () => {
  const first = tab({ visible: false });
  await untilLater('the first to lead', () => first.told.at(-1) === true);
  const thief = await sleeper({ steal: true });
  await seconds(2.5);
  expect(first.told).toEqual([true]);
  await seconds(1);
  expect(first.told).toEqual([true, false]);
  thief.wake();
  await untilLater('its turn', () => first.told.at(-1) === true);
});

test('SYNC-19 a tab that was itself asleep asks again before it takes the lock', async () => {
  const first = tab();
  await untilLater('the first to lead', () => first.told.at(-1) === true);
  const second = tab();
  await seconds(2);
  // It asks, and sleeps before the answer is handled.
  vi.advanceTimersByTime(500);
  vi.setSystemTime(Date.now() + 5000);
  vi.advanceTimersByTime(500);
  await seconds(2);
  expect([first.told, second.told]).toEqual([[true], []]);
});

test('SYNC-19 a lock that is taken away again and again is left to others for longer each time', async () => {
  await sleeper();
  const one = tab();
  await untilLater('to lead', () => one.told.at(-1) === true);
  const robbedAt: number[] = [];
  for (let i = 0; i < 3; i++) {
    await sleeper({ steal: true });
    const begun = Date.now();
    const before = one.told.length;
    // It was not told to stop: it is robbed for less than three seconds at first.
    await untilLater('to lead again', () => one.told.length > before && one.told.at(-1) === true);
    robbedAt.push(Date.now() - begun);
  }
  expect(robbedAt[1]).toBeGreaterThanOrEqual((robbedAt[0] ?? 0) + 1000);
  expect(robbedAt[2]).toBeGreaterThanOrEqual((robbedAt[1] ?? 0) + 2000);
});

test('SYNC-19 followers know how the leader’s transports stand', async () => {
  const first = tab();
  await untilLater('the first to lead', () => first.told.at(-1) === true);
  const second = tab({ visible: false });
  await untilLater('the first word', () => second.leadership.heard.relay?.kind === 'up');
  first.lose('no network');
  await untilLater('the news', () => second.leadership.heard.relay?.kind === 'down');
  expect(second.leadership.heard).toEqual({ relay: { kind: 'down', why: 'no network' } });
});

test('SYNC-19 where the browser refuses locks each tab leads', async () => {
  const locks = { request: () => Promise.reject(new DOMException('no', 'SecurityError')) };
  const tabs = [1, 2].map(() => tab({ locks: locks as unknown as LockManager }));
  await untilLater('both to lead', () => tabs.every(({ told }) => told.at(-1) === true));
});

test('SYNC-19 a page that is kept for going back gives everything to the next tab, and waits for its turn when it is shown', async () => {
  const first = tab();
  await untilLater('the first to lead', () => first.told.at(-1) === true);
  const second = tab();
  await seconds(1);
  first.turn('pagehide', false);
  await seconds(1);
  expect([first.told, second.told], 'it ends: the browser frees the lock itself').toEqual([[true], []]);
  first.turn('pagehide');
  expect(first.told).toEqual([true, false]);
  await untilLater('the second to lead', () => second.told.at(-1) === true);
  first.turn('pageshow');
  await seconds(5);
  expect([first.told, second.told]).toEqual([[true, false], [true]]);
  await second.leadership.close();
  await untilLater('the first to lead again', () => first.told.at(-1) === true);
});

test('SYNC-19 a page that waits and is kept for going back is no longer in the queue', async () => {
  const first = tab();
  await untilLater('the first to lead', () => first.told.at(-1) === true);
  const second = tab();
  await seconds(1);
  second.turn('pagehide');
  const third = tab();
  await seconds(1);
  await first.leadership.close();
  await untilLater('the third to lead', () => third.told.at(-1) === true);
  expect(second.told).not.toContain(true);
});

test('SYNC-19 of two tabs that lose patience at once one takes the lock, and the other is content with it', async () => {
  await sleeper();
  const tabs = [tab(), tab()];
  await untilLater('one to lead', () => tabs.some(({ told }) => told.at(-1) === true));
  await seconds(10);
  expect(tabs.map(({ told }) => told).toSorted((a, b) => a.length - b.length)).toEqual([[], [true]]);
});
