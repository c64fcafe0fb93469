/**
 * Which tab of a browser leads in a room (SYNC-19): the one that holds a Web Lock. The lock of a tab that closed or crashed
 * goes to the next that waits. One that was put to sleep keeps it and answers nothing, so whoever is looked at takes it away.
 *
 *   waits ──granted──▶ leads ──stolen──▶ leaves ──3 s──▶ waits
 *     └─ the leader is silent for 1 s: steals ─▶ leads
 */
import type { TransportId, TransportStatus } from './transport.ts';

/** Of the leader's transports. */
export type Statuses = Partial<Record<TransportId, TransportStatus | undefined>>;

export interface LeadershipEvents {
  /** Whether this tab is to have ways to other browsers. */
  onLead(leads: boolean): void;
  statuses(): Statuses;
  /** The leader told its. */
  onStatuses(): void;
}

/** What of the page it needs. */
export interface LeadershipPage {
  readonly locks: LockManager;
  /** Whether somebody looks at this tab: who does not sees no pause. */
  readonly visible: () => boolean;
  /** The window: it hears that the page is hidden, shown, and kept for going back. */
  readonly events: EventTarget;
}

/** Half of the patience. An answer needs no timer, so that a tab in the background gives it at once. */
const ASK_EVERY_MS = 500;
const PATIENCE_MS = 1000;
/** Twice as long each time it was of no use for a minute: a computer that is too busy is not helped by new connections. */
const LONGEST_PATIENCE_MS = 30_000;
const SOON_MS = 60_000;
/** Who was robbed of the lock and lives goes on carrying until the other has met everybody. */
const LEAVING_MS = 3000;

export class Leadership {
  /** What the leader said last. */
  heard: Statuses = { relay: { kind: 'connecting' } };
  readonly #name: string;
  readonly #events: LeadershipEvents;
  readonly #page: LeadershipPage;
  readonly #channel: BroadcastChannel;
  readonly #stop = new AbortController();
  #waiting = new AbortController();
  #holds = false;
  #release: () => void = () => undefined;
  #taken: () => void = () => undefined;
  #held: Promise<unknown> = Promise.resolve();
  #told = '';
  #askedAt: number | undefined;
  #lookedAt = 0;
  #stoleAt = -Infinity;
  #patienceMs = PATIENCE_MS;
  #looking: ReturnType<typeof setInterval> | undefined;
  #leaving: ReturnType<typeof setTimeout> | undefined;

  constructor(name: string, page: LeadershipPage, events: LeadershipEvents) {
    this.#name = name;
    this.#events = events;
    this.#page = page;
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }: MessageEvent<unknown>) => this.#receive(data);
    const { signal } = this.#stop;
    const on = (type: string, act: (persisted: boolean) => void): void =>
      page.events.addEventListener(type, (event) => act('persisted' in event && event.persisted === true), {
        signal,
      });
    on('visibilitychange', () => this.#look());
    // A page that is kept for going back runs no more, and its lock would stay.
    on('pagehide', (persisted) => persisted && this.#resign());
    on('pageshow', (persisted) => persisted && this.#start());
    this.#start();
  }

  /** Tells the other tabs how the transports stand, where that has changed. */
  tell(): void {
    if (!this.#holds) return;
    const statuses = this.#events.statuses();
    if (JSON.stringify(statuses) === this.#told) return;
    this.#told = JSON.stringify(statuses);
    this.#channel.postMessage(statuses);
  }

  /** Resolves when the lock is free. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#resign();
    await this.#held;
    this.#channel.close();
  }

  #start(): void {
    this.#wait();
    this.#looking = setInterval(() => this.#look(), ASK_EVERY_MS);
    this.#channel.postMessage(ASK);
  }

  /** The lock, the queue for it and the ways to other browsers are given back. */
  #resign(): void {
    clearInterval(this.#looking);
    clearTimeout(this.#leaving);
    this.#waiting.abort();
    this.#holds = false;
    this.#release();
    if (!this.#stop.signal.aborted) this.#events.onLead(false);
  }

  #wait(): void {
    const { signal } = (this.#waiting = new AbortController());
    this.#held = this.#hold({ signal }, signal);
  }

  async #hold(options: LockOptions, given: AbortSignal): Promise<void> {
    let granted = false;
    try {
      await this.#page.locks.request(this.#name, options, () => {
        granted = true;
        if (given.aborted) return undefined;
        const released = new Promise<void>((resolve) => (this.#release = resolve));
        this.#lead();
        return released;
      });
    } catch {
      if (granted) this.#deposed();
      // A browser that gives no locks: each of its tabs is for itself.
      else if (!given.aborted) this.#lead();
    }
  }

  #lead(): void {
    clearTimeout(this.#leaving);
    this.#holds = true;
    this.#askedAt = undefined;
    this.#events.onLead(true);
    this.#told = '';
    this.tell();
    this.#taken();
  }

  #deposed(): void {
    if (!this.#holds) return;
    this.#holds = false;
    this.#wait();
    this.#leaving = setTimeout(() => this.#events.onLead(false), LEAVING_MS);
  }

  #look(): void {
    const now = Date.now();
    // This tab itself was asleep, or busy: the answer may be waiting behind this.
    const late = now - this.#lookedAt > 2 * ASK_EVERY_MS;
    this.#lookedAt = now;
    if (this.#holds || !this.#page.visible()) return void (this.#askedAt = undefined);
    if (late) this.#askedAt = undefined;
    if (this.#askedAt !== undefined && now - this.#askedAt >= this.#patienceMs) return this.#steal(now);
    this.#askedAt ??= now;
    this.#channel.postMessage(ASK);
  }

  #steal(now: number): void {
    const again = now - this.#stoleAt < SOON_MS;
    this.#stoleAt = now;
    this.#patienceMs = again ? Math.min(2 * this.#patienceMs, LONGEST_PATIENCE_MS) : PATIENCE_MS;
    this.#askedAt = undefined;
    // Of two tabs that lose patience at once the second would rob the first: it asks again instead.
    this.#page.locks
      .request(`${this.#name}/taking`, { ifAvailable: true }, async (turn) => {
        if (turn === null || this.#stop.signal.aborted) return;
        this.#waiting.abort();
        const { signal } = (this.#waiting = new AbortController());
        const taken = new Promise<void>((resolve) => (this.#taken = resolve));
        this.#held = this.#hold({ steal: true }, signal);
        await Promise.race([taken, this.#held]);
      })
      .catch(() => undefined); // a browser that gives no locks now gave none before
  }

  #receive(data: unknown): void {
    if (data === ASK) {
      if (this.#holds) this.#channel.postMessage(this.#events.statuses());
    } else if (typeof data === 'object' && data !== null) {
      this.heard = data;
      this.#askedAt = undefined;
      this.#events.onStatuses();
    }
  }
}

const ASK = 'ask';
