import { sveltekit } from '@sveltejs/kit/vite';
import { join } from 'node:path';
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

/** Languages bring completions, which nothing here shows: the page and its grammars do without what makes and draws them. */
function withoutCompletions(): Plugin {
  const own = (file: string): string => join(import.meta.dirname, 'app/lib/editor', file);
  return {
    name: 'codeface-without-completions',
    enforce: 'pre',
    resolveId(wanted, from = '') {
      if (wanted === '@codemirror/autocomplete' && from.includes('/@codemirror/lang-'))
        return own('no-completions.ts');
      // Its list of all languages, which would bring back those of Python.
      if (wanted === '@codemirror/lang-python' && from.includes('/@codemirror/language-data/'))
        return own('python.ts');
      return undefined;
    },
  };
}

/** Where `npm start` serves signaling and relay, so that rooms of `npm run dev` meet too. */
const thinServer = `http://127.0.0.1:${process.env['PORT'] ?? 8420}`;

export default defineConfig({
  plugins: [securityHeaders(), sandboxBundlePlugin(), withoutCompletions(), sveltekit()],
  worker: { format: 'es' },
  resolve: {
    alias: [
      // Yjs warns through it, once in a while: the variant for browsers brings a console of HTML elements and a schema checker.
      { find: 'lib0/logging', replacement: join(import.meta.dirname, 'node_modules/lib0/logging.node.js') },
      // y-codemirror.next imports its carets of others even where it is told to draw none.
      {
        find: /^\.\/y-remote-selections\.js$/,
        replacement: join(import.meta.dirname, 'app/lib/editor/no-remote-selections.ts'),
      },
    ],
  },
  server: {
    proxy: {
      '/signal': { target: thinServer, ws: true },
      '/relay': { target: thinServer, ws: true },
      '/healthz': thinServer,
      '/pb': thinServer,
      '/archive': thinServer,
    },
  },
  test: {
    // All cores: Vitest leaves one free for itself, which of two is half. Its own process only waits while tests run.
    maxWorkers: '100%',
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          environment: 'node',
          include: ['{app,signaling,scripts,pocketbase}/**/*.test.ts'],
          exclude: ['**/node_modules/**'],
          // Two shared cores must not decide a test: what hangs is caught all the same.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
