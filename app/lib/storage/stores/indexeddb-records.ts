/**
 * Segments as IndexedDB gives them. It may give anything: a value of another shape, or an error for the whole of what was
 * asked because one record in it can't be read. Then they are read one by one, and what is damaged comes without bytes.
 */
import { unwrap, type IDBPDatabase, type IDBPObjectStore } from 'idb';
import { equalBytes, toHex, utf8, type Bytes } from '../../core/bytes.ts';
import type {
  ArchiveMark,
  DeviceSnapshot,
  RoomFacts,
  SegmentAddress,
  StoredSegment,
} from '../../log/log-store.ts';
import type { RoomSchema, SegmentKey } from './indexeddb.ts';

/** Where a damaged record went: what is left of it, under the key it had. */
export interface QuarantinedRecord extends SegmentAddress {
  /** The record as it was read; absent where it could not be. */
  readonly record?: unknown;
  /** ms since 1970 */
  readonly movedAt: number;
}

/** A snapshot and the SHA-256 of what is in it; those of database version 1 have none. */
export type SnapshotRecord = DeviceSnapshot & { readonly digest?: Uint8Array };

export interface ArchiveMarkRecord {
  readonly mark: ArchiveMark;
  readonly digest: Uint8Array;
}

export const keyOf = ({ session, channel, first, last }: SegmentAddress): SegmentKey => [
  session,
  channel,
  first,
  last,
];

export const addressOf = ([session, channel, first, last]: SegmentKey): SegmentAddress => ({
  session,
  channel,
  first,
  last,
});

/** Whether a key is one that this app makes: no chain is looked for under another. */
export const isSegmentKey = (key: readonly unknown[]): boolean =>
  typeof key[0] === 'string' && typeof key[1] === 'string' && isSeq(key[2]) && isSeq(key[3]);

/**
 * What `together` gives; where that fails, each record of `keys` by itself. Rejects where the database can't be asked at all.
 */
export async function readSegments(
  db: IDBPDatabase<RoomSchema>,
  together: () => Promise<unknown[]>,
  keys: () => Promise<readonly SegmentKey[]>,
): Promise<StoredSegment[]> {
  try {
    return (await together()).map((record) => segmentOf(record as SegmentAddress, record));
  } catch {
    return readOneByOne(db, await keys());
  }
}

async function readOneByOne(
  db: IDBPDatabase<RoomSchema>,
  keys: readonly SegmentKey[],
): Promise<StoredSegment[]> {
  const found: StoredSegment[] = [];
  for (const key of keys)
    try {
      const record = await db.get('segments', key);
      // Swapped for a longer one since the keys were read: that is no damage.
      if (record !== undefined) found.push(segmentOf(addressOf(key), record));
    } catch (error) {
      if (isClosed(error)) throw error;
      found.push(segmentOf(addressOf(key), undefined));
    }
  return found;
}

/** A record inside a transaction that goes on although it can't be read; `undefined` then. `store` is one of idb's. */
export function readIfPossible(store: object, key: IDBValidKey): Promise<unknown> {
  return new Promise((resolve) => {
    try {
      const request = unwrap(store as IDBPObjectStore).get(key);
      request.onsuccess = () => resolve(request.result);
      request.onerror = (event) => {
        // Otherwise the error ends the transaction.
        event.preventDefault();
        event.stopPropagation();
        resolve(undefined);
      };
    } catch {
      resolve(undefined);
    }
  });
}

/** Whether a record is still what it was when it was found damaged. */
export const isStill = (record: unknown, judged: StoredSegment): boolean =>
  equalBytes(bytesIn(record, 'sealed') ?? NOTHING, judged.sealed);

/** With the bytes that are left. */
export const segmentOf = (
  { session, channel, first, last }: SegmentAddress,
  record: unknown,
): StoredSegment => ({ session, channel, first, last, sealed: bytesIn(record, 'sealed') ?? NOTHING });

export function factsIn(record: unknown): RoomFacts {
  const genesis = bytesIn(record, 'genesis');
  const carry = fieldOf(record, 'carry');
  const roster = fieldOf(record, 'roster');
  const branches = fieldOf(record, 'branches');
  const outside = fieldOf(record, 'outside');
  const countedIn = fieldOf(record, 'countedIn');
  const owners = fieldOf(record, 'owners');
  const admissions = fieldOf(record, 'admissions');
  return {
    ...(genesis && { genesis }),
    ...(isBytesList(roster) && { roster }),
    ...(isBytesList(owners) && { owners }),
    ...(isBytesList(admissions) && { admissions }),
    ...(isBytesList(carry) && { carry }),
    ...(branches instanceof Uint8Array && { branches: branches as Bytes }),
    ...(outside instanceof Uint8Array && { outside: outside as Bytes }),
    ...(typeof countedIn === 'number' && { countedIn }),
    ...(fieldOf(record, 'noArchive') === true && { noArchive: true as const }),
  };
}

const isBytesList = (value: unknown): value is Bytes[] =>
  Array.isArray(value) && value.every((one) => one instanceof Uint8Array);

/** What is not what was put there is not given: a mark that says too much would keep words from the archive. */
export async function archiveMarkIn(record: unknown): Promise<ArchiveMark | undefined> {
  const { mark, digest } = (record ?? {}) as Partial<ArchiveMarkRecord>;
  if (!(digest instanceof Uint8Array)) return undefined;
  try {
    return mark && equalBytes(digest, await markDigestOf(mark)) ? mark : undefined;
  } catch {
    return undefined;
  }
}

export async function markDigestOf({ instance, cursor, ends, roster, owners }: ArchiveMark): Promise<Bytes> {
  const chains = ends.map(({ session, channel, last }) => [session, channel, last]);
  const text = JSON.stringify([
    toHex(instance),
    cursor,
    chains,
    ...(roster === undefined ? [] : [roster]),
    ...(owners === undefined ? [] : [roster ?? 0, owners]),
  ]);
  return new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(text)));
}

export async function snapshotIn(record: unknown): Promise<DeviceSnapshot | undefined> {
  const [chains, state] = [bytesIn(record, 'chains'), bytesIn(record, 'state')];
  const entries = fieldOf(record, 'entries');
  if (chains === undefined || state === undefined || typeof entries !== 'number') return undefined;
  const digest = fieldOf(record, 'digest');
  const whole =
    digest === undefined ||
    (digest instanceof Uint8Array && equalBytes(digest, await digestOf({ chains, state })));
  return whole ? { chains, state, entries } : undefined;
}

/** Both ends are in it: a state and the chains of another never pass for a pair. */
export async function digestOf({ chains, state }: Pick<DeviceSnapshot, 'chains' | 'state'>) {
  const [one, other] = await Promise.all(
    [chains, state].map(async (bytes) => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))),
  );
  return new Uint8Array([...(one ?? NOTHING), ...(other ?? NOTHING)]);
}

const NOTHING = new Uint8Array();

const isSeq = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) > 0;

const fieldOf = (record: unknown, name: string): unknown =>
  typeof record === 'object' && record !== null ? (record as Record<string, unknown>)[name] : undefined;

function bytesIn(record: unknown, name: string): Uint8Array<ArrayBuffer> | undefined {
  const value = fieldOf(record, name);
  return value instanceof Uint8Array ? (value as Uint8Array<ArrayBuffer>) : undefined;
}

/** The connection has ended or the transaction was ended by something else: that says nothing about a record. */
const isClosed = (error: unknown): boolean =>
  error instanceof DOMException &&
  ['InvalidStateError', 'AbortError', 'TransactionInactiveError'].includes(error.name);
