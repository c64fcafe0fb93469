/** The statement that a room begins with, put into its store by the page that made the room. */
import type { Bytes } from '../core/bytes.ts';
import type { LogStore } from '../log/log-store.ts';
import { storageProblem, type StorageProblem } from '../storage/storage-problem.ts';

/** Stores the statement of a room just made; says why that can't be. Without it nothing in the store could be read again. */
export async function keepGenesis(store: LogStore, genesis: Bytes): Promise<StorageProblem | undefined> {
  try {
    await store.saveFacts({ genesis });
    return undefined;
  } catch (error) {
    return storageProblem(error);
  }
}
