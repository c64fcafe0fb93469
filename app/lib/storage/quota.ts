/** How much this browser keeps for us and whether it may clear it: plain data, the words are made elsewhere. */

/** `undefined` where the browser doesn't tell. */
export interface StorageRoom {
  readonly usedBytes: number;
  readonly quotaBytes: number;
}

/** 'kept': only a person can clear it. 'until-cleared': the browser may, when the disk is full. */
export type Persistence = 'kept' | 'until-cleared' | 'unknown';

/** The part of `navigator.storage` used here; absent in old browsers and outside https. */
export type StorageApi = Partial<Pick<StorageManager, 'estimate' | 'persist' | 'persisted'>>;

const ofThisBrowser = (): StorageApi | undefined =>
  (globalThis.navigator as { readonly storage?: StorageApi } | undefined)?.storage;

export async function storageRoom(
  api: StorageApi | undefined = ofThisBrowser(),
): Promise<StorageRoom | undefined> {
  try {
    const { usage, quota } = (await api?.estimate?.()) ?? {};
    return usage === undefined || quota === undefined ? undefined : { usedBytes: usage, quotaBytes: quota };
  } catch {
    return undefined;
  }
}

/** Asks the browser not to clear what rooms hold. It may ask the person; call it after something worth keeping was made. */
export async function askToKeep(api: StorageApi | undefined = ofThisBrowser()): Promise<Persistence> {
  try {
    if ((await api?.persisted?.()) === true) return 'kept';
    const granted = await api?.persist?.();
    return granted === undefined ? 'unknown' : granted ? 'kept' : 'until-cleared';
  } catch {
    return 'unknown';
  }
}
