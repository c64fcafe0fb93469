/** When superseded segments that have waited long enough are looked for and removed (ARCH-28): at the start, then once in an interval. */
import type { Logger } from 'pino';
import type { ArchiveStore } from './archive-store.ts';
import type { PurgeSchedule } from './purge-schedule.ts';

export class SweepSchedule {
  readonly #store: Pick<ArchiveStore, 'sweep'>;
  readonly #purges: Pick<PurgeSchedule, 'run'>;
  readonly #intervalMs: number;
  readonly #logger: Logger;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(
    store: Pick<ArchiveStore, 'sweep'>,
    purges: Pick<PurgeSchedule, 'run'>,
    intervalMs: number,
    logger: Logger,
  ) {
    this.#store = store;
    this.#purges = purges;
    this.#intervalMs = intervalMs;
    this.#logger = logger;
  }

  /** Sweeps now, and again and again until it is closed. */
  async start(): Promise<void> {
    const swept = await this.#store.sweep();
    if (!swept.ok)
      this.#logger.debug({ reason: swept.error.reason }, 'superseded segments were not looked for');
    // Their files, and the free pages they lay in, go like those of a deletion.
    else if (swept.value > 0 && !this.#closed) await this.#purges.run();
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.start(), this.#intervalMs).unref();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }
}
