/** When peers are told heads that nobody asked for (SYNC-8): a bridge between two peers is repaired by it. */

/** Heads are told when nothing changed for this long. */
const QUIET_MS = 2000;
/** While somebody types without a pause, they are told this often. */
const AT_LEAST_MS = 5000;

export class Gossip {
  #changedAt = 0;
  /** Since when heads have moved that the peers were not told; undefined when they know. */
  #untoldSince: number | undefined;

  /** Heads moved. `now` in milliseconds, as everywhere here. */
  touched(now: number): void {
    this.#changedAt = now;
    this.#untoldSince ??= now;
  }

  /** Every peer is being told. */
  told(): void {
    this.#untoldSince = undefined;
  }

  due(now: number): boolean {
    if (this.#untoldSince === undefined) return false;
    return now - this.#changedAt > QUIET_MS || now - this.#untoldSince > AT_LEAST_MS;
  }
}
