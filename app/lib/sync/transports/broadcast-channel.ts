/**
 * Links between the tabs of one browser (NET-10 to NET-12): no network, no server.
 * One shared channel says who is there; each pair of tabs has a channel of its own, so that a frame wakes one tab only.
 *
 *        hello                     here (to me)
 *   ───────────────▶ stranger ──────────────────▶ linked        any message on the pair channel links as well:
 *    open pair channel, say here     open it, greet on it       it proves that the far tab has it open
 *
 * A tab that crashed says no bye. Where the browser has Web Locks each tab holds one for as long as it lives, and the
 * others wait for it; elsewhere tabs ask each other (an answer needs no timer, so a throttled tab still gives it).
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, randomBytes, toHex, utf8, type Bytes } from '../../core/bytes.ts';
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
import { refuseTooLarge } from './send-queue.ts';

export interface BroadcastChannelOptions {
  /** Web Locks; null where there are none. Default: the browser's. */
  readonly locks?: LockManager | null;
  /** Without locks: how often a tab asks whether another is still there. Three unanswered questions mean it is not. */
  readonly askEveryMs?: number;
}

/** Often enough that a crashed tab is gone from the list in 15 s, rare enough to cost nothing. */
const ASK_EVERY_MS = 5_000;
const UNANSWERED_LIMIT = 3;
/** Tabs beyond this are ignored: no person has as many, a runaway script might. */
const MAX_TABS = 64;

export function broadcastChannelTransport(options: BroadcastChannelOptions = {}): Transport {
  return {
    id: 'broadcast-channel',
    connect: (room, events) => new TabConnection(room, events, options),
  };
}

/** Two tabs of one room meet on this name; it is a hash, so that nothing reads the room out of it. */
export const tabChannelName = (topic: Bytes): string =>
  `codeface/tabs/${toHex(sha256(concat(utf8('codeface/tabs/1\0'), topic))).slice(0, 32)}`;

/** On the shared channel. `bye` and `hello` go to all, the others to one. */
interface TabMessage {
  readonly kind: 'hello' | 'here' | 'bye' | 'ask' | 'answer';
  readonly from: string;
  readonly to?: string;
}

interface FarTab {
  readonly id: LinkId;
  readonly channel: BroadcastChannel;
  readonly link: CreditLink;
  readonly watch: AbortController;
  linked: boolean;
  unanswered: number;
}

class TabConnection implements TransportConnection {
  readonly #events: TransportEvents;
  readonly #name: string;
  readonly #self = toHex(randomBytes(16));
  readonly #locks: LockManager | null;
  readonly #askEveryMs: number;
  readonly #tabs = new Map<string, FarTab>();
  readonly #ended = new AbortController();
  #shared: BroadcastChannel | undefined;
  #asking: ReturnType<typeof setInterval> | undefined;
  #heldLock: Promise<unknown> = Promise.resolve();
  #status: TransportStatus = { kind: 'connecting' };

