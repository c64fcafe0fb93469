/**
 * Commits one transaction at a time; what is asked for meanwhile shares the next.
 * A strict commit costs a disk flush: typing faster than the disk must not queue a flush for every key.
 */
export class GroupCommit<Item> {
  readonly #commit: (items: readonly Item[]) => Promise<void>;
  readonly #pause: () => Promise<void>;
  #waiting: { readonly items: readonly Item[]; resolve(): void; reject(error: unknown): void }[] = [];
  #running = false;

  /** `commit` keeps all of the items or, rejecting, none. `pause` comes before each: what is asked for in it shares it. */
  constructor(
    commit: (items: readonly Item[]) => Promise<void>,
    pause: () => Promise<void> = () => Promise.resolve(),
  ) {
    this.#commit = commit;
    this.#pause = pause;
  }

  /** Resolves when these items are committed; rejects with the reason, none of them kept. */
  add(items: readonly Item[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ items, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      await this.#pause();
      const group = this.#waiting;
      this.#waiting = [];
      try {
        await this.#commit(group.flatMap((batch) => batch.items));
        for (const batch of group) batch.resolve();
      } catch (error) {
        if (group.length === 1) group[0]?.reject(error);
        // A paste that doesn't fit must not take the keystrokes that shared its transaction with it.
        else
          for (const batch of group)
            await this.#commit(batch.items).then(
              () => batch.resolve(),
              (reason) => batch.reject(reason),
            );
      }
    }
    this.#running = false;
  }
}
