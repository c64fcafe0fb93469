/** What the page and the service worker agree on about the offline caches. */

/** Holds the runtimes' large files, fetched when a room is idle. */
export const RUNTIME_CACHE = 'codeface-runtimes';

/** Whether a built file belongs to a language runtime: fetched when a room is idle, not with the shell. */
export const isRuntimeAsset = (path: string): boolean =>
  // The app's own scripts are in other folders; what lies here as .js is a runtime's bundle for the sandbox.
  path.startsWith('/_app/immutable/assets/') && /\.(wasm|zip|js|mjs|json|data)$/.test(path);
