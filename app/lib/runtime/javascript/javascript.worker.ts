/** JavaScript and TypeScript in the sandbox worker: bundled by esbuild, run with Node's modules, one program per worker. */
import { browserTimers } from './browser-timers.ts';
import { handles } from './install-globals.ts';
import { Buffer } from '@jspm/core/nodelibs/buffer';
import { inspect } from 'node-inspect-extracted';
import type { ProgramFiles } from '../sandbox/program-door.ts';
import { serveRuntime, type WorkerHost } from '../sandbox/worker-host.ts';
import { BUILTINS_KEY, bundleProgram, startBundler } from './bundle-program.ts';
import { makeConsole } from './console-object.ts';
import { loadCommonJs } from './load-common-js.ts';
import { makeNodeModules } from './node-modules.ts';
import { ExitSignal, exitCodeOf, makeProcess, type ProgramProcess, ROOT, writeText } from './program-io.ts';
import { StackTraces } from './stack-traces.ts';

let surroundings: ReturnType<typeof makeSurroundings> | undefined;

serveRuntime({
  boot: async (host) => {
    surroundings = makeSurroundings(host);
    const module = host.modules.get('esbuild.wasm');
    if (!module) throw new Error('esbuild is missing');
    await startBundler(module);
    // The first bundle sets up what every later one needs; better now than when someone waits.
    await bundleProgram(EMPTY_PROGRAM, `${ROOT}/empty.ts`, () => false);
  },
  run: async (host, program) => {
    if (!surroundings) throw new Error('JavaScript did not start');
    return run(surroundings, host, program);
  },
});

const EMPTY_PROGRAM = {
  isFile: () => false,
  readText: () => 'export const nothing: number = 0;',
  readBytes: () => new Uint8Array(),
};

/** What a program finds around it, made before there is one. */
function makeSurroundings(host: WorkerHost) {
  const { process, begin } = makeProcess(host, handles);
  const console = makeConsole(
    (text) => writeText(host, 1, text),
    (text) => writeText(host, 2, text),
  );
  return { process, begin, console, ...makeNodeModules(host, handles, process, console) };
}

async function run(
  { process, begin, console, table, view, webcrypto, putFiles }: ReturnType<typeof makeSurroundings>,
  host: WorkerHost,
  program: ProgramFiles,
): Promise<number> {
  const entry = `${ROOT}/${program.entry}`;
  begin(entry);
  putFiles(program.files);
  const bundle = await bundleProgram(view, entry, (name) => name in table);
  if (!bundle.ok) {
    writeText(host, 2, bundle.message);
    return 1;
  }
  const scope = globalThis as unknown as Record<string, unknown>;
  const folder = entry.slice(0, entry.lastIndexOf('/'));
  Object.assign(scope, {
    [BUILTINS_KEY]: table,
    process,
    console,
    Buffer,
    global: globalThis,
    require: loadCommonJs({ view, table, folder }),
    fetch: () => Promise.reject(new TypeError('fetch failed: programs in the room have no network')),
  });
  Object.defineProperty(scope, 'crypto', {
    value: webcrypto,
    configurable: true,
  });
  // Programs tell Node from a browser by these.
  for (const name of ['importScripts', 'WorkerGlobalScope', 'DedicatedWorkerGlobalScope']) delete scope[name];
  const url = URL.createObjectURL(new Blob([bundle.code], { type: 'text/javascript' }));
  const traces = new StackTraces(url, bundle.map);
  traces.install();
  return lifetime(host, process, traces, import(/* @vite-ignore */ url) as Promise<unknown>);
}

/** From the first line to the exit code: the main module, then whatever it left running, then the `exit` listeners. */
async function lifetime(
  host: WorkerHost,
  process: ProgramProcess,
  traces: StackTraces,
  main: Promise<unknown>,
): Promise<number> {
  const crashed = new Promise<number>((resolve) => {
    const crash = (
      error: unknown,
      event: 'uncaughtException' | 'unhandledRejection',
      promise?: unknown,
    ): void => {
      if (error instanceof ExitSignal) return resolve(error.code);
      const handler = process.listenerCount(event) > 0 ? event : 'uncaughtException';
      if (process.listenerCount(handler) > 0) {
        process.emit(handler, error, promise ?? event);
        return;
      }
      writeText(host, 2, traces.describe(error, inspect));
      process.exitCode = 1;
      process.emit('exit', 1);
      resolve(1);
    };
    self.addEventListener('error', (event) => {
      event.preventDefault();
      crash(event.error ?? event.message, 'uncaughtException');
    });
    self.addEventListener('unhandledrejection', (event) => {
      event.preventDefault();
      crash(event.reason, 'unhandledRejection', event.promise);
    });
    main.catch((error: unknown) => crash(error, 'uncaughtException'));
  });
  return Promise.race([crashed, finished(process, main)]);
}

async function finished(process: ProgramProcess, main: Promise<unknown>): Promise<number> {
  let settled = false;
  const watched = main.then(
    () => void (settled = true),
    () => new Promise<never>(() => undefined),
  );
  await Promise.race([watched, idleAfterStart()]);
  if (!settled) {
    // Nothing is left that could settle a top-level await: Node's own code for this is 13.
    process.exitCode ??= 13;
  }
  for (;;) {
    await handles.idle();
    process.emit('beforeExit', exitCodeOf(process.exitCode));
    if (handles.live === 0) break;
  }
  const code = exitCodeOf(process.exitCode);
  process.emit('exit', code);
  return exitCodeOf(process.exitCode ?? code);
}

/** The main module is fetched and compiled first, which holds nothing; so idleness counts only after a moment. */
async function idleAfterStart(): Promise<void> {
  await new Promise((resolve) => browserTimers.setTimeout(() => resolve(undefined), START_MS));
  await handles.idle();
}

const START_MS = 1000;
