/** Whether the person asked their browser to save data, as many do on a phone's network: nothing large is fetched then before it is wanted. */

interface Connection extends EventTarget {
  readonly saveData?: boolean;
}

/** Not every browser tells; one that doesn't is taken not to. */
const connection = (): Connection | undefined =>
  (globalThis.navigator as { readonly connection?: Connection } | undefined)?.connection;

export const savesData = (): boolean => connection()?.saveData === true;

/** Calls back when that, or the network it is about, may have changed. */
export function onConnectionChange(changed: () => void, signal: AbortSignal): void {
  connection()?.addEventListener('change', changed, { signal });
}
