/** What keeps a program alive, as in Node: timers, pending reads, work handed to the browser. It ends when nothing does. */

export class Handles {
  #live = 0;
  #onIdle: (() => void) | undefined;

  get live(): number {
    return this.#live;
  }

  /** Counts one; the returned function lets go, once. */
  hold(): () => void {
    this.#live++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      if (--this.#live === 0) this.#onIdle?.();
    };
  }

  /** Counts for as long as the promise is pending. */
  during<T>(work: Promise<T>): Promise<T> {
    const release = this.hold();
    // A turn later, so that what waits for it can take its own hold.
    void work.then(
      () => afterTurn(release),
      () => afterTurn(release),
    );
    return work;
  }

  /** Resolves when nothing is held and the queues are empty. */
  async idle(): Promise<void> {
    for (;;) {
      await turn();
      await turn();
      if (this.#live === 0) return;
      await new Promise<void>((resolve) => (this.#onIdle = resolve));
      this.#onIdle = undefined;
    }
  }
}

const channel = new MessageChannel();
const queue: (() => void)[] = [];
channel.port1.onmessage = () => queue.shift()?.();

/** Runs the action in a task of its own, without the delay timers have. */
export function afterTurn(action: () => void): void {
  queue.push(action);
  channel.port2.postMessage(undefined);
}

const turn = (): Promise<void> => new Promise((resolve) => afterTurn(resolve));

interface Timer {
  ref(): Timer;
  unref(): Timer;
  hasRef(): boolean;
  refresh(): Timer;
  close(): Timer;
  [Symbol.toPrimitive](): number;
  [Symbol.dispose](): void;
}

type Callback = (...args: unknown[]) => void;

/** Node's timer functions over the browser's, counted in `handles`. Put them in place before anything takes hold of the old ones. */
export function installTimers(handles: Handles): void {
  const scope = globalThis as unknown as Record<string, unknown>;
  const timers = new Map<number, () => void>();

  const make =
    (start: (callback: () => void, ms?: number) => number, stop: (id: number) => void, once: boolean) =>
    (callback: Callback, ms?: number, ...args: unknown[]): Timer => {
      let release = handles.hold();
      let referenced = true;
      let id = 0;
      const drop = (): void => {
        stop(id);
        timers.delete(id);
        release();
      };
      const begin = (): void => {
        id = start(() => {
          if (once) timers.delete(id);
          try {
            callback(...args);
          } finally {
            if (once) release();
          }
        }, ms);
        timers.set(id, drop);
      };
      begin();
      const timer: Timer = {
        ref() {
          if (!referenced && timers.has(id)) release = handles.hold();
          referenced = true;
          return timer;
        },
        unref() {
          referenced = false;
          release();
          return timer;
        },
        hasRef: () => referenced,
        refresh() {
          drop();
          if (referenced) release = handles.hold();
          begin();
          return timer;
        },
        close() {
          drop();
          return timer;
        },
        [Symbol.toPrimitive]: () => id,
        [Symbol.dispose]: drop,
      };
      return timer;
    };

  const { setTimeout, clearTimeout, setInterval, clearInterval } = globalThis;
  const clear = (timer: unknown): void => timers.get(Number(timer))?.();
  scope['setTimeout'] = make(
    (callback, ms) => setTimeout(callback, ms) as unknown as number,
    (id) => clearTimeout(id),
    true,
  );
  scope['setInterval'] = make(
    (callback, ms) => setInterval(callback, ms) as unknown as number,
    (id) => clearInterval(id),
    false,
  );
  scope['setImmediate'] = (callback: Callback, ...args: unknown[]) => {
    const immediate = { release: handles.hold(), cancelled: false };
    afterTurn(() => {
      try {
        if (!immediate.cancelled) callback(...args);
      } finally {
        immediate.release();
      }
    });
    return immediate;
  };
  scope['clearImmediate'] = (immediate: { cancelled: boolean; release(): void } | undefined) => {
    if (!immediate) return;
    immediate.cancelled = true;
    immediate.release();
  };
  scope['clearTimeout'] = scope['clearInterval'] = clear;
}

/** Counts the browser's own asynchronous work that programs wait for without a handle of theirs. */
export function countBrowserWork(handles: Handles): void {
  const methods: [object | undefined, string[]][] = [
    [
      globalThis.crypto?.subtle && (Object.getPrototypeOf(crypto.subtle) as object),
      [
        'digest',
        'sign',
        'verify',
        'encrypt',
        'decrypt',
        'generateKey',
        'importKey',
        'exportKey',
        'deriveBits',
        'deriveKey',
      ],
    ],
    [WebAssembly, ['compile', 'instantiate']],
    [Blob.prototype, ['arrayBuffer', 'text', 'bytes']],
    [Response.prototype, ['arrayBuffer', 'text', 'json', 'blob', 'bytes']],
    [ReadableStreamDefaultReader.prototype, ['read']],
    [WritableStreamDefaultWriter.prototype, ['write', 'close']],
  ];
  for (const [target, names] of methods) {
    for (const name of names) {
      const original = (target as Record<string, unknown> | undefined)?.[name];
      if (!target || typeof original !== 'function') continue;
      Object.defineProperty(target, name, {
        configurable: true,
        writable: true,
        value(this: unknown, ...args: unknown[]) {
          return handles.during(Reflect.apply(original, this, args) as Promise<unknown>);
        },
      });
    }
  }
}
