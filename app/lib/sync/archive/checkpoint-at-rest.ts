/**
 * When a tab leaves a checkpoint in the archive for those who come (ARCH-34): in a pause, where the history is worth it and what
 * is there covers too little of it. What it is, and whether it can be made now, others know.
 */
import type { Bytes } from '../../core/bytes.ts';
import type { RoomKeys } from '../../crypto/room-keys.ts';
import type { ArchiveServer } from './archive-server.ts';
import { must, Refused } from './refused.ts';

/** When a tab looks whether newcomers need a checkpoint (ARCH-34). */
export interface CheckpointWaits {
  /** After nothing has moved for so long, */
  readonly restMs: number;
  /** and so much more at most, each tab its own share: of many one goes first, and the rest see that it did. */
  readonly jitterMs: number;
  /** Not more often. */
  readonly everyMs: number;
  /** Less than this is read in a moment. */
  readonly worthBytes: number;
  /** How much of what the last one covers has to have come since. */
  readonly grownShare: number;
}
const CHECKPOINT_WAITS: CheckpointWaits = {
  restMs: 60_000,
  jitterMs: 15_000,
  everyMs: 10 * 60_000,
  worthBytes: 256 * 1024,
  grownShare: 0.25,
};

export interface CheckpointAtRestOptions {
  readonly server: Pick<ArchiveServer, 'checkpointed' | 'keepCheckpoint'>;
  readonly keys: RoomKeys;
  /** What newcomers are to be shown, sealed; nothing where it is not worth it, or can't be made now: asked again later. */
  readonly makeCheckpoint?: () => Promise<Bytes | undefined>;
  readonly checkpoints?: CheckpointWaits;
  readonly random: () => number;
  readonly onError: (what: string, error: unknown) => void;
}

export class CheckpointAtRest {
  readonly #options: CheckpointAtRestOptions;
  /** Whether everything is archived, and whether this tab still has the room open. */
  readonly #isCurrent: () => boolean;
  readonly #isHere: () => boolean;
  readonly #shareMs: number;
  #movedAt = performance.now();
  #askedAt = -Infinity;
  #isMaking = false;
  /** How often heads moved here, and at which count it was told that none is needed. */
  #moves = 0;
  #settledAt: number | undefined;

  constructor(options: CheckpointAtRestOptions, isCurrent: () => boolean, left: AbortSignal) {
    this.#options = options;
    this.#isCurrent = isCurrent;
    this.#isHere = () => !left.aborted;
    this.#shareMs = options.random() * this.#waits.jitterMs;
  }

  /** Heads moved here. */
  moved(): void {
    this.#movedAt = performance.now();
    this.#moves++;
  }

  /** Begins to make one where it is time, which nothing waits for; how long until it may be. */
  look(): number {
    const { keys, makeCheckpoint } = this.#options;
    if (!makeCheckpoint || !keys.seeds.e || !this.#isCurrent() || this.#settledAt === this.#moves)
      return Infinity;
    const { restMs, everyMs } = this.#waits;
    const now = performance.now();
    const leftMs = Math.max(this.#movedAt + restMs + this.#shareMs, this.#askedAt + everyMs) - now;
    if (leftMs > 0) return leftMs;
    if (this.#isMaking) return everyMs;
    this.#askedAt = now;
    this.#isMaking = true;
    this.#make(makeCheckpoint)
      .catch((error: unknown) => {
        // What is refused is left until the next time.
        if (!(error instanceof Refused) && this.#isHere()) this.#options.onError('a checkpoint', error);
      })
      .finally(() => (this.#isMaking = false));
    return everyMs;
  }

  async #make(makeCheckpoint: () => Promise<Bytes | undefined>): Promise<void> {
    const { server } = this.#options;
    const moves = this.#moves;
    if (await this.#isNeeded()) {
      // Asking takes a moment: somebody may have begun to type.
      if (this.#moves !== moves || !this.#isHere()) return;
      const sealed = await makeCheckpoint();
      if (sealed === undefined || !this.#isHere()) return;
      must(await server.keepCheckpoint(sealed));
    }
    this.#settledAt = moves;
  }

  async #isNeeded(): Promise<boolean> {
    const { worthBytes, grownShare } = this.#waits;
    // Where there is none, nothing is covered.
    const { history, covered } = must(await this.#options.server.checkpointed());
    return history >= worthBytes && history - covered >= covered * grownShare;
  }

  get #waits(): CheckpointWaits {
    return this.#options.checkpoints ?? CHECKPOINT_WAITS;
  }
}
