/** JavaScript and TypeScript with Node's API: esbuild and polyfills, all inside the sandbox worker. */
import moduleUrl from 'esbuild-wasm/esbuild.wasm?url';
import workerUrl from '../javascript/javascript.worker.ts?sandbox';
import { sandboxedRuntime } from '../sandboxed-runtime.ts';

export const javascript = sandboxedRuntime({
  id: 'javascript',
  label: 'JavaScript',
  endings: ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.jsx', '.tsx'],
  worker: { name: 'javascript.worker.js', url: workerUrl, bytes: 3_200_000 },
  assets: [{ name: 'esbuild.wasm', url: moduleUrl, bytes: 14_000_000 }],
  // Stop ends its worker at once.
  interruptible: false,
});
