/**
 * The links of all transports, gathered into peers. A peer may be reachable by several links at once: the best one
 * carries (another tab of this browser, then a direct channel, then the relay), so relaying to a peer stops by itself
 * when a direct channel to it is up, and begins again when that dies. While a link is doubtful (its far end stopped
 * answering) the next best carries, and what goes to everybody goes over both. Tabs of one browser may be reached through
 * the one of them that leads (carriage.ts). Knows nothing of what frames hold.
 */
import type { Bytes } from '../core/bytes.ts';
import type { DeviceId, PeerId } from '../core/ids.ts';
import type {
  Lane,
  LinkId,
  Transport,
  TransportConnection,
  TransportId,
  TransportRoom,
  TransportStatus,
} from './transport.ts';

/** What carries the frames of a link. */
type LinkWay = Pick<TransportConnection, 'send' | 'ask' | 'queuedBytes' | 'drained'>;

/** Whose frames a link carries where it is no way of its own: they go through another tab (SYNC-20). */
export interface Carried {
  readonly by: PeerId;
  /** Whose tab alone may be at the far end. */
  readonly device?: DeviceId;
  /** By what the carrier reaches it, where that is not the carrier's own link. */
  path?: TransportId;
}

/** Better first. */
const preference: readonly TransportId[] = ['broadcast-channel', 'webrtc', 'relay'];

/** One link of one transport, and whose it is once its HELLO came. */
export class MeshLink {
  peer: PeerId | undefined;
  /** The far end has stopped answering. */
  doubtful = false;
  readonly transport: TransportId;
  readonly id: LinkId;
  readonly carried: Carried | undefined;
  readonly #way: LinkWay;

  constructor(transport: TransportId, id: LinkId, way: LinkWay, carried?: Carried) {
    this.transport = transport;
    this.id = id;
    this.#way = way;
    this.carried = carried;
  }

  send(frame: Bytes, lane: Lane): void {
    this.#way.send(this.id, frame, lane);
  }

  /** What is sent next is to be answered, so that a path that has silently died is noticed (NET-61). */
  ask(): void {
    this.#way.ask?.(this.id);
  }

  /** Resolves when what was queued has nearly all left this tab, or the link closed. */
  drained(): Promise<void> {
    return this.#way.drained(this.id);
  }

  get queuedBytes(): number {
    return this.#way.queuedBytes(this.id);
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
  readonly #transports: readonly Transport[];
  readonly #room: TransportRoom;
  readonly #events: MeshEvents;
  #carried = 0;
  #closing: Promise<unknown> = Promise.resolve();

  /** `leads`: as in `lead`. */
  constructor(transports: readonly Transport[], room: TransportRoom, events: MeshEvents, leads = true) {
    this.#transports = transports;
    this.#room = room;
    this.#events = events;
    for (const transport of transports) if (leads || isNear(transport.id)) this.#connect(transport);
  }

  /** Opens the ways to other browsers, or closes them. */
  lead(leads: boolean): void {
    for (const transport of this.#transports) {
      const connection = this.#connections.get(transport.id);
      if (isNear(transport.id) || leads === (connection !== undefined)) continue;
      if (connection === undefined) this.#connect(transport);
      else this.#disconnect(transport.id, connection);
    }
    this.#events.onChange();
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

  /** A link to a tab that another tab reaches; it stays until `end`. */
  openCarried(way: LinkWay, carried: Carried): MeshLink {
    const link = new MeshLink('relay', `carried ${this.#carried++}`, way, carried);
    this.#opened(link.id, link);
    return link;
  }

  /** Ends a link that `openCarried` gave. */
  endCarried({ id }: MeshLink, why: string): void {
    this.#closed(id, why);
  }

  /** By what a peer is reached in the end, whoever carries it there. */
  pathOf({ carried, transport }: MeshLink): TransportId {
    return (carried && (carried.path ?? this.#best.get(carried.by)?.transport)) ?? transport;
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
    // What another tab carries first: it is busy with what was meant for itself afterwards.
    for (const link of this.#best.values()) if (link.carried) link.send(frame, lane);
    for (const link of this.#best.values()) if (!link.carried) link.send(frame, lane);
    for (const link of this.#passedOver.values()) link.send(frame, lane);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#connections.values()].map((connection) => connection.close()));
    await this.#closing;
    this.#links.clear();
    this.#best.clear();
    this.#passedOver.clear();
  }

  #disconnect(id: TransportId, connection: TransportConnection): void {
    this.#connections.delete(id);
    this.#status.delete(id);
    for (const [key, link] of [...this.#links])
      if (link.transport === id && link.carried === undefined) this.#closed(key, 'another tab leads');
    this.#closing = Promise.all([this.#closing, connection.close()]);
  }

  #connect(transport: Transport): void {
    // A transport may call back before connect() has returned; those calls wait for the connection.
    const waiting: { connection: TransportConnection | undefined; early: (() => void)[] } = {
      connection: undefined,
      early: [],
    };
    const whenConnected = (act: (to: TransportConnection) => void): void => {
      const { connection, early } = waiting;
      if (connection === undefined) early.push(() => whenConnected(act));
      // What was closed because another tab leads may still have a last word.
      else if (this.#connections.get(transport.id) === connection) act(connection);
    };
    const key = (id: LinkId) => `${transport.id}/${id}`;
    const connection = transport.connect(this.#room, {
      onLink: (id) => whenConnected((to) => this.#opened(key(id), new MeshLink(transport.id, id, to))),
      onFrame: (id, frame) =>
        whenConnected(() => {
          const link = this.#links.get(key(id));
          if (link !== undefined) this.#arrived(link, frame);
        }),
      onLinkClosed: (id, why) => whenConnected(() => this.#closed(key(id), why)),
      onDoubt: (id, doubtful) => whenConnected(() => this.#doubted(key(id), doubtful)),
      onStatus: (status) =>
        whenConnected(() => {
          this.#status.set(transport.id, status);
          this.#events.onChange();
        }),
    });
    waiting.connection = connection;
    this.#connections.set(transport.id, connection);
    if (!this.#status.has(transport.id)) this.#status.set(transport.id, connection.status);
    for (const act of waiting.early) act();
  }

  #opened(key: string, link: MeshLink): void {
    this.#links.set(key, link);
    this.#events.onLink(link);
    this.#events.onChange();
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
        if (wanted === undefined || isBetter(link, wanted)) wanted = link;
        if (!link.doubtful && (best === undefined || isBetter(link, best))) best = link;
      }
    best ??= wanted;
    if (best === undefined) this.#best.delete(peer);
    else this.#best.set(peer, best);
    if (wanted === undefined || wanted === best || !wanted.doubtful) this.#passedOver.delete(peer);
    else this.#passedOver.set(peer, wanted);
  }
}

/** Links within this browser. */
export const isNear = (transport: TransportId): boolean => transport === 'broadcast-channel';

const rank = ({ carried, transport }: MeshLink): number =>
  carried ? preference.length : preference.indexOf(transport);

/** `later` was opened after `link`. Of two tabs that carry, the newer one leads. */
const isBetter = (later: MeshLink, link: MeshLink): boolean =>
  rank(later) < rank(link) || (later.carried !== undefined && link.carried !== undefined);
