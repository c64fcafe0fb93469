/**
 * Links through the server's `/relay` (core/relay-wire.ts): works from the first second and behind any network that
 * lets a page load; everything it carries is sealed. One WebSocket, one topic, a credit link to each other tab there
 * (NET-21 to NET-24). When the socket is lost every link closes, and the tabs meet again under new ids.
 */
import { equalBytes, toHex, fromHex, type Bytes } from '../../core/bytes.ts';
import {
  RELAY_EVERYONE,
  decodeFromRelay,
  encodeToRelay,
  relayJoinMessage,
  type FromRelay,
} from '../../core/relay-wire.ts';
import type {
  Lane,
  LinkId,
  Transport,
  TransportConnection,
  TransportEvents,
  TransportRoom,
  TransportStatus,
} from '../transport.ts';
import { CreditLink, singleChunk } from './credit-link.ts';
import { LinkTable } from './link-table.ts';
import { ReconnectingSocket, type SocketOptions } from './reconnecting-socket.ts';

/** Never leaves the sender's own two sockets. */
const PROBE: Bytes = Uint8Array.of(0);
/** While somebody types over the relay. More often would be one message more for every few keys. */
const LOOK_EVERY_MS = 5_000;
/** As many as the relay lets into a topic: more are the invention of a server that would fill this tab's memory. */
const MAX_PEERS = 256;

/** `url`: `ws://` or `wss://` address of `/relay`. */
export type RelayOptions = SocketOptions;

export function relayTransport(options: RelayOptions): Transport {
  return { id: 'relay', connect: (room, events) => new RelayConnection(room, events, options) };
}

class RelayConnection implements TransportConnection {
  readonly #room: TransportRoom;
  readonly #socket: ReconnectingSocket;
  readonly #links: LinkTable<CreditLink>;
  /** Tabs of the topic whose link has ended for a fault: they get nothing until they come back under a new id. */
  readonly #refused = new Set<LinkId>();
  #self: Bytes | undefined;
  /** The nonce of this socket: a JOIN signed for the one before it must not go out on this one. */
  #nonce: Bytes | undefined;
  #refusal: string | undefined;
  #lookedAt = -Infinity;

  constructor(room: TransportRoom, events: TransportEvents, options: RelayOptions) {
    this.#room = room;
    this.#links = new LinkTable(events);
    this.#socket = new ReconnectingSocket(options, {
      onOpen: () => (this.#nonce = undefined), // the server speaks first: CHALLENGE
      onMessage: (data) => this.#receive(data),
      // To oneself: the relay delivers it as it does to anyone.
      probe: () => this.#self && encodeToRelay({ kind: 'send', to: this.#self, payload: PROBE }),
      onLost: (why) => this.#lost(why),
    });
    queueMicrotask(() => this.#socket.dial());
  }

  get status(): TransportStatus {
    return this.#links.status;
  }

  links(): readonly LinkId[] {
    return this.#links.ids();
  }

  send(link: LinkId, frame: Bytes, lane: Lane): void {
    this.#links.send(link, frame, lane);
  }

  /** A small frame goes up once and the relay copies it, if every link could take it now; else to each in its turn. */
  broadcast(frame: Bytes, lane: Lane): void {
    const links = this.#links.all();
    const once =
      links.length > 1 && this.#refused.size === 0 && links.every((link) => link.takesAtOnce(frame, lane));
    if (!once) return this.#links.broadcast(frame, lane);
    const chunk = singleChunk(frame, lane);
    for (const link of links) link.countShared(chunk);
    this.#socket.send(encodeToRelay({ kind: 'send', to: RELAY_EVERYONE, payload: chunk }));
  }

  /** One socket carries all links: it is looked at for all of them. */
  ask(): void {
    const now = performance.now();
    if (now - this.#lookedAt < LOOK_EVERY_MS) return;
    this.#lookedAt = now;
    this.#socket.check();
  }

  check(): void {
    this.#socket.check();
  }

  queuedBytes(link: LinkId): number {
    return this.#links.queuedBytes(link);
  }

  drained(link: LinkId): Promise<void> {
    return this.#links.drained(link);
  }

  async close(): Promise<void> {
    this.#closeAll('closed here');
    await this.#socket.close();
  }

  #receive(data: unknown): void {
    const decoded = data instanceof ArrayBuffer ? decodeFromRelay(new Uint8Array(data)) : undefined;
    if (!decoded?.ok) return this.#socket.restart('the server does not speak the relay protocol');
    const message = decoded.value;
    switch (message.kind) {
      case 'challenge':
        return void this.#join(message.nonce);
      case 'joined':
        return this.#joined(message);
      case 'entered':
        return this.#open(toHex(message.id));
      case 'left':
        return this.#left(toHex(message.id));
      case 'message':
        return this.#links.get(toHex(message.from))?.receive(message.payload);
      case 'refused':
        // The server closes next; its word says more than "lost".
        this.#refusal =
          message.reason === 'other'
            ? 'the server refused this connection'
            : `the server refused: ${message.reason}`;
        return;
    }
  }

  async #join(nonce: Bytes): Promise<void> {
    this.#nonce = nonce;
    const { topic } = this.#room;
    const signature = await this.#room.signTopic(relayJoinMessage(nonce, topic));
    if (this.#nonce !== nonce) return;
    this.#socket.send(encodeToRelay({ kind: 'join', topic, signature }));
  }

  #joined(message: FromRelay & { kind: 'joined' }): void {
    this.#closeAll('the server began again');
    this.#self = message.self;
    this.#refusal = undefined;
    this.#socket.established();
    this.#links.setStatus({ kind: 'up' });
    for (const other of message.others) this.#open(toHex(other));
  }

  #open(id: LinkId): void {
    if (this.#links.has(id) || !this.#self || equalBytes(fromHex(id), this.#self)) return;
    if (this.#links.size + this.#refused.size >= MAX_PEERS) return;
    const to = fromHex(id);
    const link = new CreditLink(
      {
        write: (payload) => this.#socket.send(encodeToRelay({ kind: 'send', to, payload })),
        unsentBytes: () => this.#socket.bufferedBytes,
      },
      {
        onFrame: (frame) => this.#links.arrived(id, frame),
        onEnded: (why) => {
          this.#refused.add(id);
          this.#close(id, why);
        },
      },
    );
    this.#links.opened(id, link);
  }

  #left(id: LinkId): void {
    this.#refused.delete(id);
    this.#close(id, 'the other end left');
  }

  #close(id: LinkId, why: string): void {
    this.#links.get(id)?.drop();
    this.#links.closed(id, why);
  }

  #closeAll(why: string): void {
    this.#self = undefined;
    this.#refused.clear();
    for (const id of this.links()) this.#close(id, why);
  }

  #lost(why: string): void {
    const reason = this.#refusal ?? why;
    this.#refusal = undefined;
    this.#closeAll(reason);
    this.#links.setStatus({ kind: 'down', why: reason });
  }
}
