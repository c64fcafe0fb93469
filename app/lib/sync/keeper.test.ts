import * as Y from 'yjs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { testRoom, type TestRoom } from '../log/test-room.ts';
import { memoryStore } from '../storage/stores/memory.ts';
import { toStored } from './fold-session.ts';
import { Keeper } from './keeper.ts';

let room: TestRoom;
beforeEach(async () => {
  room = await testRoom();
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A keeper, and a doc that is typed in through a log into a store. */
async function keeping() {
  const log = room.newLog();
  const session = await room.newSession();
  const doc = new Y.Doc();
  doc.clientID = session.clientId;
  const store = memoryStore();
  const keeper = new Keeper({
    clock: { now: () => Date.now() },
    keys: room.keys,
    log,
    doc,
    store,
    atRest: () => true,
    onError: (what, error) => {
      throw new Error(what, { cause: error });
    },
  });
  const type = async (): Promise<void> => {
    const before = Y.encodeStateVector(doc);
    doc.getText('files').insert(0, 'x');
    const update = Y.encodeStateAsUpdate(doc, before) as Uint8Array<ArrayBuffer>;
    const appended = await log.append(session, 'project', update, Date.now());
    if (!appended.ok) throw new Error(appended.error.code);
    await store.append([toStored(appended.value)]);
    keeper.touch();
  };
  return { keeper, store, type };
}

test('SYNC-11: typing that never pauses does not put the snapshot and squashing off for ever', async () => {
  const { keeper, store, type } = await keeping();
  const typeFor = async (seconds: number): Promise<void> => {
    for (let i = 0; i < seconds * 4; i++) {
      await type();
      await vi.advanceTimersByTimeAsync(250);
    }
  };
  await typeFor(55);
  expect(await store.loadSnapshot()).toBeUndefined();
  await typeFor(6);
  await vi.waitFor(async () => expect(await store.loadSnapshot()).toBeDefined());
  const lengths = (await store.readChain((await store.chainEnds())[0]!.session, 'project', 1)).map(
    ({ first, last }) => last - first + 1,
  );
  expect(Math.max(...lengths), 'LOG-9').toBe(100);
  keeper.dispose();
});

test('SYNC-11: nothing is done while somebody types, until the wait is over', async () => {
  const { keeper, store, type } = await keeping();
  for (let i = 0; i < 150; i++) await type();
  await vi.advanceTimersByTimeAsync(1900);
  expect(await store.loadSnapshot()).toBeUndefined();
  await vi.advanceTimersByTimeAsync(200);
  await vi.waitFor(async () => expect(await store.loadSnapshot()).toBeDefined());
  keeper.dispose();
});

test('SYNC-11: a tab whose snapshot was false makes no other', async () => {
  const { keeper, store, type } = await keeping();
  keeper.stopSnapshots();
  for (let i = 0; i < 150; i++) await type();
  await vi.advanceTimersByTimeAsync(10_000);
  const [end] = await store.chainEnds();
  await vi.waitFor(async () => {
    const [first] = await store.readChain(end!.session, 'project', 1);
    expect(first?.last, 'it squashes on').toBe(100);
  });
  expect(await store.loadSnapshot()).toBeUndefined();
  keeper.dispose();
});
