/**
 * What app and frame say to each other over their MessagePort, and the door through which the app reads the frame's side.
 * A program may own the frame, so every message is rebuilt from checked parts; what isn't understood ends the run.
 */
import type { OutputStream } from './output-ring.ts';

/** What the frame says once when it stands, before it has a port. */
export const FRAME_READY = 'codeface-sandbox-frame';
/** Characters of output in one batch: a few screens, parsed and drawn well within a frame. */
export const BATCH_MAX_CHARS = 64 * 1024;
/** Pieces in one batch: stdout and stderr alternating a line at a time. */
export const BATCH_MAX_PIECES = 1024;
/** Characters of a failure's words; people read a sentence, not a dump. */
const MESSAGE_MAX_CHARS = 2000;

export interface LoadMessage {
  readonly kind: 'load';
  /** The worker: one classic script. */
  readonly worker: Uint8Array;
  /** What the worker needs, by name; names ending in .wasm arrive there compiled. */
  readonly assets: readonly (readonly [name: string, bytes: Uint8Array])[];
  /** The first worker's end of the door its program comes through. */
  readonly door: MessagePort;
}

/** The program itself is on its way to its worker (program-door.ts). */
export interface RunMessage {
  readonly kind: 'run';
  readonly run: number;
  readonly outputLimitBytes: number;
  /** Allows the first batch. */
  readonly ticket: number;
  /** The door of the worker after this run's. */
  readonly nextDoor: MessagePort;
}

/** App → frame. `ack` allows one more batch: the one that carries its ticket. */
export type AppMessage =
  | LoadMessage
  | RunMessage
  | { readonly kind: 'input'; readonly text: string }
  | { readonly kind: 'input-end' }
  | { readonly kind: 'interrupt' }
  | { readonly kind: 'kill' }
  | { readonly kind: 'ack'; readonly ticket: number }
  | { readonly kind: 'ping' };

export type FrameEnd =
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'killed' }
  | { readonly kind: 'output-limit' }
  | { readonly kind: 'failed'; readonly message: string };

/** News of the run; the frame sends one and waits for its `ack`, so at most one is ever under way. A ticket can't be guessed. */
export interface Batch {
  readonly kind: 'batch';
  readonly run: number;
  readonly ticket: number;
  readonly output: readonly (readonly [stream: OutputStream, text: string])[];
  readonly inputWanted: boolean;
  readonly end: FrameEnd | undefined;
}

/** The program has its worker. Said once in a run and before its batches: it needs no ticket, and makes no batch wait. */
export interface Started {
  readonly kind: 'started';
  readonly run: number;
}

/** Frame → app. */
export type FrameMessage =
  Started | Batch | { readonly kind: 'pong' } | { readonly kind: 'load-failed'; readonly message: string };

/** The message rebuilt from checked parts, or undefined when the frame's own code would not have sent it. */
export function parseFrameMessage(data: unknown): FrameMessage | undefined {
  if (!isRecord(data)) return undefined;
  switch (data['kind']) {
    case 'pong':
      return { kind: 'pong' };
    case 'load-failed':
      return { kind: 'load-failed', message: words(data['message']) };
    case 'started':
      return typeof data['run'] === 'number' ? { kind: 'started', run: data['run'] } : undefined;
    case 'batch':
      return parseBatch(data);
    default:
      return undefined;
  }
}

function parseBatch(data: Readonly<Record<string, unknown>>): Batch | undefined {
  const { run, ticket, output, inputWanted } = data;
  if (typeof run !== 'number' || typeof ticket !== 'number' || typeof inputWanted !== 'boolean')
    return undefined;
  if (!Array.isArray(output) || output.length > BATCH_MAX_PIECES) return undefined;
  const pieces: [OutputStream, string][] = [];
  let chars = 0;
  for (const piece of output as unknown[]) {
    if (!Array.isArray(piece)) return undefined;
    const [stream, text] = piece as unknown[];
    if ((stream !== 1 && stream !== 2) || typeof text !== 'string') return undefined;
    chars += text.length;
    if (chars > BATCH_MAX_CHARS) return undefined;
    pieces.push([stream, text]);
  }
  const end = data['end'] === undefined ? undefined : parseEnd(data['end']);
  if (end === 'wrong') return undefined;
  return { kind: 'batch', run, ticket, output: pieces, inputWanted, end };
}

function parseEnd(end: unknown): FrameEnd | 'wrong' {
  if (!isRecord(end)) return 'wrong';
  const code = end['code'];
  switch (end['kind']) {
    case 'exit':
      return typeof code === 'number' && Number.isInteger(code)
        ? { kind: 'exit', code: code & 255 }
        : 'wrong';
    case 'killed':
      return { kind: 'killed' };
    case 'output-limit':
      return { kind: 'output-limit' };
    case 'failed':
      return { kind: 'failed', message: words(end['message']) };
    default:
      return 'wrong';
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** Untrusted words for people: text, short. */
export const words = (value: unknown): string =>
  typeof value === 'string' && value !== '' ? value.slice(0, MESSAGE_MAX_CHARS) : 'no reason given';
