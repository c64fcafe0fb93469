/** Node's built-in modules as this runtime has them: well-kept polyfills, the program's files in memory, our own streams. */
import assert from '@jspm/core/nodelibs/assert';
import * as buffer from '@jspm/core/nodelibs/buffer';
import * as constants from '@jspm/core/nodelibs/constants';
import * as crypto from '@jspm/core/nodelibs/crypto';
import * as diagnosticsChannel from '@jspm/core/nodelibs/diagnostics_channel';
import * as events from '@jspm/core/nodelibs/events';
import * as os from '@jspm/core/nodelibs/os';
import * as path from '@jspm/core/nodelibs/path';
import * as punycode from '@jspm/core/nodelibs/punycode';
import * as querystring from '@jspm/core/nodelibs/querystring';
import * as stream from '@jspm/core/nodelibs/stream';
import * as streamPromises from '@jspm/core/nodelibs/stream/promises';
import * as stringDecoder from '@jspm/core/nodelibs/string_decoder';
import * as url from '@jspm/core/nodelibs/url';
import * as util from '@jspm/core/nodelibs/util';
import * as vm from '@jspm/core/nodelibs/vm';
import * as zlib from '@jspm/core/nodelibs/zlib';
import { createFsFromVolume, Volume } from 'memfs';
import { format, formatWithOptions, inspect, stripVTControlCharacters } from 'node-inspect-extracted';
import type { WorkerHost } from '../sandbox/worker-host.ts';
import type { FileView } from './resolve.ts';
import { type Handles } from './handles.ts';
import { loadCommonJs } from './load-common-js.ts';
import { type ProgramProcess, ROOT } from './program-io.ts';
import * as readline from './readline.ts';
import { testModule } from './node-test.ts';

