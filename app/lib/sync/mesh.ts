/**
 * The links of all transports, gathered into peers. A peer may be reachable by several links at once: the best one
 * carries (another tab of this browser, then a direct channel, then the relay), so relaying to a peer stops by itself
 * when a direct channel to it is up, and begins again when that dies. While a link is doubtful (its far end stopped
 * answering) the next best carries, and what goes to everybody goes over both. Knows nothing of what frames hold.
 */
import type { Bytes } from '../core/bytes.ts';
import type { PeerId } from '../core/ids.ts';
import type {
  Lane,
  LinkId,
  Transport,
  TransportConnection,
  TransportId,
  TransportRoom,
  TransportStatus,
} from './transport.ts';

/** Better first. */
const preference: readonly TransportId[] = ['broadcast-channel', 'webrtc', 'relay'];

/** One link of one transport, and whose it is once its HELLO came. */
export class MeshLink {
  peer: PeerId | undefined;
  /** The far end has stopped answering. */
  doubtful = false;
  readonly transport: TransportId;
  readonly id: LinkId;
  readonly #connection: TransportConnection;

  constructor(transport: TransportId, id: LinkId, connection: TransportConnection) {
    this.transport = transport;
    this.id = id;
    this.#connection = connection;
  }

  send(frame: Bytes, lane: Lane): void {
    this.#connection.send(this.id, frame, lane);
  }

  /** What is sent next is to be answered, so that a path that has silently died is noticed (NET-61). */
  ask(): void {
    this.#connection.ask?.(this.id);
  }

  /** Resolves when what was queued has nearly all left this tab, or the link closed. */
  drained(): Promise<void> {
    return this.#connection.drained(this.id);
  }
}

export interface MeshEvents {
  onLink(link: MeshLink): void;
  onFrame(link: MeshLink, frame: Bytes): void;
  onLinkClosed(link: MeshLink, why: string): void;
  /** The peer's best link stopped answering, and `instead` carries now: what was sent last may not have arrived. */
  onDetour(instead: MeshLink): void;
  /** Links, peers or the state of a transport changed. */
  onChange(): void;
}

export class Mesh {
  readonly #connections = new Map<TransportId, TransportConnection>();
  readonly #status = new Map<TransportId, TransportStatus>();
  readonly #links = new Map<string, MeshLink>();
  readonly #best = new Map<PeerId, MeshLink>();
  /** The doubtful link that would be the best, by peer. */
  readonly #passedOver = new Map<PeerId, MeshLink>();
  readonly #events: MeshEvents;

  constructor(transports: readonly Transport[], room: TransportRoom, events: MeshEvents) {
    this.#events = events;
    for (const transport of transports) this.#connect(transport, room);
  }

  /** Every peer that said HELLO, by its best link. */
  get peers(): ReadonlyMap<PeerId, MeshLink> {
    return this.#best;
  }

  linkTo(peer: PeerId): MeshLink | undefined {
    return this.#best.get(peer);
  }

  /** Every open link, known or not. */
  links(): IterableIterator<MeshLink> {
    return this.#links.values();
  }

  status(transport: TransportId): TransportStatus | undefined {
    return this.#status.get(transport);
  }

  /** Says whose link this is. */
  identify(link: MeshLink, peer: PeerId): void {
    if (link.peer === peer) return;
    const before = link.peer;
    link.peer = peer;
    if (before !== undefined) this.#choose(before);
    this.#choose(peer);
    this.#events.onChange();
  }

  /** Whether the best link to a peer, or the one that should be, has stopped answering. */
  isDoubtful(peer: PeerId): boolean {
    return this.#passedOver.has(peer) || this.#best.get(peer)?.doubtful === true;
  }

