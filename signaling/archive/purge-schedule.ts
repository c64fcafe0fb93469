/**
 * When the database is rewritten without what deleted rooms left in its free pages. That holds up all writers for a second or more,
 * so it is done at most once in an interval, however many rooms are deleted: nobody can stall the archive by deleting.
 */
import type { Logger } from 'pino';
import type { ArchiveStore } from './archive-store.ts';

export class PurgeSchedule {
  readonly #store: Pick<ArchiveStore, 'tidy'>;
  readonly #intervalMs: number;
  readonly #logger: Logger;
  #lastPurgeAt = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(store: Pick<ArchiveStore, 'tidy'>, intervalMs: number, logger: Logger) {
    this.#store = store;
    this.#intervalMs = intervalMs;
    this.#logger = logger;
  }

  /** After a deletion, and once PocketBase is up: files at once, pages when it is time. Gives whether nothing is left of it. */
  async run(): Promise<boolean> {
    const isTime = performance.now() - this.#lastPurgeAt >= this.#intervalMs;
    const before = this.#lastPurgeAt;
    // Before it is over: two deletions at once are one purge.
    if (isTime) this.#lastPurgeAt = performance.now();
    const tidied = await this.#store.tidy(isTime);
    if (isTime && tidied.ok && !tidied.value.purged) this.#lastPurgeAt = before;
    if (tidied.ok && !tidied.value.due) return true;
    if (!tidied.ok && tidied.error.reason === 'off') return true;
    this.#logger.debug('a deleted room is still in free pages');
    this.#runIn(Math.max(0, this.#lastPurgeAt + this.#intervalMs - performance.now()));
    return false;
  }

  /** For a deletion that may still come about: by then it has, or has failed. */
  runAfterInterval(): void {
    this.#runIn(this.#intervalMs);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #runIn(ms: number): void {
    if (this.#timer !== undefined || this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.run();
    }, ms).unref();
  }
}
