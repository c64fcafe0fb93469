/** Node's built-in modules as this runtime has them: well-kept polyfills, the program's files in memory, our own streams. */
import * as buffer from '@jspm/core/nodelibs/buffer';
import * as events from '@jspm/core/nodelibs/events';
import * as os from '@jspm/core/nodelibs/os';
import * as path from '@jspm/core/nodelibs/path';
import * as stream from '@jspm/core/nodelibs/stream';
import { format, formatWithOptions, inspect, stripVTControlCharacters } from 'node-inspect-extracted';
import type { WorkerHost } from '../sandbox/worker-host.ts';
import { AsyncLocalStorage, AsyncResource } from './async-hooks.ts';
import { type Handles } from './handles.ts';
import { loadCommonJs } from './load-common-js.ts';
import { makeFileSystem, type ProgramFileSystem } from './node-fs.ts';
import { polyfills } from './polyfills.ts';
import { type ProgramProcess, ROOT } from './program-io.ts';
import * as readline from './readline.ts';
import { testModule } from './node-test.ts';

export interface NodeModules extends Pick<ProgramFileSystem, 'view' | 'putFiles'> {
  /** By name without `node:`; reading a name sets its module up. */
  readonly table: Readonly<Record<string, unknown>>;
  readonly webcrypto: Crypto;
}

/** Modules that need what a browser's sandbox has not; requiring one works, using it says why it can't. */
const UNAVAILABLE: Readonly<Record<string, string>> = {
  child_process: 'other processes',
  cluster: 'other processes',
  dgram: 'the network',
  dns: 'the network',
  http: 'the network',
  http2: 'the network',
  https: 'the network',
  inspector: 'a debugger',
  net: 'the network',
  tls: 'the network',
  worker_threads: 'threads of its own',
};

/** The modules for one program, whose files come later. */
export function makeNodeModules(
  host: WorkerHost,
  handles: Handles,
  process: ProgramProcess,
  console: Console,
): NodeModules {
  const { fs, view, putFiles } = makeFileSystem(host, handles, process);
  const timers = { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, clearImmediate };
  const pathModule = whole(path) as Record<string, unknown>;
  const webcrypto = globalThis.crypto.subtle ? globalThis.crypto : webCrypto();
  const performanceModule = {
    performance,
    PerformanceObserver: globalThis.PerformanceObserver,
    constants: {},
  };
  const table: Record<string, unknown> = {
    async_hooks: {
      AsyncLocalStorage,
      AsyncResource,
      createHook: () => ({ enable() {}, disable() {} }),
      executionAsyncId: () => 0,
    },
    buffer: whole(buffer),
    console: Object.assign(console, { Console: Object }),
    events: whole(events),
    fs,
    'fs/promises': fs['promises'],
    module: {
      builtinModules: [] as string[],
      createRequire: (from: string | URL) => requireFrom(folderOf(from)),
      isBuiltin: (name: string) => name.replace(/^node:/, '') in table,
    },
    os: {
      ...(whole(os) as object),
      EOL: '\n',
      platform: () => 'linux',
      type: () => 'Linux',
      homedir: () => ROOT,
      tmpdir: () => '/tmp',
      cpus: () => [],
      availableParallelism: () => 1,
    },
    path: Object.assign(pathModule, { posix: pathModule }),
    'path/posix': pathModule,
    perf_hooks: performanceModule,
    process,
    readline: { ...readline },
    'readline/promises': readline.promises,
    stream: whole(stream),
    'stream/web': { ReadableStream, WritableStream, TransformStream, CompressionStream, DecompressionStream },
    test: testModule(process, (text) => host.write(1, new TextEncoder().encode(text))),
    timers,
    'timers/promises': TIMERS_PROMISES,
    tty: { isatty: () => false },
    v8: {
      serialize: (value: unknown) => value,
      deserialize: (value: unknown) => value,
      getHeapStatistics: () => ({}),
    },
  };
  const late = (name: string, make: () => unknown): void => setUpLater(table, name, make);
  for (const [name, load] of Object.entries(polyfills)) late(name, () => whole(load()));
  late('assert/strict', () => (table['assert'] as { strict: unknown }).strict);
  late('crypto', () => ({
    ...(whole(polyfills.crypto()) as object),
    webcrypto,
    subtle: webcrypto.subtle,
    randomUUID: () => webcrypto.randomUUID(),
    getRandomValues: (array: Uint8Array<ArrayBuffer>) => globalThis.crypto.getRandomValues(array),
  }));
  late('url', () => ({ ...(whole(polyfills.url()) as object), URL, URLSearchParams }));
  late('util', () => ({
    ...(whole(polyfills.util()) as object),
    TextEncoder,
    TextDecoder,
    format,
    formatWithOptions,
    inspect,
    stripVTControlCharacters,
    styleText: (_style: unknown, text: string) => text,
    parseArgs: undefined,
  }));
  late('util/types', () => (table['util'] as { types: unknown }).types);
  for (const [name, need] of Object.entries(UNAVAILABLE)) table[name] = unavailable(name, need);
  (table['module'] as { builtinModules: string[] }).builtinModules.push(...Object.keys(table));
  const requireFrom = (folder: string): unknown => loadCommonJs({ view, table, folder });
  return { table, view, putFiles, webcrypto };
}

