/** A program's standard streams and `process`, over the sandbox's streams. */
import { Buffer } from '@jspm/core/nodelibs/buffer';
import { EventEmitter } from '@jspm/core/nodelibs/events';
import nodeProcess from '@jspm/core/nodelibs/process';
import { Readable, Writable } from '@jspm/core/nodelibs/stream';
import type { WorkerHost } from '../sandbox/worker-host.ts';
import { afterTurn, type Handles } from './handles.ts';

export const ROOT = '/project';
/** The Node whose behaviour the built-in modules follow, roughly. */
const NODE_VERSION = '22.0.0';

/** Thrown where `process.exit` can't end the worker on the spot. */
export class ExitSignal extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

type Listener = (...args: unknown[]) => void;

/** The parts of Node's `process` that this runtime itself uses. */
export interface ProgramProcess {
  exitCode: number | string | undefined;
  emit(event: string, ...args: unknown[]): boolean;
  listenerCount(event: string): number;
  cwd(): string;
}

export function writeText(host: WorkerHost, stream: 1 | 2, text: string): void {
  host.write(stream, new TextEncoder().encode(text));
}

/** Node's `process` for one program, which starts with `begin`. */
export function makeProcess(
  host: WorkerHost,
  handles: Handles,
): { readonly process: ProgramProcess; readonly begin: (entry: string) => void } {
  const events = new EventEmitter() as unknown as Record<string, Listener>;
  let startedAt = performance.now();
  let cwd = ROOT;
  const target = nodeProcess;
  for (const name of [
    'on',
    'once',
    'off',
    'addListener',
    'removeListener',
    'removeAllListeners',
    'emit',
    'listeners',
    'listenerCount',
    'prependListener',
    'eventNames',
    'setMaxListeners',
    'getMaxListeners',
  ]) {
    target[name] = (...args: unknown[]) => {
      const result: unknown = events[name]?.call(events, ...args);
      return result === events ? target : result;
    };
  }
  const hrtime = (since?: [number, number]): [number, number] => {
    const ms = performance.now();
    const now: [number, number] = [Math.floor(ms / 1000), Math.floor((ms % 1000) * 1e6)];
    if (!since) return now;
    const nanoseconds = now[1] - since[1];
    return nanoseconds < 0 ? [now[0] - since[0] - 1, nanoseconds + 1e9] : [now[0] - since[0], nanoseconds];
  };
  Object.assign(target, {
    title: 'node',
    argv: ['/usr/bin/node'],
    argv0: 'node',
    execArgv: [],
    execPath: '/usr/bin/node',
    pid: 1,
    ppid: 0,
    platform: 'linux',
    arch: 'x64',
    version: `v${NODE_VERSION}`,
    versions: { node: NODE_VERSION },
    release: { name: 'node' },
    config: {},
    features: {},
    browser: false,
    env: { HOME: ROOT, PATH: '/usr/bin', PWD: ROOT, LANG: 'C.UTF-8' },
    exitCode: undefined,
    stdin: makeStdin(host, handles),
    stdout: makeOutput(host, 1),
    stderr: makeOutput(host, 2),
    cwd: () => cwd,
    chdir: (folder: string) => void (cwd = folder.startsWith('/') ? folder : `${cwd}/${folder}`),
    umask: () => 0o22,
    uptime: () => (performance.now() - startedAt) / 1000,
    hrtime: Object.assign(hrtime, { bigint: () => BigInt(Math.round(performance.now() * 1e6)) }),
    memoryUsage: Object.assign(() => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 }), {
      rss: () => 0,
    }),
    cpuUsage: () => ({ user: Math.round((performance.now() - startedAt) * 1000), system: 0 }),
    nextTick: (callback: Listener, ...args: unknown[]) => queueMicrotask(() => callback(...args)),
    emitWarning: (warning: unknown) => writeText(host, 2, `(node:1) ${String(warning)}\n`),
    getuid: () => 1000,
    getgid: () => 1000,
    kill: () => {
      throw new Error('process.kill is not available in the browser');
    },
    abort: () => end(134),
    exit: (code?: number | string) => {
      if (code !== undefined) target['exitCode'] = code;
      events['emit']?.call(events, 'exit', exitCodeOf(target['exitCode']));
      end(exitCodeOf(target['exitCode']));
    },
  });
  const end = (code: number): never => {
    host.exit(code);
    throw new ExitSignal(code);
  };
  return {
    process: target as unknown as ProgramProcess,
    begin(entry) {
      startedAt = performance.now();
      target['argv'] = ['/usr/bin/node', entry];
    },
  };
}

export const exitCodeOf = (value: unknown): number => {
  const code = Number(value ?? 0);
  return Number.isInteger(code) ? code & 255 : 1;
};

function makeOutput(host: WorkerHost, stream: 1 | 2): object {
  const output = new Writable({
    decodeStrings: true,
    write(chunk: Uint8Array, _encoding: string, done: () => void) {
      host.write(stream, chunk);
      done();
    },
  });
  // Written at once, as Node does for files: nothing waits in a queue when the program exits.
  const write = (chunk: unknown, encoding?: unknown, done?: unknown): boolean => {
    host.write(
      stream,
      typeof chunk === 'string'
        ? Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
        : (chunk as Uint8Array),
    );
    const callback = [encoding, done].find((argument) => typeof argument === 'function') as
      (() => void) | undefined;
    if (callback) queueMicrotask(callback);
    return true;
  };
  return Object.assign(output, {
    write,
    fd: stream,
    isTTY: false,
    columns: 80,
    rows: 24,
    getColorDepth: () => 1,
    hasColors: () => false,
    cursorTo: () => true,
    clearLine: () => true,
    moveCursor: () => true,
  });
}

/** Standard input, read a line at a time and only while someone reads; a paused stream keeps nothing alive. */
function makeStdin(host: WorkerHost, handles: Handles): object {
  let pending = false;
  let release: (() => void) | undefined;
  const stream = new Readable({
    highWaterMark: 0,
    read() {
      release ??= handles.hold();
      if (pending) return host.wantInput(true);
      pending = true;
      void host.readInput().then((bytes) => {
        pending = false;
        const held = release;
        release = undefined;
        stream.push(bytes ? Buffer.from(bytes) : null);
        // What the line sets off may read on; until then the program counts as alive.
        afterTurn(() => held?.());
      });
    },
  });
  const rest = (): void => {
    if (!release) return;
    host.wantInput(false);
    release();
    release = undefined;
  };
  stream.on('pause', rest);
  stream.on('close', rest);
  stream.on('resume', () => {
    if (pending && !release) {
      release = handles.hold();
      host.wantInput(true);
    }
  });
  return Object.assign(stream, {
    fd: 0,
    isTTY: false,
    setRawMode: () => stream,
    ref: () => stream,
    unref() {
      rest();
      return stream;
    },
  });
}
