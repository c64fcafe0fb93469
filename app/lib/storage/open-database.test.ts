import 'fake-indexeddb/auto';
import { deleteDB, openDB, type DBSchema } from 'idb';
import { afterEach, expect, it, vi } from 'vitest';
import { openDatabase } from './open-database.ts';
import { storageProblem } from './storage-problem.ts';

interface Schema extends DBSchema {
  a: { key: number; value: string };
  b: { key: number; value: string };
}

const NAME = 'open-database-test';

afterEach(async () => {
  vi.restoreAllMocks();
  await deleteDB(NAME);
});

it('runs the migrations a database has not had, and only those', async () => {
  const first = await openDatabase<Schema>(NAME, [(db) => void db.createObjectStore('a')]);
  if (!first.ok) throw new Error(first.error.kind);
  await first.value.put('a', 'kept', 1);
  first.value.close();
  const second = await openDatabase<Schema>(NAME, [
    () => expect.unreachable('the first migration ran twice'),
    (db) => void db.createObjectStore('b'),
  ]);
  if (!second.ok) throw new Error(second.error.kind);
  expect([...second.value.objectStoreNames]).toEqual(['a', 'b']);
  expect(await second.value.get('a', 1)).toBe('kept');
  second.value.close();
});

it('says that another tab blocks it, and lets go when that tab is gone', async () => {
  // A tab of a version that doesn't close when it is asked to.
  const stuck = await openDB(NAME, 1);
  const said = vi.fn();
  const steps = [() => undefined, () => undefined];
  expect(await openDatabase(NAME, steps, { onBlocked: said, timeoutMs: 50 })).toEqual({
    ok: false,
    error: { kind: 'blocked' },
  });
  expect(said).toHaveBeenCalledOnce();
  stuck.close();
  const again = await openDatabase(NAME, steps);
  expect(again.ok).toBe(true);
  if (again.ok) again.value.close();
});

it('gives up on a browser that never answers', async () => {
  vi.spyOn(indexedDB, 'open').mockImplementation(() => new IDBOpenDBRequest());
  expect(await openDatabase(NAME, [() => undefined], { timeoutMs: 20 })).toEqual({
    ok: false,
    error: { kind: 'no-answer' },
  });
});

it.each([
  ['QuotaExceededError', 'quota'],
  ['VersionError', 'newer-version'],
  ['SecurityError', 'refused'],
  ['UnknownError', 'failed'],
])('takes %s for %s', (name, kind) => {
  expect(storageProblem(new DOMException('', name)).kind).toBe(kind);
});
