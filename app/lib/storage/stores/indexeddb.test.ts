import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { alice, logStoreContract, segment } from '../../../testing/log-store-contract.ts';
import type { RoomId } from '../../core/ids.ts';
import type { LogStore } from '../../log/log-store.ts';
import { openIndexedDbStore, roomDatabaseName } from './indexeddb.ts';

let rooms = 0;
const newRoom = (): RoomId => `room${++rooms}` as RoomId;

async function open(roomId: RoomId): Promise<LogStore> {
  const opened = await openIndexedDbStore(roomId);
  if (!opened.ok) throw new Error(opened.error.kind);
  return opened.value;
}

/** From here on the browser refuses as it does when the disk is full: what `when` picks ends its transaction. */
function failPut(when: (call: number, value: unknown) => boolean): void {
  let calls = 0;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with the store it belongs to
  const real = IDBObjectStore.prototype.put;
  vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, ...args) {
    const request = real.apply(this, args);
    if (when(++calls, args[0])) this.transaction.abort();
    return request;
  });
}

afterEach(() => {
  vi.restoreAllMocks();
});

logStoreContract('indexeddb', () => {
  const roomId = newRoom();
  return {
    open: () => open(roomId),
    reopen: () => open(roomId),
    failNextWrite: () => failPut((call) => call === 2),
  };
});

describe('openIndexedDbStore', () => {
  it('asks for strict durability in every write, and shares a transaction between what comes together', async () => {
    const store = await open(newRoom());
    const transactions = vi.spyOn(IDBDatabase.prototype, 'transaction');
    await Promise.all(Array.from({ length: 50 }, (_, i) => store.append([segment(i + 1, i + 1)])));
    expect(transactions.mock.calls).toHaveLength(1);
    await store.replace([segment(1, 1)], [segment(1, 1)]);
    await store.saveFacts({});
    await store.saveSnapshot({ chains: new Uint8Array(), state: new Uint8Array(), entries: 0 });
    const writes = transactions.mock.calls.filter(([, mode]) => mode === 'readwrite');
    expect(writes).toHaveLength(4);
    for (const [, , options] of writes) expect(options).toEqual({ durability: 'strict' });
    await store.destroy();
  });

  it('refuses only the batch that fails, not those that shared its transaction', async () => {
    const store = await open(newRoom());
    failPut((_, value) => (value as { first: number }).first === 3);
    const results = await Promise.allSettled([1, 2, 3, 4].map((seq) => store.append([segment(seq, seq)])));
    expect(results.map((result) => result.status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    const kept = await store.readChain(alice, 'project', 1);
    expect(kept.map((one) => one.first)).toEqual([1, 2, 4]);
    await store.destroy();
  });

  it('lets a newer version in, and says that it keeps nothing more', async () => {
    const roomId = newRoom();
    const closed: string[] = [];
    const opened = await openIndexedDbStore(roomId, { onClosed: (why) => closed.push(why) });
    const newer = await openDB(roomDatabaseName(roomId), 99);
    expect(closed).toEqual(['newer-version']);
    expect(opened.ok).toBe(true);
    if (opened.ok) await expect(opened.value.append([segment(1, 1)])).rejects.toThrow();
    newer.close();
    expect(await openIndexedDbStore(roomId)).toEqual({ ok: false, error: { kind: 'newer-version' } });
  });

  it('says that storage is refused where it is', async () => {
    vi.spyOn(indexedDB, 'open').mockImplementation(() => {
      throw new DOMException('denied', 'SecurityError');
    });
    expect(await openIndexedDbStore(newRoom())).toEqual({ ok: false, error: { kind: 'refused' } });
  });
});
