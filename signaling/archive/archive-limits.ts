/** What the archive grants one address: requests, bytes and new rooms in a time, and memory at one moment. */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { ArchiveLimits } from '../limits.ts';

/** Seconds until the budget is open again, or undefined: charged. */
type Charge = Promise<number | undefined>;

export class ArchiveBudgets {
  readonly #limits: ArchiveLimits;
  readonly #requests: RateLimiterMemory;
  readonly #bytes: RateLimiterMemory;
  readonly #registrations: RateLimiterMemory;
  readonly #heldBy = new Map<string, number>();
  #held = 0;

  constructor(limits: ArchiveLimits) {
    this.#limits = limits;
    this.#requests = new RateLimiterMemory({ points: limits.requestsPerMinute, duration: 60 });
    this.#bytes = new RateLimiterMemory({ points: limits.bytesPerTenMinutes, duration: 600 });
    this.#registrations = new RateLimiterMemory({ points: limits.registrationsPerHour, duration: 3_600 });
  }

  request(address: string): Charge {
    return charge(this.#requests, address, 1);
  }
  bytes(address: string, bytes: number): Charge {
    return charge(this.#bytes, address, bytes);
  }
  registration(address: string): Charge {
    return charge(this.#registrations, address, 1);
  }

  /** Takes memory for a body or a page; undefined where there is none now. Call what it gives when it is free again, once. */
  hold(address: string, bytes: number): (() => void) | undefined {
    const own = (this.#heldBy.get(address) ?? 0) + bytes;
    if (own > this.#limits.heldBytesPerAddress || this.#held + bytes > this.#limits.heldBytes)
      return undefined;
    this.#heldBy.set(address, own);
    this.#held += bytes;
    return () => {
      this.#held -= bytes;
      const left = (this.#heldBy.get(address) ?? 0) - bytes;
      if (left > 0) this.#heldBy.set(address, left);
      else this.#heldBy.delete(address);
    };
  }
}

async function charge(limiter: RateLimiterMemory, address: string, points: number): Charge {
  try {
    await limiter.consume(address, points);
    return undefined;
  } catch (cause) {
    if (cause instanceof RateLimiterRes) return Math.ceil(cause.msBeforeNext / 1000);
    throw cause;
  }
}
