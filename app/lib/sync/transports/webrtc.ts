/**
 * Direct links between browsers (NET-54 to NET-58). The server only introduces: once a link is up it may vanish.
 * What to do about each of the others is decided in far-peer.ts; this does it.
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
import { FarPeer, type NextStep } from './far-peer.ts';
import { IceServers } from './ice-servers.ts';
import { LinkTable } from './link-table.ts';
import { pageConnectivity, type SocketOptions } from './reconnecting-socket.ts';
import { SeenOffers } from './seen-offers.ts';
import { Signaling, type SignalMessage } from './signaling.ts';
import { CONNECT_LIMIT_MS, WebrtcLink, type PeerConstructor, type WebrtcLinkOptions } from './webrtc-link.ts';

export interface WebrtcOptions extends Omit<SocketOptions, 'url'> {
  /** `ws://` or `wss://` address of `/signal`. */
  readonly signalUrl: string;
  /** Address of `/ice`, which names TURN servers; without it direct connections only. */
  readonly iceUrl?: string;
  /** How long an attempt may take before it is torn down with a reason. */
  readonly connectLimitMs?: number;
  /** WebRTC's constructors; default: the browser's. */
  readonly wrtc?: NonNullable<WebrtcLinkOptions['wrtc']>;
}

/** Tabs that meet while both are here find each other at once; this is for announcements that were lost. */
const ANNOUNCE_EVERY_MS = 30_000;
/** A link that stopped answering gets so long before another is made: most are well again by then. */
const REPLACE_AFTER_MS = 2000;
/** Where many stopped at once (this tab's own network) they are replaced one after the other, or none is. */
const REPLACE_APART_MS = 150;
/** Rooms above this size are carried by the relay (DESIGN §4); it also bounds what strangers with a link can cost. */
const MAX_PEERS = 32;

export function webrtcTransport(options: WebrtcOptions): Transport {
  return { id: 'webrtc', connect: (room, events) => new WebrtcConnection(room, events, options) };
}

interface TokenLink {
  readonly token: LinkId;
  readonly link: WebrtcLink;
}

class WebrtcConnection implements TransportConnection {
  readonly #room: TransportRoom;
  readonly #options: WebrtcOptions;
  readonly #signaling: Signaling;
  readonly #peers = new Map<PeerId, FarPeer<TokenLink>>();
  readonly #retries = new Map<PeerId, ReturnType<typeof setTimeout>>();
  readonly #links: LinkTable<WebrtcLink>;
  readonly #offers = new SeenOffers();
  readonly #ice: IceServers | undefined;
  readonly #connectivity: EventTarget | null;
  #Peer: PeerConstructor | undefined;
  #announcing: ReturnType<typeof setInterval> | undefined;
  #unreachable: string | undefined;
  #closed = false;

  constructor(room: TransportRoom, events: TransportEvents, options: WebrtcOptions) {
    this.#room = room;
    this.#links = new LinkTable(events);
    this.#options = options;
    this.#ice = options.iceUrl === undefined ? undefined : new IceServers(options.iceUrl);
    this.#connectivity = options.connectivity === undefined ? pageConnectivity() : options.connectivity;
    this.#connectivity?.addEventListener('online', this.#askAll);
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
    return this.#links.status;
  }

  links(): readonly LinkId[] {
    return this.#links.ids();
  }

  send(link: LinkId, frame: Bytes, lane: Lane): void {
    this.#links.send(link, frame, lane);
  }

  broadcast(frame: Bytes, lane: Lane): void {
    this.#links.broadcast(frame, lane);
  }

  ask(link: LinkId): void {
    this.#links.get(link)?.ask();
  }

  queuedBytes(link: LinkId): number {
    return this.#links.queuedBytes(link);
  }

