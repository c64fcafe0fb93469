import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import { afterEach, expect, it, vi } from 'vitest';
import { deleteDatabase } from './delete-database.ts';
import { openDatabase } from './open-database.ts';

const NAME = 'delete-database-test';
const names = async (): Promise<(string | undefined)[]> =>
  (await indexedDB.databases()).map(({ name }) => name);

afterEach(async () => {
  vi.restoreAllMocks();
  await deleteDatabase(NAME);
});

it('deletes what a tab of this version holds open, and tells that tab why', async () => {
  const onClosed = vi.fn();
  await openDatabase(NAME, [() => undefined], { onClosed });
  expect(await deleteDatabase(NAME)).toEqual({ ok: true, value: undefined });
  expect(await names()).not.toContain(NAME);
  expect(onClosed).toHaveBeenCalledExactlyOnceWith('deleted');
});

it('says that a tab which does not let go blocks it', async () => {
  const stuck = await openDB(NAME, 1);
  expect(await deleteDatabase(NAME, 50)).toEqual({ ok: false, error: { kind: 'blocked' } });
  expect(await names()).toContain(NAME);
  stuck.close();
});

it('gives up on a browser that never answers or refuses', async () => {
  vi.spyOn(indexedDB, 'deleteDatabase').mockImplementation(() => new IDBOpenDBRequest());
  expect(await deleteDatabase(NAME, 20)).toEqual({ ok: false, error: { kind: 'no-answer' } });
  vi.spyOn(indexedDB, 'deleteDatabase').mockImplementation(() => {
    throw new DOMException('', 'SecurityError');
  });
  expect(await deleteDatabase(NAME, 20)).toEqual({ ok: false, error: { kind: 'refused' } });
  vi.restoreAllMocks();
});
