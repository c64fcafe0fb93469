import { describe, expect, it, onTestFinished } from 'vitest';
import type { TransportFixture } from '../../../testing/transport-case.ts';
import { describeTransport } from '../../../testing/transport-contract.ts';
import { RecordedEnd, until } from '../../../testing/transport-end.ts';
import { makeTransportRoom } from '../../../testing/transport-room.ts';
import { toHex, utf8 } from '../../core/bytes.ts';
import type { TransportRoom } from '../transport.ts';
import {
  broadcastChannelTransport,
  tabChannelName,
  type BroadcastChannelOptions,
} from './broadcast-channel.ts';

describe('broadcast-channel with Web Locks, by the contract of transports', () => {
  describeTransport(it, () => tabsFixture({}));
});

describe('broadcast-channel without Web Locks, by the contract of transports', () => {
  describeTransport(it, () => tabsFixture({ locks: null }));
});

describe('broadcast-channel', () => {
  it('NET-10 meets on a name that does not tell the room', async () => {
    const { roomId, topic } = (await makeTransportRoom())();
    expect(tabChannelName(topic)).toMatch(/^codeface\/tabs\/[0-9a-f]{32}$/);
    expect(tabChannelName(topic)).not.toContain(toHex(topic).slice(0, 8));
    expect(tabChannelName(topic)).not.toContain(roomId);
  });

  it('NET-10 tabs of different rooms do not meet', async () => {
    const rooms = [(await makeTransportRoom())(), (await makeTransportRoom())()];
    const [a, b] = rooms.map((room) => tab(room));
    await until(() => a?.connection.status.kind === 'up' && b?.connection.status.kind === 'up', 'both up');
    const c = tab(rooms[0] as TransportRoom);
    await c.linked(1);
    expect(b?.opened).toEqual([]);
  });

  it('NET-11 notices a tab that vanished without a word, by the lock it held', async () => {
    const room = (await makeTransportRoom())();
    const end = tab(room);
    await until(() => end.connection.status.kind === 'up', 'up');
    const id = 'ab'.repeat(16);
    let vanish = (): void => undefined;
    const held = new Promise<void>((granted) => {
      const untilGone = new Promise<void>((resolve) => (vanish = resolve));
      void navigator.locks.request(`${tabChannelName(room.topic)}/${id}`, () => {
        granted();
        return untilGone;
      });
    });
    await held;
    (await rawTab(room, id)).greet();
    await end.linked(1);
    vanish();
    await end.linked(0);
    expect(end.closed).toEqual([{ link: id, why: 'the other tab is gone' }]);
  });

  it('NET-12 notices a tab that no longer answers, where there are no locks', async () => {
    const room = (await makeTransportRoom())();
    const end = tab(room, { locks: null, askEveryMs: 5 });
    await until(() => end.connection.status.kind === 'up', 'up');
    const id = 'cd'.repeat(16);
    (await rawTab(room, id)).greet();
    await end.linked(1);
    await end.linked(0);
    expect(end.closed).toEqual([{ link: id, why: 'the other tab does not answer' }]);
  });

  it('NET-12 tabs that answer stay linked, and one that was forgotten meets again', async () => {
    const makeRoom = await makeTransportRoom();
    const [a, b] = [makeRoom(), makeRoom()].map((room) => tab(room, { locks: null, askEveryMs: 5 }));
    if (!a || !b) throw new Error('two ends');
    await a.linked(1);
    await b.linked(1);
    const shared = new BroadcastChannel(tabChannelName(a.room.topic));
    onTestFinished(() => shared.close());
    // As if a had not heard from b for long: it forgets b, b does not know, and the next question brings them together.
    shared.postMessage({ kind: 'bye', from: a.link });
    await until(
      () => a.opened.length === 2 && b.opened.length === 2,
      'both to meet again',
      () => b.story(),
    );
    expect([a.connection.links().length, b.connection.links().length]).toEqual([1, 1]);
    a.connection.broadcast(utf8('hello'), 'live');
    await b.received(1);
  });

  it('NET-38 anything but a tab message on the shared channel is ignored', async () => {
    const room = (await makeTransportRoom())();
    const end = tab(room);
    await until(() => end.connection.status.kind === 'up', 'up');
    const shared = new BroadcastChannel(tabChannelName(room.topic));
    onTestFinished(() => shared.close());
    for (const junk of [
      null,
      7,
      'hello',
      {},
      { kind: 'hello' },
      { kind: 'hello', from: '../x' },
      { kind: 'x', from: 'ab'.repeat(16) },
    ])
      shared.postMessage(junk);
    const other = tab(room);
    await other.linked(1);
    await end.linked(1);
    expect(end.opened.length).toBe(1);
  });
});

function tab(room: TransportRoom, options: BroadcastChannelOptions = {}): RecordedEnd {
  const end = new RecordedEnd(broadcastChannelTransport(options), room);
  onTestFinished(() => end.connection.close());
  return end;
}

async function tabsFixture(options: BroadcastChannelOptions): Promise<TransportFixture> {
  const makeRoom = await makeTransportRoom();
  const ends: RecordedEnd[] = [];
  const cleanUps: (() => void)[] = [];
  let strangers = 0;
  return {
    join() {
      const end = new RecordedEnd(broadcastChannelTransport(options), makeRoom());
      ends.push(end);
      return end;
    },
    async hostile(victim) {
      const id = (++strangers).toString(16).padStart(32, '0');
      // It holds a lock as any tab does, else it would count as gone.
      const released = new Promise<void>((resolve) => cleanUps.push(resolve));
      await new Promise<void>((granted) => {
        void navigator.locks.request(`${tabChannelName(victim.room.topic)}/${id}`, () => {
          granted();
          return released;
        });
      });
      const stranger = await rawTab(victim.room, id, (close) => cleanUps.push(close));
      stranger.greet();
      await until(() => victim.connection.links().includes(id), 'a link to the stranger');
      return { send: (bytes) => stranger.post(bytes) };
    },
    async end() {
      for (const end of ends) await end.connection.close();
      for (const cleanUp of cleanUps) cleanUp();
    },
  };
}

/** A far tab without our client. It learns the ids of the others from their `here`, and greets each. */
async function rawTab(room: TransportRoom, id: string, onEnd: (close: () => void) => void = onTestFinished) {
  const name = tabChannelName(room.topic);
  const shared = new BroadcastChannel(name);
  const pairs: BroadcastChannel[] = [];
  shared.onmessage = (event: MessageEvent<{ kind: string; from: string; to?: string }>) => {
    const { kind, from, to } = event.data;
    if (kind !== 'here' || to !== id) return;
    const pair = new BroadcastChannel(`${name}/${[id, from].sort().join('/')}`);
    pairs.push(pair);
    pair.postMessage(Uint8Array.of(4, 0, 0, 0, 0));
  };
  onEnd(() => [shared, ...pairs].forEach((channel) => channel.close()));
  return {
    greet: () => shared.postMessage({ kind: 'hello', from: id }),
    post: (bytes: Uint8Array) => pairs.forEach((pair) => pair.postMessage(bytes)),
  };
}
