/** The parts of Node's `async_hooks` that work without hooks into the engine. */

/** The store is the one of the innermost `run`: enough for code that runs inside one call. */
export class AsyncLocalStorage {
  #store: unknown;
  run(store: unknown, action: (...args: unknown[]) => unknown, ...args: unknown[]): unknown {
    const before = this.#store;
    this.#store = store;
    const restore = (): void => void (this.#store = before);
    try {
      const result = action(...args);
      if (result instanceof Promise) return result.finally(restore);
      restore();
      return result;
    } catch (error) {
      restore();
      throw error;
    }
  }
  getStore(): unknown {
    return this.#store;
  }
  enterWith(store: unknown): void {
    this.#store = store;
  }
}

/** Runs what it is given where it is called. */
export class AsyncResource {
  runInAsyncScope(action: (...args: unknown[]) => unknown, self?: unknown, ...args: unknown[]): unknown {
    return Reflect.apply(action, self, args);
  }
}
