/**
 * Direct links between browsers (NET-54 to NET-58). The server only introduces: once a link is up it may vanish.
 *
 *   announce (to all, on meeting the server and every 30 s; to one, when a link to it is missing)
 *        │ heard by the lower PeerId                      │ heard by the higher PeerId
 *        ▼                                                ▼
 *   offers, unless it has an attempt running        announces itself back, to that one
 *   or waits after a failure                        (so only one side ever offers: no glare)
 *
 * An offer is made only to someone just heard, so nobody dials tabs that are gone.
 */
import { randomBytes, toHex, type Bytes } from '../../core/bytes.ts';
import type { PeerId } from '../../core/ids.ts';
import type {
  Lane,
  LinkId,
  Transport,
  TransportConnection,
  TransportEvents,
  TransportRoom,
  TransportStatus,
} from '../transport.ts';
import type { SocketOptions } from './reconnecting-socket.ts';
import { refuseTooLarge } from './send-queue.ts';
import { Signaling, type SignalMessage } from './signaling.ts';
import { CONNECT_LIMIT_MS, WebrtcLink, type PeerConstructor, type WebrtcLinkOptions } from './webrtc-link.ts';

export interface WebrtcOptions extends Omit<SocketOptions, 'url'> {
  /** `ws://` or `wss://` address of `/signal`. */
  readonly signalUrl: string;
  /** STUN and TURN servers, asked for at each attempt (TURN credentials expire). Default: none, direct addresses only. */
  readonly iceServers?: () => readonly RTCIceServer[];
  /** How long an attempt may take before it is torn down with a reason. */
  readonly connectLimitMs?: number;
  /** WebRTC's constructors; default: the browser's. */
  readonly wrtc?: NonNullable<WebrtcLinkOptions['wrtc']>;
}

/** Tabs that meet while both are here find each other at once; this is for announcements that were lost. */
const ANNOUNCE_EVERY_MS = 30_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;
/** A link that lived this long was a good one: its loss is no reason to wait. */
const GOOD_LINK_MS = 30_000;
/** Announcements to one tab without a word back before it counts as gone. */
const SILENCE_LIMIT = 4;
/** Rooms above this size are carried by the relay (DESIGN §4); it also bounds what strangers with a link can cost. */
const MAX_PEERS = 32;
/** Offers remembered by token, so that a server that repeats one starts nothing. */
const MAX_TOKENS = 200;

export function webrtcTransport(options: WebrtcOptions): Transport {
  return { id: 'webrtc', connect: (room, events) => new WebrtcConnection(room, events, options) };
}

/** Another tab, as far as it is known: its link if up, the attempt if one is running, else when to try again. */
interface FarPeer {
  readonly id: PeerId;
  link?: TokenLink | undefined;
  attempt?: TokenLink | undefined;
  retry?: ReturnType<typeof setTimeout> | undefined;
  /** After a failure, until the next try: what it announces meanwhile starts nothing. */
  backsOff: boolean;
  /** It has said bye; when its link closes it is forgotten. */
  leaving: boolean;
  failures: number;
  silences: number;
  why?: string | undefined;
}

interface TokenLink {
  readonly token: LinkId;
  readonly link: WebrtcLink;
  upSince: number;
}

class WebrtcConnection implements TransportConnection {
  readonly #room: TransportRoom;
  readonly #events: TransportEvents;
  readonly #options: WebrtcOptions;
  readonly #signaling: Signaling;
  readonly #peers = new Map<PeerId, FarPeer>();
  readonly #links = new Map<LinkId, WebrtcLink>();
  readonly #tokens = new Set<string>();
  #Peer: PeerConstructor | undefined;
  #announcing: ReturnType<typeof setInterval> | undefined;
  #unreachable: string | undefined;
  #status: TransportStatus = { kind: 'connecting' };
  #closed = false;

