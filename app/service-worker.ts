/**
 * What makes the app open without a network: the shell is cached when this worker is installed, and the runtimes
 * when a room has fetched them. Rooms themselves never come through here: they are in the log on this device.
 *
 * Two caches: the shell (precached, replaced as a whole with each version) and the runtimes (large, named by their
 * content, fetched by a room when it is idle; kept over versions as long as the build still names them).
 */
import { build, files, prerendered, version } from '$service-worker';
import { clientsClaim } from 'workbox-core';
import { createHandlerBoundToURL, precacheAndRoute, type PrecacheEntry } from 'workbox-precaching';
import { NavigationRoute, registerRoute } from 'workbox-routing';
import { CacheFirst } from 'workbox-strategies';
import { isRuntimeAsset, RUNTIME_CACHE } from './lib/core/offline-cache.ts';

/** What is used here of a service worker's global: the DOM's types, which the rest of the app needs, lack it. */
interface ServiceWorkerGlobal {
  skipWaiting(): Promise<void>;
  addEventListener(
    type: 'activate',
    heard: (event: { waitUntil(done: Promise<unknown>): void }) => void,
  ): void;
  addEventListener(type: 'message', heard: (event: { readonly data: unknown }) => void): void;
}
const worker = globalThis as unknown as ServiceWorkerGlobal;

const SHELL = '/200.html';

const shell: PrecacheEntry[] = [
  // Built files carry a hash of their content in their name, so that they never change.
  ...build.filter((url) => !isRuntimeAsset(url)).map((url) => ({ url, revision: null })),
  ...[...files, ...prerendered, SHELL].map((url) => ({ url, revision: version })),
];
precacheAndRoute(shell, { cleanURLs: false });

/** Pages: the landing page is its own HTML; every room is the shell, whose address and key stay in the browser. */
registerRoute(new NavigationRoute(createHandlerBoundToURL(SHELL), { allowlist: [/^\/r\//, /^\/rooms$/] }));

registerRoute(
  ({ url, sameOrigin }) => sameOrigin && isRuntimeAsset(url.pathname),
  new CacheFirst({ cacheName: RUNTIME_CACHE }),
);

worker.addEventListener('activate', (event) => event.waitUntil(dropOldRuntimes()));
/** A page asks for the waiting version when its person chose to reload. */
worker.addEventListener('message', (event) => {
  if (event.data === 'skip-waiting') void worker.skipWaiting();
});
clientsClaim();

async function dropOldRuntimes(): Promise<void> {
  const cache = await caches.open(RUNTIME_CACHE);
  const current = new Set(build);
  for (const request of await cache.keys())
    if (!current.has(new URL(request.url).pathname)) await cache.delete(request);
}
