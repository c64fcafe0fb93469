/**
 * The messages of the `talk` channel (TALK-n): what people say to everyone in the room. A message is the payload of one
 * log entry. lib0 encoding: kind u8 ‖ fields; text by length.
 */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { fromHex, toHex, utf8, type Bytes } from '../core/bytes.ts';
import type { SessionId } from '../core/ids.ts';
import { cleanName } from '../core/person.ts';
import type { Result } from '../core/result.ts';
import { decodeMessage, type MessageProblem } from './message-frame.ts';

/** Which entry of the `talk` channel is meant. */
export interface TalkTarget {
  readonly session: SessionId;
  readonly seq: number;
}

export type TalkMessage =
  /** `name` is what its author was called then, '' if they chose none: they may be gone when it is read. */
  | { readonly kind: 'message'; readonly name: string; readonly text: string }
  /** Other words in place of the target's. */
  | { readonly kind: 'edit'; readonly target: TalkTarget; readonly text: string }
  | { readonly kind: 'retract'; readonly target: TalkTarget };

/** A page and a half: what is longer is a file of the project. */
export const MAX_TALK_TEXT_BYTES = 4 * 1024;
/** The text, the longest name or target, and lengths. */
export const MAX_TALK_MESSAGE_BYTES = MAX_TALK_TEXT_BYTES + 512;
/** 64 code points of 4 bytes. */
const MAX_NAME_BYTES = 256;
const SESSION_BYTES = 32;

const KINDS = ['message', 'edit', 'retract'] as const;

/** Bytes that a text takes on the wire, against MAX_TALK_TEXT_BYTES. */
export const talkTextBytes = (text: string): number => utf8(text).length;

/** The text must not be empty nor longer than MAX_TALK_TEXT_BYTES: see `talkTextBytes`. */
export function encodeTalkMessage(message: TalkMessage): Bytes {
  const encoder = encoding.createEncoder();
  encoding.writeUint8(encoder, KINDS.indexOf(message.kind));
  if (message.kind === 'message') encoding.writeVarString(encoder, cleanName(message.name));
  else {
    encoding.writeUint8Array(encoder, fromHex(message.target.session));
    encoding.writeVarUint(encoder, message.target.seq);
  }
  if (message.kind !== 'retract') encoding.writeVarString(encoder, message.text.toWellFormed());
  return encoding.toUint8Array(encoder);
}

/** Strict: every byte accounted for, every field within its bounds. The name comes out clean (PRES-3). */
export const decodeTalkMessage = (bytes: Uint8Array): Result<TalkMessage, MessageProblem> =>
  decodeMessage(bytes, MAX_TALK_MESSAGE_BYTES, KINDS, readMessage);

function readMessage(decoder: decoding.Decoder, kind: TalkMessage['kind']): TalkMessage | undefined {
  if (kind === 'message') {
    const name = readText(decoder, MAX_NAME_BYTES);
    const text = readText(decoder, MAX_TALK_TEXT_BYTES);
    return name === undefined || !text ? undefined : { kind, name: cleanName(name), text };
  }
  const session = toHex(decoding.readUint8Array(decoder, SESSION_BYTES)) as SessionId;
  const target = { session, seq: decoding.readVarUint(decoder) };
  if (target.seq === 0) return undefined;
  if (kind === 'retract') return { kind, target };
  const text = readText(decoder, MAX_TALK_TEXT_BYTES);
  return text ? { kind, target, text } : undefined;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Throws for what is no well-formed UTF-8. */
function readText(decoder: decoding.Decoder, maxBytes: number): string | undefined {
  const bytes = decoding.readVarUint8Array(decoder);
  return bytes.length > maxBytes ? undefined : UTF8.decode(bytes);
}
