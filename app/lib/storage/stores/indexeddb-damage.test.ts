/** What a disk may do to the room's database: flip, cut, retype and refuse. Nothing of it stops what is whole. */
import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import { afterEach, expect, it, vi } from 'vitest';
import { alice, bob, segment } from '../../../testing/log-store-contract.ts';
import type { RoomId } from '../../core/ids.ts';
import type { LogStore, StoredSegment } from '../../log/log-store.ts';
import { openIndexedDbStore, roomDatabaseName } from './indexeddb.ts';

let rooms = 0;
const newRoom = (): RoomId => `damage${++rooms}` as RoomId;
const opened: LogStore[] = [];

async function open(roomId: RoomId): Promise<LogStore> {
  const store = await openIndexedDbStore(roomId);
  if (!store.ok) throw new Error(store.error.kind);
  opened.push(store.value);
  return store.value;
}

/** Writes past the app, as damage does. */
async function put(roomId: RoomId, store: string, value: unknown, key?: string): Promise<void> {
  const db = await openDB(roomDatabaseName(roomId));
  await db.put(store, value, key);
  db.close();
}

async function all(store: LogStore): Promise<StoredSegment[]> {
  const found: StoredSegment[] = [];
  for await (const batch of store.readAll(1_000)) found.push(...batch);
  return found;
}

/** Reading fails where the record at `seq` of Alice's chain is among what is asked for. */
function unreadable(seq: number, name = 'DataError'): void {
  const covers = (query: unknown): boolean => {
    if (query === undefined || query === null) return true;
    if (query instanceof IDBKeyRange)
      return query.includes([alice, 'project', seq, seq]) || query.includes([alice, 'project', seq]);
    return Array.isArray(query) && query[0] === alice && query[2] === seq;
  };
  for (const prototype of [IDBObjectStore.prototype, IDBIndex.prototype])
    for (const method of ['get', 'getAll'] as const) {
      // eslint-disable-next-line @typescript-eslint/unbound-method -- called with the store it belongs to
      const real = prototype[method] as (query?: unknown, count?: number) => IDBRequest;
      vi.spyOn(prototype as IDBObjectStore, method).mockImplementation(function (
        this: IDBObjectStore,
        ...args: [query?: unknown, count?: number]
      ) {
        const store = 'objectStore' in this ? (this as unknown as IDBIndex).objectStore.name : this.name;
        if (store === 'segments' && covers(args[0]))
          throw new DOMException('a record could not be read', name);
        return real.apply(this, args);
      });
    }
}

afterEach(async () => {
  vi.restoreAllMocks();
  for (const store of opened.splice(0)) await store.destroy();
});

/** As version 1 of the app made it; never to be changed. */
async function versionOne(roomId: RoomId): Promise<void> {
  const db = await openDB(roomDatabaseName(roomId), 1, {
    upgrade(old) {
      const segments = old.createObjectStore('segments', {
        keyPath: ['session', 'channel', 'first', 'last'],
      });
      segments.createIndex('byLast', ['session', 'channel', 'last']);
      old.createObjectStore('facts');
      old.createObjectStore('snapshot');
      old.createObjectStore('swaps');
    },
  });
  for (const one of [segment(1, 3), segment(4, 4), segment(1, 1, { session: bob, channel: 'runs' })])
    await db.put('segments', one);
  await db.put('facts', { genesis: Uint8Array.of(7, 7) }, 'facts');
  await db.put('snapshot', { chains: Uint8Array.of(1), state: Uint8Array.of(2), entries: 3 }, 'newest');
  await db.put('swaps', 5, 'count');
  db.close();
}

