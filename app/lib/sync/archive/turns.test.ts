/** One piece of work at a time, when it is due. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Turns } from './turns.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Turns whose work ends when the test says so; each asks for `waitMs`. */
function turns(waitMs: number) {
  const starts: number[] = [];
  let going = 0;
  let most = 0;
  let end: () => void = () => undefined;
  const one = new Turns(async () => {
    starts.push(performance.now());
    most = Math.max(most, ++going);
    await new Promise<void>((resolve) => (end = resolve));
    going--;
    return waitMs;
  });
  return { one, starts, end: () => end(), atOnce: () => most, from: performance.now() };
}
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('turns', () => {
  test('the first at once, the next after what the last asked for', async () => {
    const { one, starts, end, from } = turns(1_000);
    one.start();
    one.start();
    await pass(300);
    expect(starts).toEqual([from]);
    end();
    await pass(999);
    expect(starts).toHaveLength(1);
    await pass(1);
    expect(starts).toEqual([from, from + 1_300]);
    end();
    await one.close();
  });

  test('never two at once, however often it is woken', async () => {
    const { one, starts, end, atOnce } = turns(50);
    one.start();
    for (let i = 0; i < 20; i++) {
      one.wakeIn(i % 3);
      await pass(5);
      if (i % 4 === 0) end();
    }
    expect(starts.length).toBeGreaterThan(3);
    expect(atOnce()).toBe(1);
    end();
    await one.close();
  });

  test('waking shortens a wait and never prolongs it', async () => {
    const { one, starts, end, from } = turns(1_000);
    one.start();
    await pass(0);
    end();
    await pass(100);
    one.wakeIn(200);
    one.wakeIn(5_000);
    await pass(200);
    expect(starts).toEqual([from, from + 300]);
    // Asked for while it works: the wait that the work asks for is longer.
    one.wakeIn(10);
    await pass(5);
    end();
    await pass(5);
    expect(starts).toHaveLength(3);
    end();
    await one.close();
  });

  test('a wait without end is none without pause', async () => {
    const { one, starts, end } = turns(Infinity);
    one.start();
    await pass(0);
    const sleep = vi.spyOn(globalThis, 'setTimeout');
    end();
    await pass(60_000);
    expect([starts.length, sleep.mock.calls.length]).toEqual([1, 1]);
    one.wakeIn(0);
    await pass(0);
    expect(starts).toHaveLength(2);
    end();
    await one.close();
  });

  test('what is done between waits for the turn, keeps the next one waiting, and may fail', async () => {
    const { one, starts, end } = turns(0);
    const said: string[] = [];
    one.start();
    await pass(0);
    const between = one.between(async () => {
      said.push('began');
      await new Promise((resolve) => setTimeout(resolve, 100));
      throw new Error('not possible');
    });
    between.catch(() => said.push('failed'));
    await pass(10);
    expect(said).toEqual([]);
    end();
    await pass(50);
    expect([said, starts.length]).toEqual([['began'], 1]);
    await pass(50);
    expect([said, starts.length]).toEqual([['began', 'failed'], 2]);
    end();
    await one.close();
  });

  test('closing waits for the turn that is under way, and there is no other', async () => {
    const { one, starts, end } = turns(0);
    one.start();
    await pass(0);
    let closed = false;
    const closing = one.close().then(() => (closed = true));
    await pass(1_000);
    expect(closed).toBe(false);
    end();
    await closing;
    one.wakeIn(0);
    await pass(1_000);
    expect(starts).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('closing ends a wait, and what never began', async () => {
    const { one, starts, end } = turns(1e9);
    one.start();
    await pass(0);
    end();
    await pass(1);
    await one.close();
    expect([starts.length, vi.getTimerCount()]).toEqual([1, 0]);
    await turns(0).one.close();
  });
});
