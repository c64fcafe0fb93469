/**
 * What was accepted and is not at rest yet: own entries and everybody else's are offered to the store until it has
 * them, and again every few seconds while it refuses (SPEC, SYNC-10). One write at a time; what comes meanwhile shares the next.
 */
import type { Channel, SessionId } from '../core/ids.ts';
import type { LogStore, RoomFacts, StoredSegment } from '../log/log-store.ts';

/** How long to wait before offering the store again what it refused (a full disk may have been cleared). */
export const STORE_RETRY_MS = 5000;
/** One write takes at most this much, so that what still fits on a nearly full disk gets there. */
const MAX_WRITE_BYTES = 4 * 1024 * 1024;

interface Waiting {
  readonly segment: StoredSegment;
  readonly own: boolean;
}

export interface ShelfOptions {
  readonly store: LogStore;
  /** The store took or refused something, or was given something. */
  readonly onChange: () => void;
  /** The store refused; told once for each refusal. */
  readonly onError: (error: unknown) => void;
}

export class Shelf {
  readonly #options: ShelfOptions;
  /** In the order of acceptance; a write takes from the front, and only what was taken in goes. */
  #waiting: Waiting[] = [];
  #facts: RoomFacts | undefined;
  #busy = false;
  #error: unknown;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #disposed = false;
  #idleWaiters: (() => void)[] = [];

  constructor(options: ShelfOptions) {
    this.#options = options;
  }

  /** Takes segments to keep. `own`: written in this tab. */
  put(segments: readonly StoredSegment[], own: boolean): void {
    if (segments.length === 0) return;
    for (const segment of segments) this.#waiting.push({ segment, own });
    this.#offer();
    this.#options.onChange();
  }

  /** Takes what the log can't be read without; it goes before any segment. */
  putFacts(facts: RoomFacts): void {
    this.#facts = facts;
    this.#offer();
  }

  /** Whether all that was put is in the store. */
  get empty(): boolean {
    return this.#waiting.length === 0 && this.#facts === undefined;
  }

  /** Whether something written in this tab is not in the store. */
  get holdsOwn(): boolean {
    return this.#waiting.some(({ own }) => own);
  }

  /** What the store said when it refused last; undefined since it took everything offered after that. */
  get error(): unknown {
    return this.#error;
  }

  /** What is not in the store yet. */
  get waiting(): readonly StoredSegment[] {
    return this.#waiting.map(({ segment }) => segment);
  }

  /** Resolves when the store was offered everything that was put so far, whether it took it or not. */
  settled(): Promise<void> {
    if (!this.#busy) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Like the store's own, with what is still waiting here. */
  async readChain(session: SessionId, channel: Channel, fromSeq: number): Promise<StoredSegment[]> {
    const stored = await this.#options.store.readChain(session, channel, fromSeq);
    const waiting = this.#waiting
      .map(({ segment }) => segment)
      .filter((one) => one.session === session && one.channel === channel && one.last >= fromSeq);
    return waiting.length === 0 ? stored : [...stored, ...waiting].sort((a, b) => a.first - b.first);
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#retry);
  }

  #offer(): void {
    if (this.#busy || this.#retry !== undefined || this.#disposed || this.empty) return;
    this.#busy = true;
    void this.#write();
  }

  async #write(): Promise<void> {
    const { store, onChange, onError } = this.#options;
    try {
      while (!this.empty) {
        const facts = this.#facts;
        if (facts !== undefined) {
          await store.changeFacts((before) => ({ ...before, ...facts }));
          if (this.#facts === facts) this.#facts = undefined;
        }
        const batch = this.#nextWrite();
        if (batch.length === 0) continue;
        await store.append(batch.map(({ segment }) => segment));
        this.#waiting.splice(0, batch.length);
        this.#error = undefined;
        onChange();
      }
      this.#error = undefined;
    } catch (error) {
      this.#error = error ?? new Error('store refused');
      if (!this.#disposed) {
        this.#retry = setTimeout(() => {
          this.#retry = undefined;
          this.#offer();
        }, STORE_RETRY_MS);
        onError(this.#error);
      }
    }
    this.#busy = false;
    onChange();
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
  }

  #nextWrite(): Waiting[] {
    let bytes = 0;
    const end = this.#waiting.findIndex(({ segment }, i) => {
      bytes += segment.sealed.length;
      return i > 0 && bytes > MAX_WRITE_BYTES;
    });
    return this.#waiting.slice(0, end < 0 ? undefined : end);
  }
}
