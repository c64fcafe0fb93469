/** Opening an IndexedDB database so that every way it can fail or hang becomes a value. */
import { openDB, type DBSchema, type IDBPDatabase, type OpenDBCallbacks } from 'idb';
import { err, ok, type Result } from '../core/result.ts';
import { storageProblem, type StorageProblem } from './storage-problem.ts';

/** One step of a database's history: from the version that is its index to the next. */
export type Migration<Schema extends DBSchema> = (db: IDBPDatabase<Schema>) => void;

/** Who ended a connection: a tab with a newer version, a tab that deletes the database, or the browser itself. */
export type ClosedBy = 'newer-version' | 'deleted' | 'terminated';

export interface OpenOptions {
  /** An older version is open in another tab; opening goes on until `timeoutMs`. */
  readonly onBlocked?: () => void;
  /** The connection ended and nothing more is kept; every write rejects from now on. */
  readonly onClosed?: (why: ClosedBy) => void;
  /** Some browsers never answer (a corrupt profile); a person shouldn't wait longer than this for a room. */
  readonly timeoutMs?: number;
}

const OPEN_TIMEOUT_MS = 8_000;

/** Opens `name`, bringing it up to date by the migrations it hasn't had; closes by itself when a newer version comes. */
export async function openDatabase<Schema extends DBSchema>(
  name: string,
  migrations: readonly Migration<Schema>[],
  { onBlocked, onClosed, timeoutMs = OPEN_TIMEOUT_MS }: OpenOptions = {},
): Promise<Result<IDBPDatabase<Schema>, StorageProblem>> {
  let late: StorageProblem = { kind: 'no-answer' };
  let db: IDBPDatabase<Schema> | undefined;
  const callbacks: OpenDBCallbacks<Schema> = {
    upgrade(database, oldVersion) {
      for (const migrate of migrations.slice(oldVersion)) migrate(database);
    },
    blocked() {
      late = { kind: 'blocked' };
      onBlocked?.();
    },
    blocking(_, wanted) {
      db?.close();
      onClosed?.(wanted === null ? 'deleted' : 'newer-version');
    },
    terminated: () => onClosed?.('terminated'),
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const opening = openDB<Schema>(name, migrations.length, callbacks);
    const timeout = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), timeoutMs);
    });
    db = await Promise.race([opening, timeout]);
    if (db !== undefined) return ok(db);
    // If it opens after all, nobody is waiting for it any more.
    void opening.then(
      (opened) => opened.close(),
      () => undefined,
    );
    return err(late);
  } catch (error) {
    return err(storageProblem(error));
  } finally {
    clearTimeout(timer);
  }
}
