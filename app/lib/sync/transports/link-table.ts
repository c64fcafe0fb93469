/**
 * The links of one connection that are up, by id, and the telling of its owner: what opens, closes and arrives, and the
 * status. Whoever makes a link ends it too; this only forgets it.
 */
import type { Bytes } from '../../core/bytes.ts';
import type { Lane, LinkId, TransportEvents, TransportStatus } from '../transport.ts';
import { refuseTooLarge } from './send-queue.ts';

/** What every kind of link can do with frames. */
interface FrameLink {
  send(frame: Bytes, lane: Lane): void;
  queuedBytes(): number;
  drained(): Promise<void>;
}

export class LinkTable<Link extends FrameLink> {
  readonly #events: TransportEvents;
  readonly #links = new Map<LinkId, Link>();
  #status: TransportStatus = { kind: 'connecting' };

  constructor(events: TransportEvents) {
    this.#events = events;
  }

  get status(): TransportStatus {
    return this.#status;
  }

  setStatus(status: TransportStatus): void {
    this.#status = status;
    this.#events.onStatus(status);
  }

  get size(): number {
    return this.#links.size;
  }

  /** As they are now: a link may close while its neighbours are sent to. */
  ids(): readonly LinkId[] {
    return [...this.#links.keys()];
  }

  all(): readonly Link[] {
    return [...this.#links.values()];
  }

  get(id: LinkId): Link | undefined {
    return this.#links.get(id);
  }

  has(id: LinkId): boolean {
    return this.#links.has(id);
  }

  opened(id: LinkId, link: Link): void {
    this.#links.set(id, link);
    this.#events.onLink(id);
  }

  arrived(id: LinkId, frame: Bytes): void {
    this.#events.onFrame(id, frame);
  }

  doubted(id: LinkId, doubtful: boolean): void {
    if (this.#links.has(id)) this.#events.onDoubt?.(id, doubtful);
  }

  /** Forgets the link and says why; nothing when it is not up. */
  closed(id: LinkId, why: string): void {
    if (this.#links.delete(id)) this.#events.onLinkClosed(id, why);
  }

  /** The verbs of `TransportConnection`, with its errors. */
  send(id: LinkId, frame: Bytes, lane: Lane): void {
    refuseTooLarge(frame);
    this.#links.get(id)?.send(frame, lane);
  }

  broadcast(frame: Bytes, lane: Lane): void {
    refuseTooLarge(frame);
    for (const link of this.all()) link.send(frame, lane);
  }

  queuedBytes(id: LinkId): number {
    return this.#links.get(id)?.queuedBytes() ?? 0;
  }

  drained(id: LinkId): Promise<void> {
    return this.#links.get(id)?.drained() ?? Promise.resolve();
  }
}