  constructor(room: TransportRoom, events: TransportEvents, options: BroadcastChannelOptions) {
    this.#events = events;
    this.#name = tabChannelName(room.topic);
    this.#locks = options.locks === undefined ? browserLocks() : options.locks;
    this.#askEveryMs = options.askEveryMs ?? ASK_EVERY_MS;
    queueMicrotask(() => this.#start());
  }

  get status(): TransportStatus {
    return this.#status;
  }

  links(): readonly LinkId[] {
    return [...this.#tabs.values()].filter((tab) => tab.linked).map((tab) => tab.id);
  }

  send(link: LinkId, frame: Bytes, lane: Lane): void {
    refuseTooLarge(frame);
    this.#linked(link)?.link.send(frame, lane);
  }

  broadcast(frame: Bytes, lane: Lane): void {
    refuseTooLarge(frame);
    for (const link of this.links()) this.send(link, frame, lane);
  }

  queuedBytes(link: LinkId): number {
    return this.#linked(link)?.link.queuedBytes() ?? 0;
  }

  drained(link: LinkId): Promise<void> {
    return this.#linked(link)?.link.drained() ?? Promise.resolve();
  }

  async close(): Promise<void> {
    if (!this.#ended.signal.aborted) {
      this.#ended.abort();
      this.#post({ kind: 'bye', from: this.#self });
      clearInterval(this.#asking);
      for (const tab of [...this.#tabs.values()]) this.#forget(tab, 'closed here');
      this.#shared?.close();
    }
    await this.#heldLock;
  }

  #start(): void {
    if (this.#ended.signal.aborted) return;
    if (typeof BroadcastChannel === 'undefined')
      return this.#setStatus({ kind: 'down', why: 'no BroadcastChannel in this browser' });
    this.#shared = new BroadcastChannel(this.#name);
    if (this.#locks) this.#heldLock = this.#holdLock(this.#locks);
    else {
      this.#asking = setInterval(() => this.#askAll(), this.#askEveryMs);
      this.#appear();
    }
  }

  /** Others may watch this tab's lock from the moment it says hello, so it must be held by then. */
  async #holdLock(locks: LockManager): Promise<void> {
    const untilClosed = new Promise<void>((resolve) =>
      this.#ended.signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    const hold = { signal: this.#ended.signal };
    await locks
      .request(this.#lockName(this.#self), hold, () => {
        this.#appear();
        return untilClosed;
      })
      .catch(() => undefined); // closed before the lock was granted
  }

  #appear(): void {
    if (!this.#shared || this.#ended.signal.aborted) return;
    this.#shared.onmessage = (event: MessageEvent<unknown>) => this.#receive(event.data);
    this.#post({ kind: 'hello', from: this.#self });
    this.#setStatus({ kind: 'up' });
  }

  #receive(data: unknown): void {
    if (!isTabMessage(data) || data.from === this.#self) return;
    if (data.to !== undefined && data.to !== this.#self) return;
    const known = this.#tabs.get(data.from);
    switch (data.kind) {
      case 'hello':
        // A linked tab that says hello has lost its side of the link: both begin again.
        if (known?.linked) this.#forget(known, 'the other tab began again');
        if (this.#meet(data.from)) this.#post({ kind: 'here', from: this.#self, to: data.from });
        return;
      case 'here': {
        const tab = this.#meet(data.from);
        if (!tab) return;
        tab.channel.postMessage(GREETING);
        return this.#link(tab);
      }
      case 'bye':
        return known && this.#forget(known, 'the other tab closed');
      case 'ask':
        if (known) this.#post({ kind: 'answer', from: this.#self, to: data.from });
        else this.#post({ kind: 'hello', from: this.#self, to: data.from });
        return;
      case 'answer':
        if (known) known.unanswered = 0;
        return;
    }
  }

  /** The tab of that id, with its pair channel open from now on. */
  #meet(id: string): FarTab | undefined {
    const known = this.#tabs.get(id);
    if (known) return known;
    if (this.#tabs.size >= MAX_TABS) return undefined;
    const channel = new BroadcastChannel(`${this.#name}/${[this.#self, id].sort().join('/')}`);
    const link = new CreditLink(
      { write: (message) => channel.postMessage(message), unsentBytes: () => 0 },
      {
        onFrame: (frame) => this.#events.onFrame(id, frame),
        onEnded: (why) => this.#forget(tab, why),
      },
    );
    const tab: FarTab = { id, channel, link, watch: new AbortController(), linked: false, unanswered: 0 };
    channel.onmessage = (event: MessageEvent<unknown>) => {
      this.#link(tab);
      link.receive(event.data instanceof Uint8Array ? new Uint8Array(event.data) : new Uint8Array(0));
    };
    this.#tabs.set(id, tab);
    if (this.#locks) void this.#watchLock(this.#locks, tab);
    return tab;
  }

  #link(tab: FarTab): void {
    if (tab.linked || this.#tabs.get(tab.id) !== tab) return;
    tab.linked = true;
    this.#events.onLink(tab.id);
  }

  /** Granted only when the far tab is gone, however it went. */
  async #watchLock(locks: LockManager, tab: FarTab): Promise<void> {
    await locks
      .request(this.#lockName(tab.id), { mode: 'shared', signal: tab.watch.signal }, () =>
        this.#forget(tab, 'the other tab is gone'),
      )
      .catch(() => undefined); // aborted: the link has closed by other means
  }

  #askAll(): void {
    for (const tab of [...this.#tabs.values()]) {
      if (tab.unanswered >= UNANSWERED_LIMIT) this.#forget(tab, 'the other tab does not answer');
      else {
        tab.unanswered++;
        this.#post({ kind: 'ask', from: this.#self, to: tab.id });
      }
    }
  }

  #forget(tab: FarTab, why: string): void {
    if (this.#tabs.get(tab.id) !== tab) return;
    this.#tabs.delete(tab.id);
    tab.watch.abort();
    tab.link.drop();
    tab.channel.close();
    if (tab.linked) this.#events.onLinkClosed(tab.id, why);
  }

  #linked(link: LinkId): FarTab | undefined {
    const tab = this.#tabs.get(link);
    return tab?.linked ? tab : undefined;
  }

  #post(message: TabMessage): void {
    this.#shared?.postMessage(message);
  }

  #setStatus(status: TransportStatus): void {
    this.#status = status;
    this.#events.onStatus(status);
  }

  #lockName(tab: string): string {
    return `${this.#name}/${tab}`;
  }
}

const browserLocks = (): LockManager | null => (globalThis.navigator as Navigator | undefined)?.locks ?? null;

const TAB_ID = /^[0-9a-f]{32}$/;
const KINDS: readonly unknown[] = ['hello', 'here', 'bye', 'ask', 'answer'];

function isTabMessage(data: unknown): data is TabMessage {
  if (typeof data !== 'object' || data === null) return false;
  const { kind, from, to } = data as Record<string, unknown>;
  return KINDS.includes(kind) && isTabId(from) && (to === undefined || isTabId(to));
}

const isTabId = (value: unknown): boolean => typeof value === 'string' && TAB_ID.test(value);
