/**
 * Pages that a browser freezes and thaws again (bfcache): while one is frozen its timers stand still and its links are dead; thawed, it
 * hears that they are, and has new ones. Takes the timers that are there: those of a test that says when time passes.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { PeerId } from '../lib/core/ids.ts';
import type { Transport, TransportEvents } from '../lib/sync/transport.ts';
import type { MemoryNetwork } from './memory-network.ts';

type Timers = Pick<typeof globalThis, 'setTimeout' | 'setInterval'>;

export class Freezer {
  readonly #page = new AsyncLocalStorage<object>();
  /** What a frozen page has missed of its own. */
  readonly #frozen = new Map<object, (() => void)[]>();
  readonly #ends = new Map<object, { readonly network: MemoryNetwork; self: PeerId }>();
  readonly #others = new Map<MemoryNetwork, Set<PeerId>>();
  #before: Timers | undefined;

  takeTimers(): void {
    const { setTimeout, setInterval } = globalThis;
    this.#before = { setTimeout, setInterval };
    const later = (work: () => void): (() => void) => {
      const page = this.#page.getStore();
      return () => this.#run(page, work);
    };
    globalThis.setTimeout = ((work: () => void, ms?: number) =>
      setTimeout(later(work), ms)) as typeof setTimeout;
    globalThis.setInterval = ((work: () => void, ms?: number) =>
      setInterval(later(work), ms)) as typeof setInterval;
  }

  giveBack(): void {
    Object.assign(globalThis, this.#before);
  }

  /** Does it as that page: timers that it sets are the page's. */
  as<T>(page: object, work: () => T): T {
    return this.#page.run(page, work);
  }

  isFrozen(page: object): boolean {
    return this.#frozen.has(page);
  }

  freeze(page: object): void {
    if (this.#frozen.has(page)) return;
    this.#frozen.set(page, []);
    for (const other of this.#othersOf(page)) this.#ends.get(page)?.network.cut(this.#selfOf(page), other);
  }

  thaw(page: object): void {
    const missed = this.#frozen.get(page);
    if (missed === undefined) return;
    this.#frozen.delete(page);
    for (const work of missed) this.#page.run(page, work);
    for (const other of this.#othersOf(page)) this.#ends.get(page)?.network.link(this.#selfOf(page), other);
  }

  /** A way for that page onto a network where all meet, at an end of its own. */
  transport(page: object, network: MemoryNetwork, name: string): Transport {
    const inner = network.transport(false);
    const self = name as PeerId;
    return {
      id: inner.id,
      connect: (room, events) => {
        const mine: TransportEvents = {
          onLink: (link) => this.#run(page, () => events.onLink(link)),
          onFrame: (link, frame) => this.#run(page, () => events.onFrame(link, frame)),
          onLinkClosed: (...closed) => this.#run(page, () => events.onLinkClosed(...closed)),
          onStatus: (status) => this.#run(page, () => events.onStatus(status)),
        };
        const connection = inner.connect({ ...room, self }, mine);
        this.#ends.set(page, { network, self });
        const ends = this.#others.get(network) ?? new Set();
        this.#others.set(network, ends.add(self));
        for (const other of this.#othersOf(page)) network.link(self, other);
        return {
          ...connection,
          close: async () => {
            ends.delete(self);
            await connection.close();
          },
        };
      },
    };
  }

  #run(page: object | undefined, work: () => void): void {
    const missed = page && this.#frozen.get(page);
    if (missed) missed.push(work);
    else if (page) this.#page.run(page, work);
    else work();
  }

  #selfOf(page: object): PeerId {
    return this.#ends.get(page)?.self ?? ('' as PeerId);
  }

  /** Those who are there, and not frozen themselves. */
  #othersOf(page: object): PeerId[] {
    const { network, self } = this.#ends.get(page) ?? {};
    const frozen = new Set([...this.#frozen.keys()].map((one) => this.#selfOf(one)));
    return [...((network && this.#others.get(network)) ?? [])].filter(
      (one) => one !== self && !frozen.has(one),
    );
  }
}
