/** The statement that a room begins with, put into its store by the page that made the room. */
import type { Bytes } from '../core/bytes.ts';
import type { LogStore } from '../log/log-store.ts';
import { storageProblem, type StorageProblem } from '../storage/storage-problem.ts';

/** The link is well-formed and its key is another's: what is written with it nobody in this room could read. */
export type WrongKey = { readonly kind: 'wrong-key' };

/** Stores the statement of a room just made; says why that can't be. Without it nothing in the store could be read again. */
export async function keepGenesis(store: LogStore, genesis: Bytes): Promise<StorageProblem | undefined> {
  try {
    await store.saveFacts({ genesis });
    return undefined;
  } catch (error) {
    return storageProblem(error);
  }
}
