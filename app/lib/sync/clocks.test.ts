/**
 * Clocks that are wrong, and clocks that are set while a room is open: what anybody typed or said reaches everybody, in one
 * order, and nobody vanishes. Time is a claim (LOG-3): shown, never a reason to refuse.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fastTime, untilLater } from '../../testing/fast-time.ts';
import { MemoryNetwork } from '../../testing/memory-network.ts';
import { makeRoom, replicasOfATest, type TestReplica } from '../../testing/replicas.ts';
import { toHex, utf8 } from '../core/bytes.ts';
import { isPending } from '../log/test-room.ts';
import { memoryStore } from '../storage/stores/memory.ts';

const DAY_MS = 24 * 3600 * 1000;
const YEARS_MS = 365.25 * DAY_MS;

const { join, leave } = replicasOfATest();
beforeEach(fastTime);
afterEach(async () => {
  await leave();
  vi.useRealTimers();
});

const realTimeout = globalThis.setTimeout;
/** Lets so many seconds pass, and what they begin be done. */
async function pass(seconds: number): Promise<void> {
  for (let left = seconds; left > 0; left -= 1) {
    vi.advanceTimersByTime(Math.min(left, 1) * 1000);
    for (let i = 0; i < 4; i++) await new Promise((resolve) => realTimeout(resolve, 1));
  }
}

/** The clock of one device, which is so far from the right time. */
class WrongClock {
  offMs: number;
  constructor(offMs: number) {
    this.offMs = offMs;
  }
  now(): number {
    return Date.now() + this.offMs;
  }
}

const same = (...replicas: TestReplica[]): boolean =>
  new Set(replicas.map((each) => toHex(each.hash()))).size === 1;
/** What was said, by author and seq, each with the time told of it. */
const said = ({ messages }: TestReplica): string[] =>
  messages
    .flatMap(({ session, entries }) =>
      entries.map(
        ({ seq, time, payload }) => `${time} ${session.id} ${seq} ${new TextDecoder().decode(payload)}`,
      ),
    )
    .sort();
const refusals = ({ notices }: TestReplica): unknown[] =>
  notices.filter(({ kind }) => kind === 'refused' || kind === 'internal');

describe.each([
  ['24 hours ahead', DAY_MS],
  ['24 hours behind', -DAY_MS],
  ['50 years ahead', 50 * YEARS_MS],
  ['50 years behind', -50 * YEARS_MS],
  ['before 1970', -70 * YEARS_MS],
])('LOG.md 11: a device whose clock is %s', (_, offMs) => {
  it('LOG-3, LOG-11: types and talks like any other, and what it wrote rests and is read again', async () => {
    const room = await makeRoom();
    const network = new MemoryNetwork(() => 0.99);
    const ann = await join(room, { makesFile: true, transports: [network.transport()] });
    const disk = memoryStore();
    const clock = new WrongClock(offMs);
    const ben = await join(room, {
      transports: [network.transport()],
      store: disk,
      clock,
      knowsGenesis: false,
    });
    await untilLater('Ben has the file', () => ben.project.list().length === 1);
    for (const [i, one] of [ann, ben, ann, ben].entries()) {
      one.text.insert(one.text.length, `${i}`);
      one.replica.post('talk', utf8(`said ${i}`));
      await untilLater('both have it', () =>
        [ann, ben].every((each) => each.read().length === i + 1 && said(each).length === i + 1),
      );
    }
    await untilLater('it is saved', () => ben.savedText() === '0123');
    const cid = await join(room, { transports: [network.transport()], knowsGenesis: false });
    await untilLater('who joins has it', () => same(ann, ben, cid) && said(cid).length === 4);
    expect(ann.read()).toBe('0123');
    // Each answer stands after what it answers, on every screen.
    const order = said(ann).sort((a, b) => Number.parseFloat(a) - Number.parseFloat(b));
    expect(order.map((one) => one.slice(-1)).join('')).toBe('0123');
    for (const each of [ben, cid]) expect(said(each)).toEqual(said(ann));
    expect([ann, ben, cid].map(refusals)).toEqual([[], [], []]);
    expect([ann, ben, cid].map(({ replica }) => isPending(replica.doc))).toEqual([false, false, false]);
    const again = await join(room, { transports: [], store: disk });
    expect(again.read()).toBe('0123');
  });

  it('SYNC-4, SYNC-6, SYNC-8: set while the room is open, it hides nobody for long and loses nothing', async () => {
    const room = await makeRoom();
    const network = new MemoryNetwork(() => 0.99);
    const ann = await join(room, { makesFile: true, transports: [network.transport()] });
    const clock = new WrongClock(0);
    const ben = await join(room, { transports: [network.transport()], clock, knowsGenesis: false });
    await untilLater('Ben has the file', () => ben.project.list().length === 1);
    for (const each of [ann, ben]) each.replica.setPresence(utf8('here'));
    const shown = (): string[] =>
      [ann, ben].map(({ replica }) => new TextDecoder().decode(replica.others[0]?.payload));
    await untilLater('they see each other', () => shown().join() === 'here,here');
    await pass(15);

    clock.offMs = offMs;
    // Set ahead, it is no other than after a sleep: who is there is seen by their next presence (SYNC-6).
    if (offMs > 0) await pass(12);
    for (let i = 0; i < 20; i++) {
      await pass(3);
      expect(shown()).toEqual(['here', 'here']);
    }
    // More than may be read in one second (SYNC-6).
    for (let i = 0; i < 60; i++) {
      ann.replica.setPresence(utf8(`at line ${i}`));
      await pass(0.1);
    }
    await untilLater('where Ann is', () => shown().join() === 'here,at line 59');
    // What was lost on the way, both ways, is asked for and comes.
    for (const [from, to] of [
      [ann, ben],
      [ben, ann],
    ] as const) {
      network.faults = { loss: 1, repeat: 0, reorder: 0 };
      for (let i = 0; i < 5; i++) {
        from.text.insert(from.text.length, '.');
        await pass(1);
      }
      expect(to.read().length).toBe(from.read().length - 5);
      network.faults = { loss: 0, repeat: 0, reorder: 0 };
      await untilLater('it came all the same', () => to.read() === from.read());
    }
    expect(same(ann, ben)).toBe(true);
    await untilLater('all is saved', () => ben.saves.at(-1)?.kind === 'saved');
    expect([ann, ben].map(refusals)).toEqual([[], []]);
  });
});
