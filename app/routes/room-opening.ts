/**
 * Opens what a page shows, and opens it again as often as it is told to, also while it is opening: nothing that is told is
 * missed, and there are never two at a time.
 */
export interface OpeningParts<Opened, Move> {
  /** Never rejects: what can't be opened is something to show as well. */
  readonly open: (move: Move | undefined) => Promise<Opened>;
  readonly close: (opened: Opened) => Promise<void>;
  /** Undefined: what was shown is being closed. */
  readonly show: (opened: Opened | undefined) => Promise<void>;
}

export class Opening<Opened, Move> {
  readonly #parts: OpeningParts<Opened, Move>;
  #opened: Opened | undefined;
  #asked: Move | undefined;
  #busy = false;
  #left = false;

  constructor(parts: OpeningParts<Opened, Move>) {
    this.#parts = parts;
  }

  start(): Promise<void> {
    return this.#open();
  }

  /** Closes what is open and opens it again. */
  async move(to: Move): Promise<void> {
    this.#asked = to;
    if (!this.#busy && !this.#left) await this.#open();
  }

  /** The page is left: what is open is closed, and what still opens as soon as it is open. */
  async leave(): Promise<void> {
    this.#left = true;
    if (!this.#busy) await this.#close();
  }

  async #open(): Promise<void> {
    this.#busy = true;
    do {
      const move = this.#asked;
      this.#asked = undefined;
      await this.#close();
      this.#opened = await this.#parts.open(move);
    } while (this.#asked !== undefined && !this.#left);
    this.#busy = false;
    if (this.#left) await this.#close();
    else await this.#parts.show(this.#opened);
  }

  async #close(): Promise<void> {
    const opened = this.#opened;
    if (opened === undefined) return;
    this.#opened = undefined;
    if (!this.#left) await this.#parts.show(undefined);
    await this.#parts.close(opened);
  }
}
