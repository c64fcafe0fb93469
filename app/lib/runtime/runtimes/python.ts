/** Python: Pyodide, with a memory cap. */
import moduleUrl from 'pyodide/pyodide.asm.wasm?url';
import libraryUrl from 'pyodide/python_stdlib.zip?url';
import { WASM_MEMORY_BYTES } from '../limits.ts';
import workerUrl from '../python/python.worker.ts?sandbox';
import { sandboxedRuntime } from '../sandboxed-runtime.ts';

export const python = sandboxedRuntime({
  id: 'python',
  label: 'Python 3.14',
  endings: ['.py'],
  worker: { name: 'python.worker.js', url: workerUrl, bytes: 1_300_000 },
  assets: [
    { name: 'pyodide.asm.wasm', url: moduleUrl, bytes: 9_600_000, maxMemoryBytes: WASM_MEMORY_BYTES },
    { name: 'python_stdlib.zip', url: libraryUrl, bytes: 2_550_000 },
  ],
  interruptible: true,
});
