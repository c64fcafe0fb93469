/** The checkpoint that a newcomer is shown before the history is taken (ARCH-33): asked for once, and never waited for long. */
import type { Bytes } from '../../core/bytes.ts';
import type { ArchiveServer } from './archive-server.ts';

export interface EarlyCheckpointOptions {
  readonly server: Pick<ArchiveServer, 'checkpoint'>;
  readonly look: (sealed: Bytes) => Promise<boolean>;
  readonly isHere: () => boolean;
  readonly onError: (error: unknown) => void;
}

/** So long a page that is there waits for it. */
const WITHIN_MS = 3_000;

export class EarlyCheckpoint {
  readonly #options: EarlyCheckpointOptions;
  readonly #shown: Promise<void>;
  readonly #late = Promise.withResolvers<void>();
  readonly #timer: ReturnType<typeof setTimeout>;
  #isOver = false;

  /** Asks for it. */
  constructor(options: EarlyCheckpointOptions) {
    this.#options = options;
    this.#timer = setTimeout(this.#late.resolve, WITHIN_MS);
    this.#shown = this.#show()
      .catch(options.onError)
      .finally(() => clearTimeout(this.#timer));
  }

  /** Resolves when it was shown, when there is none or when it is late: from then on it is not shown. */
  async over(): Promise<void> {
    await Promise.race([this.#shown, this.#late.promise]);
    this.#isOver = true;
  }

  async #show(): Promise<void> {
    const { server, look, isHere } = this.#options;
    const there = await server.checkpoint();
    if (!there.ok || there.value.length === 0 || this.#isOver || !isHere()) return;
    await look(there.value);
  }
}