  constructor(room: TransportRoom, events: TransportEvents, options: WebrtcOptions) {
    this.#room = room;
    this.#events = events;
    this.#options = options;
    this.#signaling = new Signaling(
      room,
      { ...options, url: options.signalUrl },
      {
        onOpen: () => this.#signalingUp(),
        onMessage: (message) => this.#receive(message),
        onLost: (why) => this.#signalingLost(why),
      },
    );
    void this.#start();
  }

  get status(): TransportStatus {
    return this.#status;
  }

  links(): readonly LinkId[] {
    return [...this.#links.keys()];
  }

  send(link: LinkId, frame: Bytes, lane: Lane): void {
    refuseTooLarge(frame);
    this.#links.get(link)?.send(frame, lane);
  }

  broadcast(frame: Bytes, lane: Lane): void {
    refuseTooLarge(frame);
    for (const link of [...this.#links.values()]) link.send(frame, lane);
  }

  queuedBytes(link: LinkId): number {
    return this.#links.get(link)?.queuedBytes() ?? 0;
  }

  drained(link: LinkId): Promise<void> {
    return this.#links.get(link)?.drained() ?? Promise.resolve();
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      clearInterval(this.#announcing);
      for (const peer of [...this.#peers.values()]) this.#forget(peer, 'closed here');
      if (this.#signaling.isOpen) this.#signaling.publish({ type: 'bye', from: this.#room.self });
    }
    await this.#signaling.close();
  }

  async #start(): Promise<void> {
    await Promise.resolve(); // no event before `connect` has returned
    if (!this.#options.wrtc && typeof RTCPeerConnection === 'undefined')
      return this.#setStatus({ kind: 'down', why: 'no WebRTC in this browser' });
    try {
      this.#Peer = (await import('simple-peer/simplepeer.min.js')).default;
    } catch {
      return this.#setStatus({ kind: 'down', why: 'a part of the app could not be loaded; reload the page' });
    }
    if (!this.#closed) this.#signaling.dial();
  }

  #signalingUp(): void {
    this.#unreachable = undefined;
    // Whoever is still there answers the announcement; the rest would be remembered for ever.
    for (const peer of [...this.#peers.values()]) if (!peer.link && !peer.attempt) this.#forget(peer, '');
    this.#announce();
    clearInterval(this.#announcing);
    this.#announcing = setInterval(() => this.#announce(), ANNOUNCE_EVERY_MS);
    this.#report();
  }

  /** Links that are up go on without the server. */
  #signalingLost(why: string): void {
    clearInterval(this.#announcing);
    this.#unreachable = `signaling server unreachable: ${why}`;
    this.#report();
  }

  #announce(to?: PeerId): void {
    const from = this.#room.self;
    this.#signaling.publish(to === undefined ? { type: 'announce', from } : { type: 'announce', from, to });
  }

  #receive(message: SignalMessage): void {
    if (this.#closed) return;
    // Only a word that may lead to a link makes a stranger known.
    const opens =
      message.type === 'announce' || (message.type === 'signal' && message.signal.type === 'offer');
    const peer = this.#peers.get(message.from) ?? (opens ? this.#meet(message.from) : undefined);
    if (!peer) return;
    peer.silences = 0;
    peer.leaving = message.type === 'bye';
    switch (message.type) {
      case 'announce':
        return this.#heard(peer, message.to !== undefined);
      case 'bye':
        // Anyone with a link to the room could have written it, so it ends nothing that is up.
        return peer.link ? undefined : this.#forget(peer, 'the other end left');
      case 'signal': {
        const { token, signal } = message;
        if (signal.type === 'offer') this.#offered(peer, token);
        for (const known of [peer.attempt, peer.link]) if (known?.token === token) known.link.signal(signal);
        return;
      }
    }
  }

  /** `missesUs`: it announced itself to this tab alone, so it has no link with it (whatever this side believes). */
  #heard(peer: FarPeer, missesUs: boolean): void {
    if (peer.attempt || (peer.link && !missesUs)) return;
    if (!this.#offers(peer)) {
      // Answering an answer would never end; the one who offers never answers.
      this.#announce(peer.id);
      if (peer.retry === undefined) this.#retryLater(peer);
      return;
    }
    if (!peer.backsOff) this.#attempt(peer, toHex(randomBytes(16)), true);
  }

  /** A link that is up stays until the new one is, so a repeated offer of old harms nothing. */
  #offered(peer: FarPeer, token: string): void {
    if (this.#offers(peer) || this.#tokens.has(token)) return;
    this.#tokens.add(token);
    if (this.#tokens.size > MAX_TOKENS)
      for (const oldest of this.#tokens) if (this.#tokens.delete(oldest)) break;
    peer.attempt?.link.close();
    this.#attempt(peer, token, false);
  }

  #attempt(peer: FarPeer, token: string, initiator: boolean): void {
    const Peer = this.#Peer;
    if (!Peer) return;
    clearTimeout(peer.retry);
    peer.retry = undefined;
    peer.backsOff = false;
    const { iceServers, connectLimitMs = CONNECT_LIMIT_MS, wrtc } = this.#options;
    const link = new WebrtcLink(
      { Peer, initiator, iceServers: iceServers?.() ?? [], connectLimitMs, ...(wrtc && { wrtc }) },
      {
        onSignal: (signal) =>
          this.#signaling.publish({ type: 'signal', from: this.#room.self, to: peer.id, token, signal }),
        onUp: () => this.#up(peer, attempt),
        onFrame: (frame) => this.#events.onFrame(token, frame),
        onEnded: (why) => this.#ended(peer, attempt, why),
      },
    );
    const attempt: TokenLink = { token, link, upSince: 0 };
    peer.attempt = attempt;
  }

  #up(peer: FarPeer, attempt: TokenLink): void {
    if (peer.link) this.#closeLink(peer, 'replaced by a new connection');
    peer.attempt = undefined;
    peer.link = attempt;
    peer.why = undefined;
    attempt.upSince = Date.now();
    this.#links.set(attempt.token, attempt.link);
    this.#report();
    this.#events.onLink(attempt.token);
  }

  #ended(peer: FarPeer, ended: TokenLink, why: string): void {
    if (peer.link === ended) {
      if (Date.now() - ended.upSince > GOOD_LINK_MS) peer.failures = 0;
      this.#closeLink(peer, why);
    } else {
      peer.attempt = undefined;
      peer.why = why;
    }
    if (peer.leaving) return this.#forget(peer, why);
    if (!peer.link && !peer.attempt) {
      peer.backsOff = true;
      this.#retryLater(peer);
    }
    this.#report();
  }

  #retryLater(peer: FarPeer): void {
    const wait = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** peer.failures++);
    const jitter = 0.5 + (this.#options.random ?? Math.random)() / 2;
    clearTimeout(peer.retry);
    peer.retry = setTimeout(() => this.#retry(peer), wait * jitter);
  }

  /** Asks for a sign of life. An answer leads to an offer; without one it asks again, more rarely, and then forgets. */
  #retry(peer: FarPeer): void {
    peer.retry = undefined;
    peer.backsOff = false;
    if (!this.#signaling.isOpen) return; // everyone is announced to when it is back
    if (peer.silences++ >= SILENCE_LIMIT) return this.#forget(peer, 'the other end is gone');
    this.#announce(peer.id);
    this.#retryLater(peer);
  }

  #meet(id: PeerId): FarPeer | undefined {
    if (this.#peers.size >= MAX_PEERS) return undefined;
    const peer: FarPeer = { id, backsOff: false, leaving: false, failures: 0, silences: 0 };
    this.#peers.set(id, peer);
    return peer;
  }

  #forget(peer: FarPeer, why: string): void {
    clearTimeout(peer.retry);
    this.#peers.delete(peer.id);
    peer.attempt?.link.close();
    peer.attempt = undefined;
    if (peer.link) this.#closeLink(peer, why);
    this.#report();
  }

  #closeLink(peer: FarPeer, why: string): void {
    const { link } = peer;
    if (!link) return;
    peer.link = undefined;
    link.link.close();
    this.#links.delete(link.token);
    this.#events.onLinkClosed(link.token, why);
  }

  #offers(peer: FarPeer): boolean {
    return this.#room.self < peer.id;
  }

  #report(): void {
    if (this.#closed) return;
    this.#setStatus(this.#currentStatus());
  }

  #currentStatus(): TransportStatus {
    if (this.#links.size > 0) return { kind: 'up' };
    if (this.#unreachable !== undefined) return { kind: 'down', why: this.#unreachable };
    const failed = [...this.#peers.values()].find((peer) => peer.why !== undefined);
    return failed?.why === undefined ? { kind: 'connecting' } : { kind: 'down', why: failed.why };
  }

  #setStatus(status: TransportStatus): void {
    if (JSON.stringify(status) === JSON.stringify(this.#status)) return;
    this.#status = status;
    this.#events.onStatus(status);
  }
}
