/** Parts of the room page that opening a room does without: they come when they are wanted, or when the page is at rest. */

/** Where a browser can't say when it is idle: opening, reading and the first keys are over. */
const AT_REST_AFTER_MS = 2000;

/** Has parts here before they are wanted; what can't be fetched now is fetched then. Gives back what calls it off. */
export function fetchAtRest(loads: readonly (() => Promise<unknown>)[]): () => void {
  const fetchAll = (): void => {
    for (const load of loads) load().catch(() => undefined);
  };
  if (!('requestIdleCallback' in globalThis)) {
    const timer = setTimeout(fetchAll, AT_REST_AFTER_MS);
    return () => clearTimeout(timer);
  }
  const idle = requestIdleCallback(fetchAll);
  return () => cancelIdleCallback(idle);
}

/** Why a part is not here, and what to do, in words. */
export const partMissingWords = (online: boolean): string =>
  online
    ? 'This part of CodeFace could not be fetched: the server does not answer, or has a new version. The rest of the room works. Try again; if it stays so, reload the page.'
    : 'There is no network, and this part of CodeFace is not on this device yet. The rest of the room works. Try again when the network is back.';