it('SYNC-15: a database of version 1 opens with everything in it, and can set aside', async () => {
  const roomId = newRoom();
  await versionOne(roomId);
  const store = await open(roomId);
  expect(await all(store)).toEqual([
    segment(1, 3),
    segment(4, 4),
    segment(1, 1, { session: bob, channel: 'runs' }),
  ]);
  expect(await store.loadFacts()).toEqual({ genesis: Uint8Array.of(7, 7) });
  expect(await store.loadSnapshot()).toEqual({
    chains: Uint8Array.of(1),
    state: Uint8Array.of(2),
    entries: 3,
  });
  expect(await store.quarantined()).toEqual([]);
  expect(await store.loadArchiveMark()).toBeUndefined();
  await store.quarantine([segment(4, 4)]);
  expect(await store.quarantined()).toEqual([segment(4, 4)]);
  await store.replace([segment(1, 3)], [segment(1, 3)]);
  store.close();
  const raw = await openDB(roomDatabaseName(roomId));
  expect([raw.version, [...raw.objectStoreNames]]).toEqual([
    2,
    ['facts', 'quarantine', 'segments', 'snapshot', 'swaps'],
  ]);
  expect(await raw.get('swaps', 'count')).toBe(6);
  raw.close();
});

it('a tab of the version before lets the new one in, and writes no more', async () => {
  const roomId = newRoom();
  await versionOne(roomId);
  const old = await openDB(roomDatabaseName(roomId), 1, { blocking: () => old.close() });
  const store = await open(roomId);
  expect(await all(store)).toHaveLength(3);
  expect(() => old.transaction('segments')).toThrow();
});

it.each([
  ['text', 'not bytes'],
  ['nothing', undefined],
  ['a list', [1, 2, 3]],
])('SYNC-15: a segment that became %s is given without bytes, and set aside as it is', async (_, sealed) => {
  const roomId = newRoom();
  const store = await open(roomId);
  await store.append([segment(1, 1), segment(3, 3)]);
  await put(roomId, 'segments', { ...segment(2, 2), sealed });
  const [, damaged] = await store.readChain(alice, 'project', 1);
  expect(damaged).toEqual({ ...segment(2, 2), sealed: new Uint8Array() });
  expect(await all(store)).toHaveLength(3);
  await store.quarantine([damaged as StoredSegment]);
  expect((await all(store)).map(({ first }) => first)).toEqual([1, 3]);
  const raw = await openDB(roomDatabaseName(roomId));
  expect(await raw.getAll('quarantine')).toMatchObject([{ first: 2, record: { sealed } }]);
  raw.close();
});

it('SYNC-15: a record with a key that no chain has is set aside like any other', async () => {
  const roomId = newRoom();
  const store = await open(roomId);
  await store.append([segment(1, 1)]);
  await put(roomId, 'segments', { session: 7, channel: 'project', first: 'a', last: 2, sealed: 1 });
  await put(roomId, 'segments', { ...segment(1, 1), last: 'z' });
  expect(await store.chainEnds()).toEqual([{ session: alice, channel: 'project', last: 1 }]);
  const strange = (await all(store)).filter(({ sealed }) => sealed.length === 0 || sealed[0] !== 1);
  expect(await all(store)).toHaveLength(3);
  await store.quarantine(strange);
  expect(await all(store)).toHaveLength(2);
});

it('SYNC-15: a record that can’t be read stops nothing: the others come, it comes without bytes and can be set aside', async () => {
  const store = await open(newRoom());
  const whole = Array.from({ length: 40 }, (_, i) => segment(i + 1, i + 1));
  await store.append([...whole, segment(1, 1, { session: bob })]);
  unreadable(17);
  const read = await all(store);
  expect(read).toHaveLength(41);
  expect(read.filter(({ sealed }) => sealed.length === 0)).toEqual([
    { ...segment(17, 17), sealed: new Uint8Array() },
  ]);
  const chain = await store.readChain(alice, 'project', 10);
  expect(chain.map(({ first, sealed }) => [first, sealed.length])[7]).toEqual([17, 0]);
  await store.quarantine([chain[7] as StoredSegment]);
  expect((await store.addresses()).map(({ first }) => first)).not.toContain(17);
  expect(await store.quarantined()).toEqual([{ ...segment(17, 17), sealed: new Uint8Array() }]);
});

it('SYNC-15: a database that is closed says so, instead of calling everything damaged', async () => {
  const store = await open(newRoom());
  await store.append([segment(1, 1)]);
  store.close();
  await expect(store.readChain(alice, 'project', 1)).rejects.toThrow();
  await expect(all(store)).rejects.toThrow();
  await expect(store.loadFacts()).rejects.toThrow();
});

