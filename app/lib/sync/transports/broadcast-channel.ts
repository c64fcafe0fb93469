/**
 * Links between the tabs of one browser (NET-10): no network, no server. tab-presence.ts says who is there; each pair of
 * tabs has a channel of its own, so that a frame wakes one tab only, and on it a credit link.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, toHex, utf8, type Bytes } from '../../core/bytes.ts';
import type {
  Lane,
  LinkId,
  Transport,
  TransportConnection,
  TransportEvents,
  TransportRoom,
  TransportStatus,
} from '../transport.ts';
import { CreditLink, GREETING } from './credit-link.ts';
import { LinkTable } from './link-table.ts';
import { TabPresence, type TabPresenceOptions } from './tab-presence.ts';

export type BroadcastChannelOptions = TabPresenceOptions;

export function broadcastChannelTransport(options: BroadcastChannelOptions = {}): Transport {
  return {
    id: 'broadcast-channel',
    connect: (room, events) => new TabConnection(room, events, options),
  };
}

/** Two tabs of one room meet on this name; it is a hash, so that nothing reads the room out of it. */
export const tabChannelName = (topic: Bytes): string =>
  `codeface/tabs/${toHex(sha256(concat(utf8('codeface/tabs/1\0'), topic))).slice(0, 32)}`;

/** What leads to one other tab, from when it is met. */
interface Pair {
  readonly channel: BroadcastChannel;
  readonly link: CreditLink;
}

class TabConnection implements TransportConnection {
  readonly #name: string;
  readonly #presence: TabPresence;
  readonly #pairs = new Map<LinkId, Pair>();
  readonly #links: LinkTable<CreditLink>;
  #closed = false;

  constructor(room: TransportRoom, events: TransportEvents, options: BroadcastChannelOptions) {
    this.#name = tabChannelName(room.topic);
    this.#links = new LinkTable(events);
    this.#presence = new TabPresence(this.#name, options, {
      onAppeared: () => this.#links.setStatus({ kind: 'up' }),
      onMet: (tab) => this.#openPair(tab),
      onHere: (tab) => {
        this.#pairs.get(tab)?.channel.postMessage(GREETING);
        this.#link(tab);
      },
      isLinked: (tab) => this.#links.has(tab),
      onGone: (tab, why) => this.#closePair(tab, why),
    });
    queueMicrotask(() => this.#start());
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

  queuedBytes(link: LinkId): number {
    return this.#links.queuedBytes(link);
  }

  drained(link: LinkId): Promise<void> {
    return this.#links.drained(link);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const gone = this.#presence.close();
    for (const tab of [...this.#pairs.keys()]) this.#closePair(tab, 'closed here');
    await gone;
  }

  #start(): void {
    if (this.#closed) return;
    if (typeof BroadcastChannel === 'undefined')
      return this.#links.setStatus({ kind: 'down', why: 'no BroadcastChannel in this browser' });
    this.#presence.start();
  }

  #openPair(tab: LinkId): void {
    const channel = new BroadcastChannel(`${this.#name}/${[this.#presence.self, tab].sort().join('/')}`);
    const link = new CreditLink(
      { write: (message) => channel.postMessage(message), unsentBytes: () => 0 },
      {
        onFrame: (frame) => this.#links.arrived(tab, frame),
        onEnded: (why) => {
          this.#presence.forget(tab);
          this.#closePair(tab, why);
        },
      },
    );
    channel.onmessage = (event: MessageEvent<unknown>) => {
      this.#link(tab);
      link.receive(event.data instanceof Uint8Array ? new Uint8Array(event.data) : new Uint8Array(0));
    };
    this.#pairs.set(tab, { channel, link });
  }

  #link(tab: LinkId): void {
    const pair = this.#pairs.get(tab);
    if (pair && !this.#links.has(tab)) this.#links.opened(tab, pair.link);
  }

  #closePair(tab: LinkId, why: string): void {
    const pair = this.#pairs.get(tab);
    if (!pair) return;
    this.#pairs.delete(tab);
    pair.link.drop();
    pair.channel.close();
    this.#links.closed(tab, why);
  }
}