export interface NodeModules {
  readonly table: Readonly<Record<string, unknown>>;
  readonly view: FileView & { readBytes(path: string): Uint8Array };
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

/** The modules by name without `node:`, over a fresh copy of the program's files. */
export function makeNodeModules(
  host: WorkerHost,
  handles: Handles,
  process: ProgramProcess,
  console: Console,
  files: readonly (readonly [string, Uint8Array])[],
): NodeModules {
  const volume = new Volume();
  volume.mkdirSync('/tmp', { recursive: true });
  volume.mkdirSync(ROOT, { recursive: true });
  for (const [name, bytes] of files) {
    const full = `${ROOT}/${name}`;
    volume.mkdirSync(full.slice(0, full.lastIndexOf('/')), { recursive: true });
    volume.writeFileSync(full, bytes);
  }
  const fs = withWorkingFolder(
    createFsFromVolume(volume) as unknown as Record<string, unknown>,
    process,
    host,
  );
  countPromises(fs['promises'] as Record<string, unknown>, handles);
  const timers = { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, clearImmediate };
  const view: NodeModules['view'] = {
    isFile: (name) => volume.statSync(name, { throwIfNoEntry: false })?.isFile() ?? false,
    readText: (name) => volume.readFileSync(name, 'utf8') as string,
    readBytes: (name) => new Uint8Array(volume.readFileSync(name) as Buffer),
  };
  const timersPromises = {
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
  const pathModule = whole(path) as Record<string, unknown>;
  const utilModule = whole(util) as Record<string, unknown>;
  const webcrypto = globalThis.crypto.subtle ? globalThis.crypto : webCrypto(crypto);
  const performanceModule = {
    performance,
    PerformanceObserver: globalThis.PerformanceObserver,
    constants: {},
  };
  const table: Record<string, unknown> = {
    assert: whole({ ...assert, default: assert }),
    'assert/strict': (assert as unknown as { strict: unknown }).strict,
    async_hooks: {
      AsyncLocalStorage,
      AsyncResource,
      createHook: () => ({ enable() {}, disable() {} }),
      executionAsyncId: () => 0,
    },
    buffer: whole(buffer),
    console: Object.assign(console, { Console: Object }),
    constants: whole(constants),
    crypto: {
      ...(whole(crypto) as object),
      webcrypto,
      subtle: webcrypto.subtle,
      randomUUID: () => webcrypto.randomUUID(),
      getRandomValues: (array: Uint8Array<ArrayBuffer>) => globalThis.crypto.getRandomValues(array),
    },
    diagnostics_channel: whole(diagnosticsChannel),
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
    punycode: whole(punycode),
    querystring: whole(querystring),
    readline: { ...readline },
    'readline/promises': readline.promises,
    stream: whole(stream),
    'stream/promises': whole(streamPromises),
    'stream/web': { ReadableStream, WritableStream, TransformStream, CompressionStream, DecompressionStream },
    string_decoder: whole(stringDecoder),
    test: testModule(process, (text) => host.write(1, new TextEncoder().encode(text))),
    timers,
    'timers/promises': timersPromises,
    tty: { isatty: () => false },
    url: { ...(whole(url) as object), URL, URLSearchParams },
    util: Object.assign(utilModule, {
      TextEncoder,
      TextDecoder,
      format,
      formatWithOptions,
      inspect,
      stripVTControlCharacters,
      styleText: (_style: unknown, text: string) => text,
      parseArgs: undefined,
    }),
    'util/types': utilModule['types'],
    v8: {
      serialize: (value: unknown) => value,
      deserialize: (value: unknown) => value,
      getHeapStatistics: () => ({}),
    },
    vm: whole(vm),
    zlib: whole(zlib),
  };
  delete utilModule['parseArgs'];
  for (const [name, need] of Object.entries(UNAVAILABLE)) table[name] = unavailable(name, need);
  (table['module'] as { builtinModules: string[] }).builtinModules.push(...Object.keys(table));
  const requireFrom = (folder: string): unknown => loadCommonJs({ view, table, folder });
  return { table, view };
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

/** Where the sandbox is no secure context the browser hides crypto.subtle; random numbers and digests remain. */
function webCrypto(nodeCrypto: unknown): Crypto {
  const { createHash } = nodeCrypto as {
    createHash: (name: string) => { update(data: Uint8Array): { digest(): Uint8Array } };
  };
  const digest = async (
    algorithm: string | { name: string },
    data: ArrayBuffer | ArrayBufferView,
  ): Promise<ArrayBuffer> => {
    const name = (typeof algorithm === 'string' ? algorithm : algorithm.name).toLowerCase().replace('-', '');
    const bytes = ArrayBuffer.isView(data)
      ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      : new Uint8Array(data);
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

/** Relative paths are relative to process.cwd(), and descriptor 0 is the program's input. */
function withWorkingFolder(
  fs: Record<string, unknown>,
  process: ProgramProcess,
  host: WorkerHost,
): Record<string, unknown> {
  const absolute = (name: unknown): unknown =>
    typeof name === 'string' && !name.startsWith('/') ? `${process.cwd()}/${name}` : name;
  const twoPaths = /^(copyFile|rename|link|symlink|cp)/;
  const adapt = (target: Record<string, unknown>): void => {
    for (const [name, original] of Object.entries(target)) {
      if (typeof original !== 'function' || /^[A-Z_]|^f[a-z]+(Sync)?$(?<!fstat)/.test(name)) continue;
      target[name] = (...args: unknown[]) => {
        args[0] = absolute(args[0]);
        if (twoPaths.test(name)) args[1] = absolute(args[1]);
        return Reflect.apply(original, target, args) as unknown;
      };
    }
  };
  adapt(fs);
  const own = fs['promises'] as Record<string, unknown>;
  const promises: Record<string, unknown> = {};
  for (const name of allNames(own)) {
    const value = own[name];
    promises[name] = typeof value === 'function' ? (value.bind(own) as unknown) : value;
  }
  adapt(promises);
  const readFile = fs['readFileSync'] as (...args: unknown[]) => unknown;
  const read = fs['readSync'] as (...args: unknown[]) => unknown;
  const input = inputReader(host);
  return Object.assign(
    { ...fs },
    {
      promises,
      readFileSync: (name: unknown, options?: unknown) => {
        if (name !== 0 && name !== '/dev/stdin') return readFile(name, options);
        const bytes = input.all();
        return options ? new TextDecoder().decode(bytes) : buffer.Buffer.from(bytes);
      },
      readSync: (descriptor: unknown, target: Uint8Array, ...rest: unknown[]) => {
        if (descriptor !== 0) return read(descriptor, target, ...rest);
        const [offset = 0, length = target.length] = rest as number[];
        const bytes = input.some(length);
        target.set(bytes, offset);
        return bytes.length;
      },
      writeSync: (descriptor: unknown, data: unknown, ...rest: unknown[]) => {
        if (descriptor !== 1 && descriptor !== 2)
          return (fs['writeSync'] as (...args: unknown[]) => unknown)(descriptor, data, ...rest);
        const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : (data as Uint8Array);
        host.write(descriptor, bytes);
        return bytes.length;
      },
    },
  );
}

function allNames(object: object): string[] {
  const names = new Set<string>();
  for (let at: unknown = object; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    Object.getOwnPropertyNames(at).forEach((name) => names.add(name));
  }
  names.delete('constructor');
  return [...names];
}

function inputReader(host: WorkerHost): { all(): Uint8Array; some(length: number): Uint8Array } {
  let rest = new Uint8Array();
  const next = (): Uint8Array => {
    const bytes = host.readInputSync();
    if (bytes === 'unavailable')
      throw new Error('This browser cannot wait for input here; read process.stdin instead');
    return typeof bytes === 'string' ? new Uint8Array() : bytes;
  };
  return {
    all() {
      const pieces = [rest];
      rest = new Uint8Array();
      for (let piece = next(); piece.length > 0; piece = next())
        pieces.push(piece as Uint8Array<ArrayBuffer>);
      return buffer.Buffer.concat(pieces);
    },
    some(length) {
      if (rest.length === 0) rest = next() as Uint8Array<ArrayBuffer>;
      const bytes = rest.subarray(0, length);
      rest = rest.subarray(length);
      return bytes;
    },
  };
}

function countPromises(promises: Record<string, unknown>, handles: Handles): void {
  for (const [name, original] of Object.entries(promises)) {
    if (typeof original !== 'function') continue;
    promises[name] = (...args: unknown[]) => {
      const result = Reflect.apply(original, promises, args) as unknown;
      return result instanceof Promise ? handles.during(result) : result;
    };
  }
}

/** Enough for code that runs inside one call: the store is the one of the innermost `run`. */
class AsyncLocalStorage {
  #store: unknown;
  run(store: unknown, action: (...args: unknown[]) => unknown, ...args: unknown[]): unknown {
    const before = this.#store;
    this.#store = store;
    const restore = (): void => void (this.#store = before);
    try {
      const result = action(...args);
      if (result instanceof Promise) return result.finally(restore);
      restore();
      return result;
    } catch (error) {
      restore();
      throw error;
    }
  }
  getStore(): unknown {
    return this.#store;
  }
  enterWith(store: unknown): void {
    this.#store = store;
  }
}

class AsyncResource {
  runInAsyncScope(action: (...args: unknown[]) => unknown, self?: unknown, ...args: unknown[]): unknown {
    return Reflect.apply(action, self, args);
  }
}
