/** Python in the sandbox worker: Pyodide from the bytes the app handed in, one program, then the worker is thrown away. */
import './refuse-import-scripts.ts';
import { loadPyodide, type PyodideConfig, type PyodideInterface } from 'pyodide';
import { info as lockInfo } from 'pyodide/pyodide-lock.json';
import createPyodideModule from 'pyodide/pyodide.asm.mjs';
import { serveRuntime, type ProgramFiles, type WorkerHost } from '../sandbox/worker-host.ts';
import runProgram from './run_program.py';

const ROOT = '/project';
/** An address that resolves nowhere; Pyodide wants one, `fetch` below answers it. */
const ASSETS = 'http://assets.invalid/';

type PyDict = NonNullable<NonNullable<Parameters<PyodideInterface['runPython']>[1]>['globals']>;

/** The parts of Emscripten's file system used here; Pyodide leaves it untyped. */
interface FileSystem {
  mkdirTree(path: string): void;
  writeFile(path: string, bytes: Uint8Array): void;
  readonly ErrnoError: new (errno: number) => Error;
}
const fileSystem = (booted: PyodideInterface): FileSystem => booted.FS as FileSystem;

let python: PyodideInterface | undefined;

serveRuntime({
  boot: async (host) => {
    python = await bootPyodide(host);
  },
  run: async (host, program) => {
    if (!python) throw new Error('Python did not start');
    return run(python, host, program);
  },
});

async function bootPyodide(host: WorkerHost): Promise<PyodideInterface> {
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
    const booted = await loadPyodide(options);
    fileSystem(booted).mkdirTree(ROOT);
    booted.runPython(runProgram, { globals: namespace(booted) });
    await rehearse(booted);
    connectStreams(booted, host);
    return booted;
  } finally {
    restore();
  }
}

/** The first of everything takes longest; better now, said to nobody, than when someone waits. */
async function rehearse(booted: PyodideInterface): Promise<void> {
  booted.setStdout({ isatty: false, write: (bytes) => bytes.length });
  await booted.runPythonAsync('rehearse()', { globals: programNamespace });
}

/** No package can be fetched here, so none is offered. */
const EMPTY_LOCKFILE = JSON.stringify({ info: lockInfo, packages: {} });

let programNamespace: PyDict;
function namespace(booted: PyodideInterface): PyDict {
  programNamespace = booted.toPy({ __name__: 'run_program' }) as PyDict;
  return programNamespace;
}

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
  booted.setInterruptBuffer(new Uint8Array(host.shared.interrupt));
}

async function run(booted: PyodideInterface, host: WorkerHost, program: ProgramFiles): Promise<number> {
  for (const [path, bytes] of program.files) {
    const full = `${ROOT}/${path}`;
    fileSystem(booted).mkdirTree(full.slice(0, full.lastIndexOf('/')));
    fileSystem(booted).writeFile(full, bytes);
  }
  const signal = new Int32Array(host.shared.interrupt);
  const pause = (seconds: number): void => {
    Atomics.wait(signal, 0, 0, seconds * 1000);
    booted.checkInterrupt();
  };
  const globals = booted.toPy({
    entry: program.entry,
    pause,
    run: (programNamespace as unknown as Map<string, unknown>).get('run'),
  }) as PyDict;
  const code: unknown = await booted.runPythonAsync('run(entry, pause)', { globals });
  return typeof code === 'number' ? code : 1;
}
