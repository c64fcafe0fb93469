/**
 * The `/relay` wire: binary WebSocket messages between a tab and the relay, one topic a connection.
 * Everything in `payload` is sealed by the tabs; the relay sees a topic, sizes and times.
 *
 *   server → tab   CHALLENGE  10 ‖ nonce[32]                          at once on connecting
 *   tab → server   JOIN       01 ‖ topic[32] ‖ signature[64]          Ed25519 over RELAY_JOIN_LABEL ‖ nonce ‖ topic
 *   server → tab   JOINED     11 ‖ self[8] ‖ other[8] …               who is in the topic already
 *   server → tab   ENTERED    12 ‖ id[8]         LEFT 13 ‖ id[8]
 *   tab → server   SEND       02 ‖ to[8] ‖ payload                    to = EVERYONE: all others of the topic
 *   server → tab   MESSAGE    14 ‖ from[8] ‖ payload
 *   server → tab   REFUSED    15 ‖ reason (ASCII, one of RELAY_REFUSALS) then the server closes
 */
import { concat, equalBytes, utf8, type Bytes } from './bytes.ts';
import { err, ok, type Result } from './result.ts';

export const RELAY_JOIN_LABEL = utf8('codeface/relay-join/1\0');
export const RELAY_ID_BYTES = 8;
export const RELAY_EVERYONE: Bytes = new Uint8Array(RELAY_ID_BYTES);
/** The largest WebSocket message either side may send on `/relay`. */
export const RELAY_MAX_MESSAGE_BYTES = 1024 * 1024;

/** Why a relay closes a connection: stable words, sent as REFUSED and as the close reason. */
export const RELAY_REFUSALS = [
  'malformed', // a message that is none of the wire's, or a text message
  'not-joined', // the first message was no JOIN, or another came before the proof was checked
  'already-joined', // a nonce is good for one JOIN
  'bad-proof',
  'join-deadline',
  'topic-full',
  'busy', // the server holds as many topics as it may
  'slow', // more is waiting for this receiver than the server keeps
  'rate',
] as const;
export type RelayRefusal = (typeof RELAY_REFUSALS)[number];

const TOPIC_BYTES = 32;
const NONCE_BYTES = 32;
const SIGNATURE_BYTES = 64;

export type ToRelay =
  | { readonly kind: 'join'; readonly topic: Bytes; readonly signature: Bytes }
  | { readonly kind: 'send'; readonly to: Bytes; readonly payload: Bytes };

export type FromRelay =
  | { readonly kind: 'challenge'; readonly nonce: Bytes }
  | { readonly kind: 'joined'; readonly self: Bytes; readonly others: readonly Bytes[] }
  | { readonly kind: 'entered' | 'left'; readonly id: Bytes }
  | { readonly kind: 'message'; readonly from: Bytes; readonly payload: Bytes }
  /** `other`: in words of the server's own (a newer one, or none of ours), which go no further. */
  | { readonly kind: 'refused'; readonly reason: RelayRefusal | 'other' };

export type RelayWireError = { readonly kind: 'malformed' };

/** What a JOIN signs. */
export const relayJoinMessage = (nonce: Bytes, topic: Bytes): Bytes => concat(RELAY_JOIN_LABEL, nonce, topic);

export const isEveryone = (id: Bytes): boolean => equalBytes(id, RELAY_EVERYONE);

export function encodeToRelay(message: ToRelay): Bytes {
  switch (message.kind) {
    case 'join':
      return concat(Uint8Array.of(0x01), message.topic, message.signature);
    case 'send':
      return concat(Uint8Array.of(0x02), message.to, message.payload);
  }
}

export function decodeToRelay(bytes: Bytes): Result<ToRelay, RelayWireError> {
  const body = bytes.subarray(1);
  if (bytes[0] === 0x01 && body.length === TOPIC_BYTES + SIGNATURE_BYTES)
    return ok({ kind: 'join', topic: body.subarray(0, TOPIC_BYTES), signature: body.subarray(TOPIC_BYTES) });
  if (bytes[0] === 0x02 && body.length > RELAY_ID_BYTES)
    return ok({ kind: 'send', to: body.subarray(0, RELAY_ID_BYTES), payload: body.subarray(RELAY_ID_BYTES) });
  return err({ kind: 'malformed' });
}

export function encodeFromRelay(message: FromRelay): Bytes {
  switch (message.kind) {
    case 'challenge':
      return concat(Uint8Array.of(0x10), message.nonce);
    case 'joined':
      return concat(Uint8Array.of(0x11), message.self, ...message.others);
    case 'entered':
      return concat(Uint8Array.of(0x12), message.id);
    case 'left':
      return concat(Uint8Array.of(0x13), message.id);
    case 'message':
      return concat(Uint8Array.of(0x14), message.from, message.payload);
    case 'refused':
      return concat(Uint8Array.of(0x15), utf8(message.reason));
  }
}

export function decodeFromRelay(bytes: Bytes): Result<FromRelay, RelayWireError> {
  const body = bytes.subarray(1);
  const oneId = body.length === RELAY_ID_BYTES;
  switch (bytes[0]) {
    case 0x10:
      return body.length === NONCE_BYTES
        ? ok({ kind: 'challenge', nonce: body })
        : err({ kind: 'malformed' });
    case 0x11: {
      if (body.length < RELAY_ID_BYTES || body.length % RELAY_ID_BYTES !== 0)
        return err({ kind: 'malformed' });
      const others: Bytes[] = [];
      for (let at = RELAY_ID_BYTES; at < body.length; at += RELAY_ID_BYTES)
        others.push(body.subarray(at, at + RELAY_ID_BYTES));
      return ok({ kind: 'joined', self: body.subarray(0, RELAY_ID_BYTES), others });
    }
    case 0x12:
      return oneId ? ok({ kind: 'entered', id: body }) : err({ kind: 'malformed' });
    case 0x13:
      return oneId ? ok({ kind: 'left', id: body }) : err({ kind: 'malformed' });
    case 0x14:
      if (body.length < RELAY_ID_BYTES) return err({ kind: 'malformed' });
      return ok({
        kind: 'message',
        from: body.subarray(0, RELAY_ID_BYTES),
        payload: body.subarray(RELAY_ID_BYTES),
      });
    case 0x15:
      return ok({ kind: 'refused', reason: refusalOf(body) });
    default:
      return err({ kind: 'malformed' });
  }
}

const refusalOf = (word: Bytes): RelayRefusal | 'other' =>
  RELAY_REFUSALS.find((known) => equalBytes(word, utf8(known))) ?? 'other';
