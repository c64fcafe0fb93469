/** Python in the sandbox worker: Pyodide from the bytes the app handed in, one program, then the worker is thrown away. */
import './refuse-import-scripts.ts';
import { loadPyodide, type PyodideConfig, type PyodideInterface } from 'pyodide';
import type { PyCallable, PyDict } from 'pyodide/ffi';
import { info as lockInfo } from 'pyodide/pyodide-lock.json';
import createPyodideModule from 'pyodide/pyodide.asm.mjs';
import { makeRing, RingWriter } from '../sandbox/output-ring.ts';
import type { ProgramFiles } from '../sandbox/program-door.ts';
import { serveRuntime, type WorkerHost } from '../sandbox/worker-host.ts';
import { hearStop } from './hear-stop.ts';
import runProgram from './run_program.py';

const ROOT = '/project';
/** An address that resolves nowhere; Pyodide wants one, `fetch` below answers it. */
const ASSETS = 'http://assets.invalid/';

/** A function of run_program.py that may wait for what JavaScript promises (`asyncio.run`). */
type Start = (entry: string) => Promise<unknown>;

/** The parts of Emscripten's file system used here; Pyodide leaves it untyped. */
interface FileSystem {
  mkdirTree(path: string): void;
  writeFile(path: string, bytes: Uint8Array): void;
  unlink(path: string): void;
  readonly ErrnoError: new (errno: number) => Error;
}
const fileSystem = (booted: PyodideInterface): FileSystem => booted.FS as FileSystem;

interface Interpreter {
  readonly pyodide: PyodideInterface;
  readonly run: Start;
}
let python: Interpreter | undefined;

serveRuntime({
  boot: async (host) => {
    python = await bootPyodide(host);
  },
  run: async (_, program) => {
    if (!python) throw new Error('Python did not start');
    putFiles(python.pyodide, program.files);
    const code = await python.run(program.entry);
    return typeof code === 'number' ? code : 1;
  },
});

async function bootPyodide(host: WorkerHost): Promise<Interpreter> {
  const restore = answerFetches(host);
  try {
    const options: PyodideConfig = {
      indexURL: ASSETS,
      packageBaseUrl: ASSETS,
      stdLibURL: `${ASSETS}python_stdlib.zip`,
      createPyodideModule: createPyodideModule as NonNullable<PyodideConfig['createPyodideModule']>,
      lockFileContents: EMPTY_LOCKFILE,
      env: { HOME: ROOT, PYTHONUNBUFFERED: '1', LANG: 'C.UTF-8' },
    };
    const pyodide = await loadPyodide(options);
    fileSystem(pyodide).mkdirTree(ROOT);
    const own = pyodide.toPy({ __name__: 'run_program' }) as PyDict;
    pyodide.runPython(runProgram, { globals: own });
    const named = (name: string): PyCallable => own.get(name) as PyCallable;
    named('prepare')(pauseOf(pyodide, host));
    await rehearse(pyodide, host, starter(named('rehearse')));
    connectStreams(pyodide, host);
    return { pyodide, run: starter(named('run')) };
  } finally {
    restore();
  }
}

/**
 * The first of everything takes longest: files, streams, start. Better now, in memory nobody reads, than when someone waits.
 * The program is the shortest there is; what it leaves, `rehearse` and the end of this take away.
 */
async function rehearse(pyodide: PyodideInterface, host: WorkerHost, start: Start): Promise<void> {
  const ring = new RingWriter(makeRing());
  connectStreams(pyodide, { ...host, write: (stream, bytes) => ring.write(stream, bytes) });
  putFiles(pyodide, [['main.py', new TextEncoder().encode("print('ready')\n")]]);
  await start('main.py');
  fileSystem(pyodide).unlink(`${ROOT}/main.py`);
}

/** Calls it so that it may wait for what JavaScript promises, as `asyncio.run` does; a browser that can't do that runs the rest. */
function starter(callable: PyCallable): Start {
  return 'Suspending' in WebAssembly
    ? (entry) => callable.callPromising(entry)
    : async (entry) => callable(entry) as unknown;
}

/** No package can be fetched here, so none is offered. */
const EMPTY_LOCKFILE = JSON.stringify({ info: lockInfo, packages: {} });

/** Pyodide fetches and compiles its own parts; for that while they come from the bytes at hand. Returns what undoes it. */
function answerFetches(host: WorkerHost): () => void {
  const fetch = self.fetch.bind(self);
  const instantiateStreaming = WebAssembly.instantiateStreaming.bind(WebAssembly);
  const target = self as unknown as Record<string, unknown>;
  target['fetch'] = async (url: RequestInfo | URL) => {
    const name = (url instanceof Request ? url.url : String(url)).slice(ASSETS.length);
    const bytes = host.assets.get(name);
    return bytes
      ? new Response(bytes as BodyInit)
      : new Response(null, { status: name.endsWith('.wasm') ? 200 : 404 });
  };
  WebAssembly.instantiateStreaming = async (source, imports) => {
    const compiled = host.modules.get('pyodide.asm.wasm');
    if (!compiled) return instantiateStreaming(source, imports);
    return { module: compiled, instance: await WebAssembly.instantiate(compiled, imports) };
  };
  return () => {
    target['fetch'] = fetch;
    WebAssembly.instantiateStreaming = instantiateStreaming;
  };
}

function connectStreams(booted: PyodideInterface, host: WorkerHost): void {
  for (const [stream, set] of [
    [1, booted.setStdout.bind(booted)],
    [2, booted.setStderr.bind(booted)],
  ] as const) {
    set({
      isatty: false,
      write: (bytes) => {
        host.write(stream, bytes);
        return bytes.length;
      },
    });
  }
  const signal = new Int32Array(host.shared.interrupt);
  const interrupted = (): boolean => Atomics.load(signal, 0) !== 0;
  let rest = new Uint8Array();
  booted.setStdin({
    isatty: false,
    read: (buffer) => {
      if (rest.length === 0) {
        const line = interrupted() ? 'interrupted' : host.readInputSync();
        // EINTR makes Python look at its signals and try again; every so many times it finds the KeyboardInterrupt there.
        if (line === 'interrupted')
          throw new (fileSystem(booted).ErrnoError)(booted.ERRNO_CODES['EINTR'] ?? 27);
        if (typeof line === 'string') return 0;
        rest = line as Uint8Array<ArrayBuffer>;
      }
      const length = Math.min(buffer.length, rest.length);
      buffer.set(rest.subarray(0, length));
      rest = rest.subarray(length);
      return length;
    },
  });
  hearStop(booted, host.shared.interrupt);
}

function putFiles(pyodide: PyodideInterface, files: ProgramFiles['files']): void {
  // mkdirTree throws and catches for every folder on the way that is there already.
  const made = new Set([ROOT]);
  for (const [path, bytes] of files) {
    const full = `${ROOT}/${path}`;
    const folder = full.slice(0, full.lastIndexOf('/'));
    if (!made.has(folder)) fileSystem(pyodide).mkdirTree(folder);
    made.add(folder);
    fileSystem(pyodide).writeFile(full, bytes);
  }
}

/** Sleeps in shared memory, where Stop wakes it. */
function pauseOf(pyodide: PyodideInterface, host: WorkerHost): (seconds: number) => void {
  const signal = new Int32Array(host.shared.interrupt);
  return (seconds) => {
    Atomics.wait(signal, 0, 0, seconds * 1000);
    pyodide.checkInterrupt();
  };
}