  drained(link: LinkId): Promise<void> {
    return this.#links.drained(link);
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#ice?.dispose();
      this.#connectivity?.removeEventListener('online', this.#askAll);
      clearInterval(this.#announcing);
      for (const peer of [...this.#peers.values()]) this.#forget(peer, 'closed here');
      if (this.#signaling.isOpen) this.#signaling.publish({ type: 'bye', from: this.#room.self });
    }
    await this.#signaling.close();
  }

  async #start(): Promise<void> {
    await Promise.resolve(); // no event before `connect` has returned
    if (!this.#options.wrtc && typeof RTCPeerConnection === 'undefined')
      return this.#links.setStatus({ kind: 'down', why: 'no WebRTC in this browser' });
    try {
      this.#Peer = (await import('simple-peer/simplepeer.min.js')).default;
    } catch {
      return this.#links.setStatus({
        kind: 'down',
        why: 'a part of the app could not be loaded; reload the page',
      });
    }
    await this.#ice?.ready();
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
    switch (message.type) {
      case 'announce':
        return this.#do(peer.heard(message.to !== undefined), peer);
      case 'bye':
        return this.#do(peer.saidBye(), peer, 'the other end left');
      case 'signal': {
        const { token, signal } = message;
        peer.signalled();
        if (signal.type === 'offer') this.#offered(peer, token);
        for (const known of [peer.attempt, peer.link]) if (known?.token === token) known.link.signal(signal);
        return;
      }
    }
  }

  #do(step: NextStep, peer: FarPeer<TokenLink>, why = ''): void {
    if (this.#closed) return;
    switch (step) {
      case 'announce':
        this.#announce(peer.id);
        break;
      case 'offer':
        return this.#attempt(peer, toHex(randomBytes(16)), true);
      case 'forget':
        return this.#forget(peer, why);
      case 'nothing':
        break;
    }
    this.#armRetry(peer);
  }

  #offered(peer: FarPeer<TokenLink>, token: LinkId): void {
    if (peer.offers || !this.#offers.isNew(token)) return;
    peer.attempt?.link.close();
    this.#attempt(peer, token, false);
  }

  #attempt(peer: FarPeer<TokenLink>, token: LinkId, initiator: boolean): void {
    const Peer = this.#Peer;
    if (!Peer) return;
    const { connectLimitMs = CONNECT_LIMIT_MS, wrtc } = this.#options;
    const link = new WebrtcLink(
      { Peer, initiator, connectLimitMs, iceServers: this.#ice?.current ?? [], ...(wrtc && { wrtc }) },
      {
        onSignal: (signal) =>
          this.#signaling.publish({ type: 'signal', from: this.#room.self, to: peer.id, token, signal }),
        onUp: () => this.#up(peer, attempt),
        onRelayed: () => this.#report(),
        onFrame: (frame) => this.#links.arrived(token, frame),
        onDoubt: (doubtful) => this.#doubted(peer, attempt, doubtful),
        onEnded: (why) => this.#ended(peer, attempt, why),
      },
    );
    const attempt: TokenLink = { token, link };
    peer.attempting(attempt);
    this.#armRetry(peer);
  }

  #up(peer: FarPeer<TokenLink>, attempt: TokenLink): void {
    this.#closeLink(peer.link, 'replaced by a new connection');
    peer.up(attempt);
    this.#links.opened(attempt.token, attempt.link);
    this.#report();
  }

  #ended(peer: FarPeer<TokenLink>, ended: TokenLink, why: string): void {
    const step = peer.ended(ended, why);
    this.#closeLink(ended, why);
    this.#do(step, peer, why);
    this.#report();
  }

  /** The old link carries on beside the relay until its replacement is up, or it answers again. */
  #doubted(peer: FarPeer<TokenLink>, { token }: TokenLink, doubtful: boolean): void {
    const { random = Math.random } = this.#options;
    const doubts = this.#links.all().filter((link) => link.doubtful).length;
    if (doubtful) peer.doubted(REPLACE_AFTER_MS + random() * doubts * REPLACE_APART_MS);
    else peer.trusted();
    this.#armRetry(peer);
    this.#links.doubted(token, doubtful);
  }

  /** The network of this device has changed. */
  readonly #askAll = (): void => {
    for (const link of this.#links.all()) link.ask();
  };

  /** Sets the timer to when the peer wants it: again and again the same is no delay. */
  #armRetry(peer: FarPeer<TokenLink>): void {
    clearTimeout(this.#retries.get(peer.id));
    this.#retries.delete(peer.id);
    if (peer.retryAt === undefined) return;
    const retry = (): void => {
      const asks = this.#signaling.isOpen && peer.link?.link.recovers !== true;
      this.#do(peer.retryDue(asks), peer, 'the other end is gone');
    };
    this.#retries.set(peer.id, setTimeout(retry, peer.retryAt - performance.now()));
  }

  #meet(id: PeerId): FarPeer<TokenLink> | undefined {
    if (this.#peers.size >= MAX_PEERS) return undefined;
    const { random = Math.random } = this.#options;
    const peer = new FarPeer<TokenLink>(this.#room.self, id, { now: () => performance.now(), random });
    this.#peers.set(id, peer);
    return peer;
  }

  #forget(peer: FarPeer<TokenLink>, why: string): void {
    clearTimeout(this.#retries.get(peer.id));
    this.#retries.delete(peer.id);
    this.#peers.delete(peer.id);
    peer.attempt?.link.close();
    this.#closeLink(peer.link, why);
    this.#report();
  }

  #closeLink(known: TokenLink | undefined, why: string): void {
    known?.link.close();
    if (known) this.#links.closed(known.token, why);
  }

  /** Says how it stands, if that has changed. */
  #report(): void {
    const status = this.#currentStatus();
    if (this.#closed || JSON.stringify(status) === JSON.stringify(this.#links.status)) return;
    this.#links.setStatus(status);
  }

  #currentStatus(): TransportStatus {
    if (this.#links.size > 0)
      return this.#links.all().some(({ relayed }) => relayed)
        ? { kind: 'up', relayed: true }
        : { kind: 'up' };
    if (this.#unreachable !== undefined) return { kind: 'down', why: this.#unreachable };
    const failed = [...this.#peers.values()].find((peer) => peer.why !== undefined);
    return failed?.why === undefined ? { kind: 'connecting' } : { kind: 'down', why: failed.why };
  }
}
