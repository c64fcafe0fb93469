/**
 * Which other tabs of this browser are in the room (NET-10 to NET-12): it speaks on one channel that all of them share
 * and knows nothing of frames; broadcast-channel.ts opens the channel of each pair.
 *
 *        hello                     here (to me)
 *   ───────────────▶ stranger ──────────────────▶ linked        any message on the pair channel links as well:
 *    open pair channel, say here     open it, greet on it       it proves that the far tab has it open
 *
 * A tab that crashed says no bye. Where the browser has Web Locks each tab holds one for as long as it lives, and the
 * others wait for it; elsewhere tabs ask each other (an answer needs no timer, so a throttled tab still gives it).
 */
import { randomBytes, toHex } from '../../core/bytes.ts';

export interface TabPresenceOptions {
  /** Web Locks; null where there are none. Default: the browser's. */
  readonly locks?: LockManager | null;
  /** Without locks: how often a tab asks whether another is still there. Three unanswered questions mean it is not. */
  readonly askEveryMs?: number;
}

export interface TabPresenceEvents {
  /** This tab can be met from now on. */
  onAppeared(): void;
  /** Another tab is there: its pair channel is to be open when this returns. */
  onMet(tab: string): void;
  /** That tab has its end of the pair channel open. */
  onHere(tab: string): void;
  isLinked(tab: string): boolean;
  /** That tab is gone; `onMet` comes first if it returns. Never called for `forget`. */
  onGone(tab: string, why: string): void;
}

/** Often enough that a crashed tab is gone from the list in 15 s, rare enough to cost nothing. */
const ASK_EVERY_MS = 5_000;
const UNANSWERED_LIMIT = 3;
/** Tabs beyond this are ignored: no person has as many, a runaway script might. */
const MAX_TABS = 64;

/** On the shared channel. `bye` and `hello` go to all, the others to one. */
interface TabMessage {
  readonly kind: 'hello' | 'here' | 'bye' | 'ask' | 'answer';
  readonly from: string;
  readonly to?: string;
}

interface FarTab {
  readonly id: string;
  readonly watch: AbortController;
  unanswered: number;
}

export class TabPresence {
  readonly self = toHex(randomBytes(16));
  readonly #name: string;
  readonly #events: TabPresenceEvents;
  readonly #locks: LockManager | null;
  readonly #askEveryMs: number;
  readonly #tabs = new Map<string, FarTab>();
  readonly #ended = new AbortController();
  #channel: BroadcastChannel | undefined;
  #asking: ReturnType<typeof setInterval> | undefined;
  #heldLock: Promise<unknown> = Promise.resolve();

  /** Does nothing until `start`. `name`: of the shared channel. */
  constructor(name: string, options: TabPresenceOptions, events: TabPresenceEvents) {
    this.#name = name;
    this.#events = events;
    this.#locks = options.locks === undefined ? browserLocks() : options.locks;
    this.#askEveryMs = options.askEveryMs ?? ASK_EVERY_MS;
  }

  start(): void {
    this.#channel = new BroadcastChannel(this.#name);
    if (this.#locks) this.#heldLock = this.#holdLock(this.#locks);
    else {
      this.#asking = setInterval(() => this.#askAll(), this.#askEveryMs);
      this.#appear();
    }
  }

  /** The link with that tab has ended here: should it speak again it is met again. */
  forget(tab: string): void {
    this.#tabs.get(tab)?.watch.abort();
    this.#tabs.delete(tab);
  }

  /** Says bye; resolves when the lock is free. */
  async close(): Promise<void> {
    if (!this.#ended.signal.aborted) {
      this.#ended.abort();
      this.#post({ kind: 'bye', from: this.self });
      clearInterval(this.#asking);
      for (const tab of [...this.#tabs.keys()]) this.forget(tab);
      this.#channel?.close();
    }
    await this.#heldLock;
  }

  /** Others may watch this tab's lock from the moment it says hello, so it must be held by then. */
  async #holdLock(locks: LockManager): Promise<void> {
    const untilClosed = new Promise<void>((resolve) =>
      this.#ended.signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    const hold = { signal: this.#ended.signal };
    await locks
      .request(this.#lockName(this.self), hold, () => {
        this.#appear();
        return untilClosed;
      })
      .catch(() => undefined); // closed before the lock was granted
  }

  #appear(): void {
    if (!this.#channel || this.#ended.signal.aborted) return;
    this.#channel.onmessage = (event: MessageEvent<unknown>) => this.#receive(event.data);
    this.#post({ kind: 'hello', from: this.self });
    this.#events.onAppeared();
  }

  #receive(data: unknown): void {
    if (!isTabMessage(data) || data.from === this.self) return;
    if (data.to !== undefined && data.to !== this.self) return;
    const known = this.#tabs.get(data.from);
    switch (data.kind) {
      case 'hello':
        // A linked tab that says hello has lost its side of the link: both begin again.
        if (known && this.#events.isLinked(known.id)) this.#gone(known, 'the other tab began again');
        if (this.#meet(data.from)) this.#post({ kind: 'here', from: this.self, to: data.from });
        return;
      case 'here':
        if (this.#meet(data.from)) this.#events.onHere(data.from);
        return;
      case 'bye':
        return known && this.#gone(known, 'the other tab closed');
      case 'ask':
        return this.#post({ kind: known ? 'answer' : 'hello', from: this.self, to: data.from });
      case 'answer':
        if (known) known.unanswered = 0;
        return;
    }
  }

  /** Whether that tab is known now; not when there are too many. */
  #meet(id: string): boolean {
    if (this.#tabs.has(id)) return true;
    if (this.#tabs.size >= MAX_TABS) return false;
    const tab: FarTab = { id, watch: new AbortController(), unanswered: 0 };
    this.#tabs.set(id, tab);
    if (this.#locks) void this.#watchLock(this.#locks, tab);
    this.#events.onMet(id);
    return true;
  }

  /** Granted only when the far tab is gone, however it went. */
  async #watchLock(locks: LockManager, tab: FarTab): Promise<void> {
    await locks
      .request(this.#lockName(tab.id), { mode: 'shared', signal: tab.watch.signal }, () =>
        this.#gone(tab, 'the other tab is gone'),
      )
      .catch(() => undefined); // aborted: the link has closed by other means
  }

  #askAll(): void {
    for (const tab of [...this.#tabs.values()]) {
      if (tab.unanswered >= UNANSWERED_LIMIT) this.#gone(tab, 'the other tab does not answer');
      else {
        tab.unanswered++;
        this.#post({ kind: 'ask', from: this.self, to: tab.id });
      }
    }
  }

  #gone(tab: FarTab, why: string): void {
    if (this.#tabs.get(tab.id) !== tab) return;
    this.forget(tab.id);
    this.#events.onGone(tab.id, why);
  }

  #post(message: TabMessage): void {
    this.#channel?.postMessage(message);
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
