/** Reaches into a room's database past the app, as a failing disk does. */
import { openDB, type IDBPDatabase } from 'idb';
import type { RoomId } from '../lib/core/ids.ts';
import { chainKey } from '../lib/log/frontier.ts';
import type { LogStore, StoredSegment } from '../lib/log/log-store.ts';
import { openIndexedDbStore, roomDatabaseName } from '../lib/storage/stores/indexeddb.ts';
import { isWhole } from '../lib/sync/segment-check.ts';
import { without } from '../lib/sync/seq-ranges.ts';
import type { TestReplica, TestRoom } from './replicas.ts';

/** All that a room's database holds, by object store. */
export type Dump = Readonly<Record<'segments' | 'facts' | 'snapshot', readonly unknown[]>>;

export async function openDisk(name: string): Promise<LogStore> {
  const store = await openIndexedDbStore(name as RoomId);
  if (!store.ok) throw new Error(store.error.kind);
  return store.value;
}

async function withDatabase<T>(name: string, work: (db: IDBPDatabase) => Promise<T>): Promise<T> {
  const db = await openDB(roomDatabaseName(name as RoomId));
  try {
    return await work(db);
  } finally {
    db.close();
  }
}

export const dump = (name: string): Promise<Dump> =>
  withDatabase(name, async (db) => ({
    segments: await db.getAll('segments'),
    facts: await db.getAll('facts'),
    snapshot: await db.getAll('snapshot'),
  }));

/** Makes a database that holds just that. */
export async function restore(name: string, { segments, facts, snapshot }: Dump): Promise<void> {
  (await openDisk(name)).close();
  await withDatabase(name, async (db) => {
    for (const segment of segments) await db.put('segments', segment);
    for (const value of facts) await db.put('facts', value, 'facts');
    for (const value of snapshot) await db.put('snapshot', value, 'newest');
  });
}

/** Changes one record as `damage` says; undefined removes it. */
export function spoilSegment(
  name: string,
  segment: StoredSegment,
  damage: (segment: StoredSegment) => unknown,
): Promise<void> {
  return withDatabase(name, async (db) => {
    const { session, channel, first, last } = segment;
    await db.delete('segments', [session, channel, first, last]);
    const spoilt = damage({ ...segment, sealed: segment.sealed.slice() });
    if (spoilt !== undefined) await db.put('segments', spoilt);
  });
}

export const spoil = (name: string, store: 'facts' | 'snapshot', value: unknown): Promise<void> =>
  withDatabase(name, async (db) => {
    await db.put(store, value, store === 'facts' ? 'facts' : 'newest');
  });

export function flip(segment: StoredSegment, at = segment.sealed.length >> 1): StoredSegment {
  segment.sealed[at % segment.sealed.length]! ^= 0x10;
  return segment;
}

export async function allOf(store: LogStore): Promise<StoredSegment[]> {
  const found: StoredSegment[] = [];
  for await (const batch of store.readAll(1e6)) found.push(...batch);
  return found;
}

/** Whether the store holds, whole, all that its replica knows, and nothing else. */
export async function restsWhole(room: TestRoom, { replica, store }: TestReplica): Promise<boolean> {
  const keys = await room.keys('e');
  const stored = await allOf(store);
  for (const segment of stored) if (!(await isWhole(keys, segment))) return false;
  return replica.frontier.every((row) => {
    const chain = stored.filter((one) => chainKey(one) === chainKey(row));
    const ranges = chain.map(({ first, last }) => [first, last] as const);
    return without([1, row.seq], ranges).length === 0;
  });
}
