/** The longest that a timer takes; a longer one would fire at once. */
const LONGEST_SLEEP_MS = 2 ** 31 - 1;

/** One piece of work done again and again, never twice at once, after the wait that it asks for or sooner when it is woken. */
export class Turns {
  readonly #turn: () => Promise<number>;
  #going: Promise<void> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  /** When the next turn is, by `performance.now()`. */
  #at = Infinity;
  #rise: () => void = () => undefined;
  #closed = false;

  /** `turn` gives the milliseconds until it is to be called again; it must not reject. */
  constructor(turn: () => Promise<number>) {
    this.#turn = turn;
  }

  start(): void {
    this.#going ??= this.#go();
  }

  /** The next turn comes no later than that. */
  wakeIn(ms: number): void {
    const at = performance.now() + ms;
    if (at >= this.#at) return;
    this.#at = at;
    this.#rise();
  }

  /** Does something else between two turns. */
  between<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work, work);
    this.#last = done;
    return done;
  }

  /** Resolves when the turn that is under way, and what was to be done between, is over. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#rise();
    await this.#going;
    await this.#last.catch(() => undefined);
  }

  async #go(): Promise<void> {
    while (!this.#closed) {
      this.#at = Infinity;
      const waitMs = await this.between(this.#turn);
      this.wakeIn(Math.max(0, waitMs));
      while (!this.#closed && this.#at > performance.now()) await this.#sleep(this.#at - performance.now());
    }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.min(ms, LONGEST_SLEEP_MS));
      this.#rise = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
