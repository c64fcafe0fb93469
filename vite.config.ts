import { sveltekit } from '@sveltejs/kit/vite';
import type { Connect, Plugin } from 'vite';
import { defineConfig } from 'vitest/config';
import { headersForPath } from './app/lib/core/security-headers.ts';
import { sandboxBundlePlugin } from './app/lib/runtime/bundle-plugin.ts';

/** `vite dev` and `vite preview` answer with the headers of the thin server, so that what they would block is seen while developing. */
function securityHeaders(): Plugin {
  const setHeaders: Connect.NextHandleFunction = (request, response, next) => {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    // The inline scripts of the dev server change at each request and cannot be named by hash.
    for (const [name, value] of Object.entries(headersForPath(path, 'any'))) response.setHeader(name, value);
    next();
  };
  return {
    name: 'codeface-security-headers',
    configureServer: (server) => void server.middlewares.use(setHeaders),
    configurePreviewServer: (server) => void server.middlewares.use(setHeaders),
  };
}

export default defineConfig({
  plugins: [securityHeaders(), sandboxBundlePlugin(), sveltekit()],
  worker: { format: 'es' },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          environment: 'node',
          include: ['{app,signaling,scripts,pocketbase}/**/*.test.ts'],
          exclude: ['**/*.svelte.test.ts', '**/node_modules/**'],
        },
      },
    ],
  },
});
