/**
 * Messages in the order of their chains: while what this device had is told anew, after the room's text is shown, those that
 * come meanwhile wait behind it (SYNC-11).
 */
import type { Accepted } from '../log/receipt.ts';

export class MessageGate {
  readonly #tell: (accepted: readonly Accepted[]) => void;
  #waiting: Accepted[] | undefined;

  constructor(tell: (accepted: readonly Accepted[]) => void) {
    this.#tell = tell;
  }

  /** From here on what comes waits. */
  shut(): void {
    this.#waiting ??= [];
  }

  /** Messages as they come. */
  pass(accepted: readonly Accepted[]): void {
    if (this.#waiting === undefined) this.#tell(accepted);
    else this.#waiting.push(...accepted);
  }

  /** Messages that were here before, which the others wait for. */
  first(accepted: readonly Accepted[]): void {
    this.#tell(accepted);
  }

  /** Tells what waits, and lets through what comes. */
  open(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    if (waiting.length > 0) this.#tell(waiting);
  }
}
