/** Node's `fs` over the program's files in memory: its working folder, its standard streams as descriptors, its pending promises. */
import * as buffer from '@jspm/core/nodelibs/buffer';
import { createFsFromVolume, Volume } from 'memfs';
import type { WorkerHost } from '../sandbox/worker-host.ts';
import type { Handles } from './handles.ts';
import { type ProgramProcess, ROOT } from './program-io.ts';
import type { FileView } from './resolve.ts';

/** What the bundler sees of the program's files. */
export type ProgramView = FileView & { readBytes(path: string): Uint8Array };

export interface ProgramFileSystem {
  readonly fs: Record<string, unknown>;
  readonly view: ProgramView;
  /** Writes the program's own copy of the project. */
  readonly putFiles: (files: readonly (readonly [path: string, bytes: Uint8Array])[]) => void;
}

/** An empty project as `fs`, and as the bundler reads it. */
export function makeFileSystem(
  host: WorkerHost,
  handles: Handles,
  process: ProgramProcess,
): ProgramFileSystem {
  const volume = new Volume();
  volume.mkdirSync('/tmp', { recursive: true });
  volume.mkdirSync(ROOT, { recursive: true });
  const fs = withWorkingFolder(
    createFsFromVolume(volume) as unknown as Record<string, unknown>,
    process,
    host,
  );
  countPromises(fs['promises'] as Record<string, unknown>, handles);
  const view: ProgramView = {
    isFile: (name) => volume.statSync(name, { throwIfNoEntry: false })?.isFile() ?? false,
    readText: (name) => volume.readFileSync(name, 'utf8') as string,
    readBytes: (name) => new Uint8Array(volume.readFileSync(name) as Buffer),
  };
  const putFiles: ProgramFileSystem['putFiles'] = (files) => {
    for (const [name, bytes] of files) {
      const full = `${ROOT}/${name}`;
      volume.mkdirSync(full.slice(0, full.lastIndexOf('/')), { recursive: true });
      volume.writeFileSync(full, bytes);
    }
  };
  return { fs, view, putFiles };
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
