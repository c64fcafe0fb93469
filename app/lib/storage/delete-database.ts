/** Deleting an IndexedDB database so that every way it can fail or hang becomes a value. */
import { deleteDB } from 'idb';
import { err, ok, type Result } from '../core/result.ts';
import { storageProblem, type StorageProblem } from './storage-problem.ts';

/** Tabs that have it open let go as soon as they are asked; a person waits for the answer. */
const DELETE_TIMEOUT_MS = 5_000;

/**
 * Deletes `name`; one that doesn't exist is deleted already. After 'blocked' or 'no-answer' the browser goes on trying:
 * it may be gone once whoever holds it closes.
 */
export async function deleteDatabase(
  name: string,
  timeoutMs = DELETE_TIMEOUT_MS,
): Promise<Result<void, StorageProblem>> {
  let late: StorageProblem = { kind: 'no-answer' };
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const timeout = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), timeoutMs);
    });
    const deleting = deleteDB(name, { blocked: () => (late = { kind: 'blocked' }) });
    return (await Promise.race([deleting, timeout])) === 'late' ? err(late) : ok(undefined);
  } catch (error) {
    return err(storageProblem(error));
  } finally {
    clearTimeout(timer);
  }
}
