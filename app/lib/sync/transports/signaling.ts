/**
 * How tabs of a room find each other for direct links: sealed messages through the server's `/signal`, in the y-webrtc
 * wire format (NET-50, NET-51). The server sees a topic and sizes. What comes back is checked field by field: any
 * holder of the read seed may have written it, and the server may repeat it.
 */
import { toHex, utf8, type Bytes } from '../../core/bytes.ts';
import type { PeerId } from '../../core/ids.ts';
import type { TransportRoom } from '../transport.ts';
import { ReconnectingSocket, type SocketOptions } from './reconnecting-socket.ts';

/** An SDP of a data channel is about 1 KB, with many candidates 10; the server takes 64 KiB a message. */
const MAX_SDP_CHARS = 32 * 1024;
const MAX_CANDIDATE_CHARS = 2 * 1024;
const MAX_DATA_CHARS = 64 * 1024;
/** Messages waiting to be opened; what comes faster is dropped, and announced again. */
const MAX_WAITING = 500;

export type Signal =
  | { readonly type: 'offer' | 'answer'; readonly sdp: string }
  | { readonly type: 'candidate'; readonly candidate: SignalCandidate };

export interface SignalCandidate {
  readonly candidate: string;
  readonly sdpMLineIndex: number | null;
  readonly sdpMid: string | null;
}

export type SignalMessage =
  /** "I am here and have no link": to all, or to the one it wants a link with. */
  | { readonly type: 'announce'; readonly from: PeerId; readonly to?: PeerId }
  | { readonly type: 'bye'; readonly from: PeerId }
  /** `token` names the attempt to connect: 32 hex digits, made by the one who offers. */
  | {
      readonly type: 'signal';
      readonly from: PeerId;
      readonly to: PeerId;
      readonly token: string;
      readonly signal: Signal;
    };

export interface SignalingEvents {
  onOpen(): void;
  /** A message of another tab, to this one or to all. */
  onMessage(message: SignalMessage): void;
  onLost(why: string): void;
}

/** The tab's place in the room's topic. Messages go out and are handed on in the order they were given. */
export class Signaling {
  readonly #room: TransportRoom;
  readonly #topic: string;
  readonly #socket: ReconnectingSocket;
  readonly #events: SignalingEvents;
  #outbox: Promise<void> = Promise.resolve();
  #inbox: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(room: TransportRoom, options: SocketOptions, events: SignalingEvents) {
    this.#room = room;
    this.#topic = toHex(room.topic);
    this.#events = events;
    this.#socket = new ReconnectingSocket(options, {
      onOpen: () => this.#opened(),
      onMessage: (data) => this.#receive(data),
      probe: () => JSON.stringify({ type: 'ping' }),
      onLost: (why) => events.onLost(why),
    });
  }

  get isOpen(): boolean {
    return this.#socket.isOpen;
  }

  dial(): void {
    this.#socket.dial();
  }

  publish(message: SignalMessage): void {
    this.#outbox = this.#outbox.then(() => this.#publish(message)).catch(() => undefined); // announced again later
  }

  /** Sends what is waiting, then closes. */
  async close(): Promise<void> {
    await this.#outbox;
    await this.#socket.close();
    await this.#inbox;
  }

  #opened(): void {
    this.#socket.send(JSON.stringify({ type: 'subscribe', topics: [this.#topic] }));
    // The server answers nothing to a subscription; an open socket is all there is to know.
    this.#socket.established();
    this.#events.onOpen();
  }

  #receive(text: unknown): void {
    const data = typeof text === 'string' ? publishedData(text, this.#topic) : undefined;
    if (!data || this.#waiting >= MAX_WAITING) return;
    this.#waiting++;
    this.#inbox = this.#inbox
      .then(() => this.#open(data))
      .catch(reportBug)
      .finally(() => this.#waiting--);
  }

  async #publish(message: SignalMessage): Promise<void> {
    const data = toBase64(await this.#room.sealSignal(utf8(JSON.stringify(message))));
    this.#socket.send(JSON.stringify({ type: 'publish', topic: this.#topic, data }));
  }

  async #open(data: Bytes): Promise<void> {
    const plain = await this.#room.openSignal(data);
    const message = plain && readSignalMessage(plain);
    if (!message || message.from === this.#room.self) return;
    if ('to' in message && message.to !== this.#room.self) return;
    this.#events.onMessage(message);
  }
}

/** The sealed bytes of a publication on this topic, or undefined for anything else a server may say. */
function publishedData(text: string, topic: string): Bytes | undefined {
  const message = parseObject(text);
  if (message?.['type'] !== 'publish' || message['topic'] !== topic) return undefined;
  const data = message['data'];
  return typeof data === 'string' && data.length <= MAX_DATA_CHARS ? fromBase64(data) : undefined;
}

/** Reads an opened message; undefined when it is not exactly what this page describes. */
export function readSignalMessage(plain: Bytes): SignalMessage | undefined {
  const message = parseObject(new TextDecoder().decode(plain));
  if (!message || !isHexId(message['from'])) return undefined;
  const from = message['from'] as PeerId;
  const to = message['to'];
  if (to !== undefined && !isHexId(to)) return undefined;
  switch (message['type']) {
    case 'announce':
      return to === undefined ? { type: 'announce', from } : { type: 'announce', from, to: to as PeerId };
    case 'bye':
      return { type: 'bye', from };
    case 'signal': {
      const { token } = message;
      const signal = readSignal(message['signal']);
      if (to === undefined || !isHexId(token) || !signal) return undefined;
      return { type: 'signal', from, to: to as PeerId, token, signal };
    }
    default:
      return undefined;
  }
}

function readSignal(value: unknown): Signal | undefined {
  if (!isObject(value)) return undefined;
  const { type, sdp, candidate } = value;
  if (type === 'offer' || type === 'answer')
    return typeof sdp === 'string' && sdp.length <= MAX_SDP_CHARS ? { type, sdp } : undefined;
  if (type !== 'candidate' || !isObject(candidate)) return undefined;
  const { candidate: line, sdpMLineIndex = null, sdpMid = null } = candidate;
  if (typeof line !== 'string' || line.length > MAX_CANDIDATE_CHARS) return undefined;
  if (sdpMLineIndex !== null && typeof sdpMLineIndex !== 'number') return undefined;
  if (sdpMid !== null && (typeof sdpMid !== 'string' || sdpMid.length > 64)) return undefined;
  return { type, candidate: { candidate: line, sdpMLineIndex, sdpMid } };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A bug in a handler must show, but not end what comes after it. */
function reportBug(cause: unknown): void {
  queueMicrotask(() => {
    throw cause;
  });
}

const HEX_ID = /^[0-9a-f]{32}$/;
const isHexId = (value: unknown): value is string => typeof value === 'string' && HEX_ID.test(value);

const toBase64 = (bytes: Bytes): string => btoa(String.fromCharCode(...bytes));

function fromBase64(text: string): Bytes | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