/** Puts a module into the table that is made when it is first read. */
function setUpLater(table: Record<string, unknown>, name: string, make: () => unknown): void {
  const settle = (value: unknown): void => {
    Object.defineProperty(table, name, { value, enumerable: true, configurable: true, writable: true });
  };
  Object.defineProperty(table, name, {
    enumerable: true,
    configurable: true,
    get: () => {
      settle(make());
      return table[name];
    },
    set: settle,
  });
}

const folderOf = (from: string | URL): string => {
  const name = String(from).replace(/^file:\/\//, '');
  return name.slice(0, name.lastIndexOf('/')) || '/';
};

/** A module as `require` gives it: its default with every name on it. */
function whole(namespace: object): unknown {
  const { default: main, ...names } = namespace as { default?: unknown };
  if ((typeof main !== 'object' && typeof main !== 'function') || main === null) return names;
  const target: object = Object.isExtensible(main) ? main : { ...main };
  for (const [name, value] of Object.entries(names)) {
    if (!(name in target))
      Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return target;
}

/** Timers as promises. */
const TIMERS_PROMISES = {
  setTimeout: (ms?: number, value?: unknown) =>
    new Promise((resolve) => setTimeout(() => resolve(value), ms)),
  setImmediate: (value?: unknown) => new Promise((resolve) => setImmediate(() => resolve(value))),
  async *setInterval(ms?: number, value?: unknown) {
    for (;;) yield await new Promise((resolve) => setTimeout(() => resolve(value), ms));
  },
  scheduler: {
    wait: (ms?: number) => new Promise((resolve) => setTimeout(resolve, ms)),
    yield: () => new Promise((resolve) => setImmediate(resolve)),
  },
};

/** Where the sandbox is no secure context the browser hides crypto.subtle; random numbers and digests remain. */
function webCrypto(): Crypto {
  const digest = async (
    algorithm: string | { name: string },
    data: ArrayBuffer | ArrayBufferView,
  ): Promise<ArrayBuffer> => {
    const name = (typeof algorithm === 'string' ? algorithm : algorithm.name).toLowerCase().replace('-', '');
    const bytes = ArrayBuffer.isView(data)
      ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      : new Uint8Array(data);
    const { createHash } = polyfills.crypto() as {
      createHash: (name: string) => { update(data: Uint8Array): { digest(): Uint8Array } };
    };
    return Uint8Array.from(createHash(name).update(bytes).digest()).buffer;
  };
  const randomUUID = (): string => {
    const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = ((bytes[6] ?? 0) & 15) | 64;
    bytes[8] = ((bytes[8] ?? 0) & 63) | 128;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  };
  const getRandomValues = globalThis.crypto.getRandomValues.bind(globalThis.crypto);
  return { getRandomValues, randomUUID, subtle: { digest } } as unknown as Crypto;
}

function unavailable(name: string, need: string): unknown {
  const refuse = (): never => {
    throw new Error(`Node's '${name}' needs ${need}, which programs in the room do not have`);
  };
  const known: Record<string, unknown> =
    name === 'worker_threads' ? { isMainThread: true, parentPort: null, threadId: 0, workerData: null } : {};
  if (name === 'cluster') known['isPrimary'] = known['isMaster'] = true;
  return new Proxy(known, {
    get: (target, key) =>
      typeof key === 'symbol' || key === '__esModule' || key === 'then'
        ? undefined
        : key in target
          ? target[key]
          : refuse,
  });
}
