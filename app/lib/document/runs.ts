/**
 * The messages of the `runs` channel (RUN-n): what a running program does, as its runner tells the room.
 * A message is the payload of one log entry. lib0 encoding: kind u8 ‖ runId ‖ fields; strings by length.
 */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import type { Bytes } from '../core/bytes.ts';
import type { RunId } from '../core/ids.ts';
import type { OutputPiece, RunEnd } from '../core/run.ts';
import type { Result } from '../core/result.ts';
import { decodeMessage, type MessageProblem } from './message-frame.ts';
import { pathProblem } from './path.ts';

export interface RunStart {
  readonly kind: 'start';
  readonly runId: RunId;
  /** 'python' */
  readonly runtime: string;
  /** Path of the file it started with. */
  readonly file: string;
  /** 'Python 3.14' */
  readonly label: string;
}

export type RunMessage =
  | RunStart
  | { readonly kind: 'output'; readonly runId: RunId; readonly pieces: readonly OutputPiece[] }
  /** Bytes of output that stayed in the runner's tab, before what follows. */
  | { readonly kind: 'left-out'; readonly runId: RunId; readonly bytes: number }
  | { readonly kind: 'input-wanted'; readonly runId: RunId; readonly wanted: boolean }
  | {
      readonly kind: 'end';
      readonly runId: RunId;
      readonly end: RunEnd;
      readonly durationMs: number;
    };

export const MAX_RUN_MESSAGE_BYTES = 64 * 1024;
/** Output text a message may carry, leaving room for the rest of it. */
export const MAX_OUTPUT_TEXT_BYTES = 60 * 1024;
/** A piece is a change of stream: more of them in a message than this is nobody's honest program. */
export const MAX_PIECES = 1024;

const MAX_LABEL_CHARS = 128;
const MAX_FAILURE_CHARS = 2_000;

const KINDS = ['start', 'output', 'left-out', 'input-wanted', 'end'] as const;
const STREAMS = ['stdout', 'stderr'] as const;
const ENDS = ['exit', 'stopped', 'time-limit', 'output-limit', 'out-of-memory', 'failed'] as const;

export function encodeRunMessage(message: RunMessage): Bytes {
  const encoder = encoding.createEncoder();
  encoding.writeUint8(encoder, KINDS.indexOf(message.kind));
  encoding.writeVarString(encoder, message.runId);
  switch (message.kind) {
    case 'start':
      encoding.writeVarString(encoder, message.runtime);
      encoding.writeVarString(encoder, message.file);
      encoding.writeVarString(encoder, message.label.slice(0, MAX_LABEL_CHARS).toWellFormed());
      break;
    case 'output':
      encoding.writeVarUint(encoder, message.pieces.length);
      for (const { stream, text } of message.pieces) {
        encoding.writeUint8(encoder, STREAMS.indexOf(stream));
        encoding.writeVarString(encoder, text);
      }
      break;
    case 'left-out':
      encoding.writeVarUint(encoder, message.bytes);
      break;
    case 'input-wanted':
      encoding.writeUint8(encoder, message.wanted ? 1 : 0);
      break;
    case 'end':
      writeEnd(encoder, message.end);
      encoding.writeVarUint(encoder, Math.round(message.durationMs));
      break;
  }
  return encoding.toUint8Array(encoder);
}

/** Strict: a message that isn't exactly what its kind holds is refused. */
export const decodeRunMessage = (bytes: Uint8Array): Result<RunMessage, MessageProblem> =>
  decodeMessage(bytes, MAX_RUN_MESSAGE_BYTES, KINDS, readMessage);

function readMessage(decoder: decoding.Decoder, kind: RunMessage['kind']): RunMessage | undefined {
  const runId = decoding.readVarString(decoder) as RunId;
  if (!/^[a-z2-7]{16}$/.test(runId)) return undefined;
  switch (kind) {
    case 'start': {
      const runtime = decoding.readVarString(decoder);
      const file = decoding.readVarString(decoder);
      const label = decoding.readVarString(decoder);
      const plain = /^[a-z0-9-]{1,32}$/.test(runtime) && label.length <= MAX_LABEL_CHARS;
      return plain && pathProblem(file) === undefined ? { kind, runId, runtime, file, label } : undefined;
    }
    case 'output': {
      const count = decoding.readVarUint(decoder);
      if (count > MAX_PIECES) return undefined;
      const pieces: OutputPiece[] = [];
      for (let i = 0; i < count; i++) {
        const stream = STREAMS[decoding.readUint8(decoder)];
        if (stream === undefined) return undefined;
        pieces.push({ stream, text: decoding.readVarString(decoder) });
      }
      return { kind, runId, pieces };
    }
    case 'left-out':
      return { kind, runId, bytes: decoding.readVarUint(decoder) };
    case 'input-wanted': {
      const wanted = decoding.readUint8(decoder);
      return wanted > 1 ? undefined : { kind, runId, wanted: wanted === 1 };
    }
    case 'end': {
      const end = readEnd(decoder);
      return end && { kind, runId, end, durationMs: decoding.readVarUint(decoder) };
    }
  }
}

function writeEnd(encoder: encoding.Encoder, end: RunEnd): void {
  encoding.writeUint8(encoder, ENDS.indexOf(end.kind));
  if (end.kind === 'exit') encoding.writeVarInt(encoder, Math.trunc(end.code));
  else if (end.kind === 'time-limit') encoding.writeVarUint(encoder, end.limitMs);
  else if (end.kind === 'output-limit') encoding.writeVarUint(encoder, end.limitBytes);
  else if (end.kind === 'failed')
    encoding.writeVarString(encoder, end.message.slice(0, MAX_FAILURE_CHARS).toWellFormed());
}

function readEnd(decoder: decoding.Decoder): RunEnd | undefined {
  const kind = ENDS[decoding.readUint8(decoder)];
  switch (kind) {
    case 'exit':
      return { kind, code: decoding.readVarInt(decoder) };
    case 'time-limit':
      return { kind, limitMs: decoding.readVarUint(decoder) };
    case 'output-limit':
      return { kind, limitBytes: decoding.readVarUint(decoder) };
    case 'failed': {
      const message = decoding.readVarString(decoder);
      return message.length <= MAX_FAILURE_CHARS ? { kind, message } : undefined;
    }
    case 'stopped':
    case 'out-of-memory':
      return { kind };
    case undefined:
      return undefined;
  }
}
