/**
 * The room's log in IndexedDB: one database a room, strict durability on every write.
 * Two tabs may write at once: the same segment has the same key, and overlapping ones are harmless (LogStore).
 */
import { deleteDB, type DBSchema, type IDBPDatabase } from 'idb';
import type { Channel, RoomId, SessionId } from '../../core/ids.ts';
import { ok, type Result } from '../../core/result.ts';
import type {
  ArchiveMark,
  ChainEnd,
  DeviceSnapshot,
  LogStore,
  RoomFacts,
  SegmentAddress,
  StoredSegment,
} from '../../log/log-store.ts';
import { openDatabase, type Migration, type OpenOptions } from '../open-database.ts';
import type { StorageProblem } from '../storage-problem.ts';
import { checkReplacement } from './check-replacement.ts';
import { GroupCommit } from './group-commit.ts';
import { readAllSegments } from './indexeddb-read-all.ts';
import {
  addressOf,
  archiveMarkIn,
  digestOf,
  factsIn,
  isSegmentKey,
  isStill,
  keyOf,
  markDigestOf,
  readIfPossible,
  readSegments,
  segmentOf,
  snapshotIn,
  type ArchiveMarkRecord,
  type QuarantinedRecord,
  type SnapshotRecord,
} from './indexeddb-records.ts';

export type SegmentKey = [session: SessionId, channel: Channel, first: number, last: number];

export interface RoomSchema extends DBSchema {
  segments: {
    key: SegmentKey;
    value: StoredSegment;
    /** By their end: what holds anything at or after a seq is one range. */
    indexes: { byLast: [SessionId, Channel, number] };
  };
  facts: { key: 'facts' | 'archive'; value: RoomFacts | ArchiveMarkRecord };
  snapshot: { key: 'newest'; value: SnapshotRecord };
  /** How often segments were swapped for longer ones: a reader that sees it change looks again. */
  swaps: { key: 'count'; value: number };
  /** Damaged segments, read by nobody but who repairs them. */
  quarantine: { key: SegmentKey; value: QuarantinedRecord };
}

/** Version n is what the first n of these make. Never edit one that was released: add the next. */
const MIGRATIONS: readonly Migration<RoomSchema>[] = [
  (db) => {
    const segments = db.createObjectStore('segments', { keyPath: ['session', 'channel', 'first', 'last'] });
    segments.createIndex('byLast', ['session', 'channel', 'last']);
    db.createObjectStore('facts');
    db.createObjectStore('snapshot');
    db.createObjectStore('swaps');
  },
  (db) => {
    db.createObjectStore('quarantine', { keyPath: ['session', 'channel', 'first', 'last'] });
  },
];

const STRICT = { durability: 'strict' } as const;

/**
 * Putting a record costs the page 1 to 2 ms; a fifth of what a key takes to reach the others. So it waits until the
 * key is on its way, and keys typed meanwhile share the commit. A hidden tab may be put to sleep: it commits at once.
 */
const COMMIT_AFTER_MS = 20;

const afterTheKey = (): Promise<void> =>
  globalThis.document?.visibilityState === 'visible'
    ? new Promise((resolve) => setTimeout(resolve, COMMIT_AFTER_MS))
    : Promise.resolve();

export const roomDatabaseName = (roomId: RoomId): string => `codeface-room-${roomId}`;

/**
 * Opens what this device holds of a room, or says why it can't be kept here (then a memory store serves).
 * A write rejects with the browser's error (`storageProblem` names it) and leaves nothing of its batch.
 */
export async function openIndexedDbStore(
  roomId: RoomId,
  options: OpenOptions = {},
): Promise<Result<LogStore, StorageProblem>> {
  const opened = await openDatabase<RoomSchema>(roomDatabaseName(roomId), MIGRATIONS, options);
  return opened.ok ? ok(new IndexedDbStore(opened.value)) : opened;
}

class IndexedDbStore implements LogStore {
  readonly kind = 'device';
  readonly #db: IDBPDatabase<RoomSchema>;
  readonly #appends: GroupCommit<StoredSegment>;

  constructor(db: IDBPDatabase<RoomSchema>) {
    this.#db = db;
    this.#appends = new GroupCommit((segments) => this.#put(segments), afterTheKey);
  }

  append(segments: readonly StoredSegment[]): Promise<void> {
    return segments.length === 0 ? Promise.resolve() : this.#appends.add(segments);
  }

  async replace(shorter: readonly StoredSegment[], longer: readonly StoredSegment[]): Promise<void> {
    checkReplacement(shorter, longer);
    const kept = new Set(longer.map((segment) => keyOf(segment).join()));
    const transaction = this.#db.transaction(['segments', 'swaps'], 'readwrite', STRICT);
    const segments = transaction.objectStore('segments');
    const swaps = transaction.objectStore('swaps');
    await allOrNothing(transaction, async () => {
      for (const segment of longer) void segments.put(segment).catch(ignored);
      for (const segment of shorter)
        if (!kept.has(keyOf(segment).join())) void segments.delete(keyOf(segment)).catch(ignored);
      const count = await readIfPossible(swaps, 'count');
      await swaps.put(Number.isSafeInteger(count) ? (count as number) + 1 : 1, 'count');
    });
  }

  async refile(segment: StoredSegment, name: SessionId, keepOld: boolean): Promise<void> {
    const transaction = this.#db.transaction('segments', 'readwrite', STRICT);
    await allOrNothing(transaction, async () => {
      if (!keepOld) void transaction.store.delete(keyOf(segment)).catch(ignored);
      await transaction.store.put({ ...segment, session: name });
    });
  }

