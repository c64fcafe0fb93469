/** The statement a room begins with, as this device has it, and whether a link's keys are the ones it names. */
import type { Bytes } from '../core/bytes.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import { decodeGenesis, namesKeys, type Genesis } from '../log/genesis.ts';
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

/**
 * The genesis statement from the room's store, or `made`, by the page that has just made the room; undefined where
 * this device has never met the room. Rejects where the store does.
 */
export async function loadGenesis(
  store: LogStore,
  keys: RoomKeys,
  made: Bytes | undefined,
): Promise<Result<Genesis | undefined, WrongKey>> {
  const { genesis: stored } = await store.loadFacts();
  const bytes = stored ?? made;
  if (bytes === undefined) return ok(undefined);
  const read = await decodeGenesis(bytes, keys.roomId);
  // A damaged statement is asked of the others again.
  if (!read.ok) return ok(undefined);
  if (!namesKeys(read.value, keys)) return err({ kind: 'wrong-key' });
  return ok(read.value);
}
