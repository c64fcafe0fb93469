/**
 * When a new link is greeted (SYNC-2): the first few at once, so that joining is quick. Where many open together, as after a
 * network came back to everybody, the rest is spread over two seconds, and who is greeted meanwhile only answers: so the
 * same frames are not sent by both ends.
 */
import type { MeshLink } from './mesh.ts';

/** Links of one second that are greeted at once. */
const AT_ONCE = 4;
const WINDOW_MS = 1000;
const SPREAD_MS = 2000;

export interface FirstGreetingsOptions {
  readonly now: () => number;
  /** 0 to 1. */
  readonly random: () => number;
  readonly greet: (link: MeshLink) => void;
  /** Whether a HELLO went out on the link already. */
  readonly wasGreeted: (link: MeshLink) => boolean;
}

export class FirstGreetings {
  readonly #options: FirstGreetingsOptions;
  readonly #timers = new Map<MeshLink, ReturnType<typeof setTimeout>>();
  #windowAt = -Infinity;
  #opened = 0;

  constructor(options: FirstGreetingsOptions) {
    this.#options = options;
  }

  opened(link: MeshLink): void {
    const { now, random, greet, wasGreeted } = this.#options;
    const at = now();
    if (Math.abs(at - this.#windowAt) > WINDOW_MS) {
      this.#windowAt = at;
      this.#opened = 0;
    }
    if (++this.#opened <= AT_ONCE) return greet(link);
    const timer = setTimeout(() => {
      this.#timers.delete(link);
      if (!wasGreeted(link)) greet(link);
    }, random() * SPREAD_MS);
    this.#timers.set(link, timer);
  }

  closed(link: MeshLink): void {
    clearTimeout(this.#timers.get(link));
    this.#timers.delete(link);
  }

  dispose(): void {
    for (const link of [...this.#timers.keys()]) this.closed(link);
  }
}