  /** One frame to every peer that must not wait: whoever does not answer is told by a second way. */
  broadcastSurely(frame: Bytes): void {
    for (const link of this.#best.values()) link.ask();
    this.broadcast(frame, 'live');
  }

  /** One frame to every peer: as many sends as there are peers, and one more for each whose direct link is doubtful. */
  broadcast(frame: Bytes, lane: Lane): void {
    for (const link of this.#best.values()) link.send(frame, lane);
    for (const link of this.#passedOver.values()) link.send(frame, lane);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#connections.values()].map((connection) => connection.close()));
    this.#links.clear();
    this.#best.clear();
    this.#passedOver.clear();
  }

  #connect(transport: Transport, room: TransportRoom): void {
    // A transport may call back before connect() has returned; those calls wait for the connection.
    const waiting: { connection: TransportConnection | undefined; early: (() => void)[] } = {
      connection: undefined,
      early: [],
    };
    const whenConnected = (act: (to: TransportConnection) => void): void => {
      const { connection, early } = waiting;
      if (connection === undefined) early.push(() => whenConnected(act));
      else act(connection);
    };
    const key = (id: LinkId) => `${transport.id}/${id}`;
    const connection = transport.connect(room, {
      onLink: (id) =>
        whenConnected((to) => {
          const link = new MeshLink(transport.id, id, to);
          this.#links.set(key(id), link);
          this.#events.onLink(link);
          this.#events.onChange();
        }),
      onFrame: (id, frame) =>
        whenConnected(() => {
          const link = this.#links.get(key(id));
          if (link !== undefined) this.#arrived(link, frame);
        }),
      onLinkClosed: (id, why) => whenConnected(() => this.#closed(key(id), why)),
      onDoubt: (id, doubtful) => whenConnected(() => this.#doubted(key(id), doubtful)),
      onStatus: (status) => {
        this.#status.set(transport.id, status);
        this.#events.onChange();
      },
    });
    waiting.connection = connection;
    this.#connections.set(transport.id, connection);
    if (!this.#status.has(transport.id)) this.#status.set(transport.id, connection.status);
    for (const act of waiting.early) act();
  }

  #closed(key: string, why: string): void {
    const link = this.#links.get(key);
    if (link === undefined) return;
    this.#links.delete(key);
    if (link.peer !== undefined) this.#choose(link.peer);
    this.#events.onLinkClosed(link, why);
    this.#events.onChange();
  }

  #arrived(link: MeshLink, frame: Bytes): void {
    const best = link.peer === undefined ? undefined : this.#best.get(link.peer);
    // It came by a detour: the far end may doubt the link that this end takes for the best.
    if (best !== undefined && rank(best) < rank(link)) best.ask();
    this.#events.onFrame(link, frame);
  }

  #doubted(key: string, doubtful: boolean): void {
    const link = this.#links.get(key);
    if (link === undefined) return;
    link.doubtful = doubtful;
    // The detour must be there now: what made this link silent may have ended others.
    if (doubtful)
      for (const [id, connection] of this.#connections) if (id !== link.transport) connection.check?.();
    const { peer } = link;
    if (peer === undefined) return;
    const before = this.#best.get(peer);
    this.#choose(peer);
    const now = this.#best.get(peer);
    if (doubtful && before === link && now !== undefined && now !== link) this.#events.onDetour(now);
    this.#events.onChange();
  }

  #choose(peer: PeerId): void {
    let best: MeshLink | undefined;
    let wanted: MeshLink | undefined;
    for (const link of this.#links.values())
      if (link.peer === peer) {
        if (wanted === undefined || rank(link) < rank(wanted)) wanted = link;
        if (!link.doubtful && (best === undefined || rank(link) < rank(best))) best = link;
      }
    best ??= wanted;
    if (best === undefined) this.#best.delete(peer);
    else this.#best.set(peer, best);
    if (wanted === undefined || wanted === best || !wanted.doubtful) this.#passedOver.delete(peer);
    else this.#passedOver.set(peer, wanted);
  }
}

const rank = (link: MeshLink): number => preference.indexOf(link.transport);