  async readChain(session: SessionId, channel: Channel, fromSeq: number): Promise<StoredSegment[]> {
    const range = IDBKeyRange.bound([session, channel, fromSeq], [session, channel, []]);
    const segments = await readSegments(
      this.#db,
      () => this.#db.getAllFromIndex('segments', 'byLast', range),
      () => this.#db.getAllKeysFromIndex('segments', 'byLast', range),
    );
    return segments.sort((a, b) => a.first - b.first || a.last - b.last);
  }

  async chainEnds(): Promise<ChainEnd[]> {
    const ends = new Map<string, ChainEnd>();
    for (const { session, channel, last } of await this.addresses()) {
      const chain = `${session}/${channel}`;
      if (last > (ends.get(chain)?.last ?? 0)) ends.set(chain, { session, channel, last });
    }
    return [...ends.values()];
  }

  readAll(maxBytes: number): AsyncIterable<StoredSegment[]> {
    return readAllSegments(this.#db, maxBytes);
  }

  async addresses(): Promise<SegmentAddress[]> {
    return (await this.#db.getAllKeys('segments')).filter(isSegmentKey).map(addressOf);
  }

  async quarantine(damaged: readonly StoredSegment[]): Promise<void> {
    const transaction = this.#db.transaction(['segments', 'quarantine'], 'readwrite', STRICT);
    const segments = transaction.objectStore('segments');
    const quarantine = transaction.objectStore('quarantine');
    await allOrNothing(transaction, async () => {
      for (const judged of damaged) {
        const record = await readIfPossible(segments, keyOf(judged));
        if (!isStill(record, judged)) continue;
        const { session, channel, first, last } = judged;
        void quarantine.put({ session, channel, first, last, record, movedAt: Date.now() }).catch(ignored);
        void segments.delete(keyOf(judged)).catch(ignored);
      }
    });
  }

  async quarantined(): Promise<StoredSegment[]> {
    const found = (await this.#db.getAll('quarantine')).filter((one) => isSegmentKey(keyOf(one)));
    return found.map(({ record, ...address }) => segmentOf(address, record));
  }

  async forgetQuarantined(addresses: readonly SegmentAddress[]): Promise<void> {
    const transaction = this.#db.transaction('quarantine', 'readwrite', STRICT);
    await allOrNothing(transaction, async () => {
      for (const address of addresses) void transaction.store.delete(keyOf(address)).catch(ignored);
    });
  }

  async loadFacts(): Promise<RoomFacts> {
    return factsIn(await readIfPossible(this.#db.transaction('facts').store, 'facts'));
  }

  async loadArchiveMark(): Promise<ArchiveMark | undefined> {
    return archiveMarkIn(await readIfPossible(this.#db.transaction('facts').store, 'archive'));
  }

  async saveArchiveMark(mark: ArchiveMark): Promise<void> {
    const record = { mark, digest: await markDigestOf(mark) };
    const transaction = this.#db.transaction('facts', 'readwrite', STRICT);
    await allOrNothing(transaction, () => transaction.store.put(record, 'archive'));
  }

  async saveFacts(facts: RoomFacts): Promise<void> {
    const transaction = this.#db.transaction('facts', 'readwrite', STRICT);
    await allOrNothing(transaction, () => transaction.store.put(facts, 'facts'));
  }

  async changeFacts(change: (facts: RoomFacts) => RoomFacts): Promise<void> {
    const transaction = this.#db.transaction('facts', 'readwrite', STRICT);
    await allOrNothing(transaction, async () => {
      const facts = factsIn(await readIfPossible(transaction.store, 'facts'));
      await transaction.store.put(change(facts), 'facts');
    });
  }

  async loadSnapshot(): Promise<DeviceSnapshot | undefined> {
    return snapshotIn(await readIfPossible(this.#db.transaction('snapshot').store, 'newest'));
  }

  async saveSnapshot(snapshot: DeviceSnapshot): Promise<void> {
    const digest = await digestOf(snapshot);
    const transaction = this.#db.transaction('snapshot', 'readwrite', STRICT);
    await allOrNothing(transaction, () => transaction.store.put({ ...snapshot, digest }, 'newest'));
  }

  async dropSnapshot(): Promise<void> {
    const transaction = this.#db.transaction('snapshot', 'readwrite', STRICT);
    await allOrNothing(transaction, () => transaction.store.delete('newest'));
  }

  async destroy(): Promise<void> {
    this.#db.close();
    await deleteDB(this.#db.name);
  }

  close(): void {
    this.#db.close();
  }

  async #put(items: readonly StoredSegment[]): Promise<void> {
    const transaction = this.#db.transaction('segments', 'readwrite', STRICT);
    await allOrNothing(transaction, async () => {
      for (const segment of items) void transaction.store.put(segment).catch(ignored);
    });
  }
}

/** A request's own error also ends its transaction, whose `done` is what is waited for. */
const ignored = (): void => undefined;

/** Does the requests; resolves when they are committed. If a request can't even be made, nothing of the rest is kept. */
async function allOrNothing(
  transaction: { readonly done: Promise<void>; abort(): void },
  requests: () => Promise<unknown>,
): Promise<void> {
  try {
    await requests();
  } catch (error) {
    transaction.done.catch(ignored);
    try {
      transaction.abort();
    } catch {
      // It has ended by itself, because of the same error.
    }
    throw error;
  }
  await transaction.done;
}
