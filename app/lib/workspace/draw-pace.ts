/** When the page draws a run's output, or the chat: once a frame as it comes, four times a second in a flood. Scheduling arrives as arguments. */

/** More text than this at one drawing is a flood: nobody reads it line by line. */
export const FLOOD_CHARS = 16 * 1024;
/** How long the page then leaves its thread to the program's output before it lays out and paints again. */
export const FLOOD_REST_MS = 250;

export interface DrawTimes {
  /** Runs the action with the next frame, or soon where there are none. */
  readonly nextFrame: (action: () => void) => void;
  readonly later: (action: () => void, ms: number) => void;
}

/** The page's own frames and timers. */
export const pageTimes: DrawTimes = {
  // A hidden tab has no frames, and its state must not fall behind.
  nextFrame: (act) => void (document.hidden ? setTimeout(act, 100) : requestAnimationFrame(act)),
  later: (act, ms) => void setTimeout(act, ms),
};

export class DrawPace {
  readonly #times: DrawTimes;
  readonly #draw: () => void;
  #due = false;
  #undrawnChars = 0;
  #restMs = 0;

  constructor(draw: () => void, times: DrawTimes) {
    this.#draw = draw;
    this.#times = times;
  }

  /** Something changed, and so many characters came with it: draws once, when it is time. */
  changed(chars = 0): void {
    this.#undrawnChars += chars;
    if (this.#due) return;
    this.#due = true;
    if (this.#restMs > 0) this.#times.later(this.#show, this.#restMs);
    else this.#times.nextFrame(this.#show);
  }

  #show = (): void => {
    this.#due = false;
    this.#restMs = this.#undrawnChars > FLOOD_CHARS ? FLOOD_REST_MS : 0;
    this.#undrawnChars = 0;
    this.#draw();
  };
}