it('SYNC-15: a database that is closed while it is read says so too', async () => {
  const store = await open(newRoom());
  await store.append([segment(1, 1), segment(2, 2)]);
  unreadable(2, 'InvalidStateError');
  await expect(store.readChain(alice, 'project', 1)).rejects.toThrow();
});

it.each([
  ['facts', 'facts', 'gone'],
  ['facts', 'facts', { genesis: 'text' }],
  ['facts', 'facts', { genesis: null }],
])('SYNC-15: %s that are not what was put there are none', async (name, key, value) => {
  const roomId = newRoom();
  const store = await open(roomId);
  await put(roomId, name, value, key);
  expect(await store.loadFacts()).toEqual({});
});

it.each([
  ['a flipped byte in the state', (s: Snapshot) => s.state.set([9], 1)],
  ['a flipped byte in the chains', (s: Snapshot) => s.chains.set([9], 0)],
  ['another type', (s: Snapshot) => Object.assign(s, { state: 'text' })],
  ['a digest of another type', (s: Snapshot) => Object.assign(s, { digest: 'text' })],
  ['a cut state', (s: Snapshot) => Object.assign(s, { state: s.state.slice(1) })],
])('SYNC-15: a snapshot with %s is none', async (_, damage) => {
  const roomId = newRoom();
  const store = await open(roomId);
  await store.saveSnapshot({ chains: Uint8Array.of(1, 2), state: Uint8Array.of(3, 4), entries: 5 });
  expect(await store.loadSnapshot()).toMatchObject({ entries: 5 });
  const raw = await openDB(roomDatabaseName(roomId));
  const found = (await raw.get('snapshot', 'newest')) as Snapshot;
  damage(found);
  await raw.put('snapshot', found, 'newest');
  raw.close();
  expect(await store.loadSnapshot()).toBeUndefined();
});

interface Marked {
  mark: { instance: Uint8Array; cursor: unknown; ends: unknown; roster: unknown };
  digest: unknown;
}
it.each([
  ['a cursor further on', (m: Marked) => (m.mark.cursor = 10)],
  ['a chain further on', (m: Marked) => (m.mark.ends = [{ session: alice, channel: 'project', last: 8 }])],
  ['another instance', (m: Marked) => m.mark.instance.set([9], 3)],
  ['statements of a later epoch', (m: Marked) => (m.mark.roster = 2)],
  ['ends of another type', (m: Marked) => (m.mark.ends = 'text')],
  ['an instance of another type', (m: Marked) => Object.assign(m.mark, { instance: 7 })],
  ['no digest', (m: Marked) => (m.digest = undefined)],
  ['a digest of another type', (m: Marked) => (m.digest = 'text')],
  ['no mark', (m: Marked) => Object.assign(m, { mark: undefined })],
])('ARCH-18: an archive mark with %s is none: the archive is read again', async (_, damage) => {
  const roomId = newRoom();
  const store = await open(roomId);
  const mark = {
    instance: new Uint8Array(16).fill(5),
    cursor: 9,
    ends: [{ session: alice, channel: 'project' as const, last: 7 }],
    roster: 1,
  };
  await store.saveArchiveMark(mark);
  expect(await store.loadArchiveMark()).toEqual(mark);
  const raw = await openDB(roomDatabaseName(roomId));
  const found = (await raw.get('facts', 'archive')) as Marked;
  damage(found);
  await raw.put('facts', found, 'archive');
  raw.close();
  expect(await store.loadArchiveMark()).toBeUndefined();
});

it.each(['text', Number.NaN, { a: 1 }, -1])(
  'SYNC-15: reading everything ends whatever the count of swaps is (%s)',
  async (count) => {
    const roomId = newRoom();
    const store = await open(roomId);
    const short = Array.from({ length: 80 }, (_, i) => segment(i + 1, i + 1, { bytes: 100 }));
    await store.append([...short, segment(1, 1, { session: bob })]);
    await put(roomId, 'swaps', count, 'count');
    expect(await all(store)).toHaveLength(81);
    await store.replace(short, [segment(1, 80)]);
    expect(await all(store)).toHaveLength(2);
  },
);

interface Snapshot {
  readonly chains: Uint8Array;
  readonly state: Uint8Array;
}
