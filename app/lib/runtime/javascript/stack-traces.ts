/** Stack traces in terms of the files people wrote: frames of the bundle are mapped back, frames of the runtime are left out. */
import { originalPositionFor, sourceContentFor, TraceMap } from '@jridgewell/trace-mapping';

interface CallSite {
  getFileName(): string | null;
  getLineNumber(): number | null;
  getColumnNumber(): number | null;
  getFunctionName(): string | null;
  getTypeName(): string | null;
  isConstructor(): boolean;
  isAsync(): boolean;
  isToplevel(): boolean;
}

interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Frames shown at most, as in Node. */
const FRAMES = 10;

export class StackTraces {
  readonly #url: string;
  readonly #mapText: string;
  #map: TraceMap | undefined;

  /** For the bundle at `url`, with its source map as JSON text. */
  constructor(url: string, mapText: string) {
    this.#url = url;
    this.#mapText = mapText;
  }

  /** From here on `error.stack` names the program's own files, where the engine lets it (V8). */
  install(): void {
    const errors = Error as unknown as {
      stackTraceLimit: number;
      prepareStackTrace: (error: Error, sites: CallSite[]) => string;
    };
    // Frames of the runtime are dropped, so more are taken than are shown.
    errors.stackTraceLimit = FRAMES * 4;
    errors.prepareStackTrace = (error, sites) => {
      const lines = sites.flatMap((site) => this.#frame(site) ?? []).slice(0, FRAMES);
      return [headline(error), ...lines].join('\n');
    };
  }

  /** What Node prints for an error nobody caught. */
  describe(error: unknown, inspect: (value: unknown) => string): string {
    const stack = error instanceof Error ? (error.stack ?? headline(error)) : undefined;
    if (stack === undefined) return `Uncaught ${inspect(error)}\n`;
    const at = /\((\/project\/.*):(\d+):(\d+)\)|at (?:async )?(\/project\/.*):(\d+):(\d+)/.exec(stack);
    const where = at && this.#excerpt(at[1] ?? at[4] ?? '', Number(at[2] ?? at[5]), Number(at[3] ?? at[6]));
    const shown = inspect(error);
    return `${where ?? ''}${shown.includes('\n    at ') || !stack.includes('\n') ? shown : stack}\n`;
  }

  #frame(site: CallSite): string | undefined {
    const position = this.#original(site);
    if (!position) return undefined;
    const where = `${position.file}:${position.line}:${position.column}`;
    const name = site.getFunctionName();
    const type = site.isToplevel() ? null : site.getTypeName();
    const called = name && (type && type !== 'Object' && !name.includes('.') ? `${type}.${name}` : name);
    const prefix = site.isConstructor() ? 'new ' : site.isAsync() ? 'async ' : '';
    return called ? `    at ${prefix}${called} (${where})` : `    at ${prefix}${where}`;
  }

  #original(site: CallSite): Position | undefined {
    const line = site.getLineNumber();
    const column = site.getColumnNumber();
    if (site.getFileName() !== this.#url || line === null || column === null) return undefined;
    const found = originalPositionFor(this.#traceMap(), { line, column: column - 1 });
    if (found.source === null) return undefined;
    return { file: fileOf(found.source), line: found.line, column: found.column + 1 };
  }

  #traceMap(): TraceMap {
    return (this.#map ??= new TraceMap(this.#mapText));
  }

  #excerpt(file: string, line: number, column: number): string {
    const map = this.#traceMap();
    const source = map.sources.find((name) => name !== null && fileOf(name) === file);
    const text = source == null ? undefined : sourceContentFor(map, source)?.split('\n')[line - 1];
    if (text === undefined || text.length > 400) return `${file}:${line}\n\n`;
    return `${file}:${line}\n${text}\n${' '.repeat(Math.max(0, column - 1))}^\n\n`;
  }
}

/** esbuild names sources by namespace and path. */
const fileOf = (source: string): string => `/${source.replace(/^(?:file:|\.\.?\/|\/)+/, '')}`;

function headline(error: Error): string {
  try {
    const { name, message } = error;
    return message ? `${name}: ${message}` : name;
  } catch {
    return 'Error';
  }
}
