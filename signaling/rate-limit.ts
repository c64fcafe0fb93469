/** Counts what arrives, per connection and per address, and says how long a reader must pause. */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { ABUSE_FACTOR, RATE_WINDOW_SECONDS, type SocketLimits } from './limits.ts';

/** Charges are made in lots, so that a keystroke costs no bookkeeping of its own. */
const LOT_FRAMES = 16;
const LOT_BYTES = 64 * 1024;

/** How long to stop reading; 'close' for a sender that is no busy peer. */
export type Verdict = { readonly kind: 'pause'; readonly ms: number } | { readonly kind: 'close' };

export interface Meter {
  /** Charges one frame. Gives a verdict when a budget is used up. */
  charge(bytes: number): Promise<Verdict> | undefined;
}

/** The budgets of one kind of socket. */
export class RateLimits {
  readonly #budgets: readonly {
    limiter: RateLimiterMemory;
    of: 'frames' | 'bytes';
    by: 'connection' | 'address';
  }[];
  #nextConnection = 0;

  constructor(limits: SocketLimits) {
    const limiter = (points: number) => new RateLimiterMemory({ points, duration: RATE_WINDOW_SECONDS });
    this.#budgets = [
      { limiter: limiter(limits.perConnection.frames), of: 'frames', by: 'connection' },
      { limiter: limiter(limits.perConnection.bytes), of: 'bytes', by: 'connection' },
      { limiter: limiter(limits.perAddress.frames), of: 'frames', by: 'address' },
      { limiter: limiter(limits.perAddress.bytes), of: 'bytes', by: 'address' },
    ];
  }

  /** A meter for one new connection from `address`. */
  meter(address: string): Meter {
    const connection = String(this.#nextConnection++);
    let frames = 0;
    let bytes = 0;
    return {
      charge: (frameBytes) => {
        frames += 1;
        bytes += frameBytes;
        if (frames < LOT_FRAMES && bytes < LOT_BYTES) return undefined;
        const lot = { frames, bytes };
        frames = bytes = 0;
        return this.#consume({ connection, address }, lot);
      },
    };
  }

  async #consume(
    key: Record<'connection' | 'address', string>,
    lot: Record<'frames' | 'bytes', number>,
  ): Promise<Verdict> {
    let ms = 0;
    for (const budget of this.#budgets) {
      const over = await exceeded(budget.limiter, key[budget.by], lot[budget.of]);
      if (!over) continue;
      // Only a connection's own budget can condemn it: neighbours behind one address are paused together, never cut.
      if (budget.by === 'connection' && over.consumedPoints > budget.limiter.points * ABUSE_FACTOR)
        return { kind: 'close' };
      ms = Math.max(ms, over.msBeforeNext);
    }
    return { kind: 'pause', ms };
  }
}

async function exceeded(
  limiter: RateLimiterMemory,
  key: string,
  points: number,
): Promise<RateLimiterRes | undefined> {
  try {
    await limiter.consume(key, points);
    return undefined;
  } catch (cause) {
    if (cause instanceof RateLimiterRes) return cause;
    throw cause;
  }
}
