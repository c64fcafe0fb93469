/** Offers seen so far, by token, so that a server that repeats one starts nothing (NET-56). */
import type { LinkId } from '../transport.ts';

/** More than a room makes in the minutes that a repeated offer could matter; the oldest are forgotten first. */
const MAX_TOKENS = 200;

export class SeenOffers {
  readonly #tokens = new Set<LinkId>();

  /** Whether this offer is here for the first time; from now on it is not. */
  isNew(token: LinkId): boolean {
    if (this.#tokens.has(token)) return false;
    this.#tokens.add(token);
    if (this.#tokens.size > MAX_TOKENS)
      for (const oldest of this.#tokens) if (this.#tokens.delete(oldest)) break;
    return true;
  }
}
