/** Counts what a page or process has started and not ended: timers, sockets, channels, connections. */

type Constructor = new (...args: never[]) => object;

/** Watches the globals from now on. `running` lists what has not ended; `restore` puts the globals back. */
export function watchResources(): { running(): readonly string[]; restore(): void } {
  const timers = new Map<unknown, string>();
  const things: { readonly name: string; readonly ended: () => boolean }[] = [];
  const globals = globalThis as unknown as Record<string, unknown>;
  const originals = new Map<string, unknown>();

  const replace = (name: string, make: (original: never) => unknown): void => {
    if (globals[name] === undefined) return;
    originals.set(name, globals[name]);
    globals[name] = make(globals[name] as never);
  };
  const construct = (name: string, ended: (thing: never) => boolean): void =>
    replace(
      name,
      (original: Constructor) =>
        class extends (original as new (...args: unknown[]) => object) {
          constructor(...args: unknown[]) {
            super(...args);

            const thing = this as never;
            things.push({ name, ended: () => ended(thing) });
          }
        },
    );

  replace(
    'setTimeout',
    (original: (run: (...a: unknown[]) => void, ms?: number, ...a: unknown[]) => unknown) =>
      (run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
        const timer = original(
          (...given) => {
            timers.delete(timer);
            run(...given);
          },
          ms,
          ...args,
        );
        timers.set(timer, `timeout of ${ms} ms`);
        return timer;
      },
  );
  replace(
    'setInterval',
    (original: (run: unknown, ms?: number, ...a: unknown[]) => unknown) =>
      (run: unknown, ms?: number, ...args: unknown[]) => {
        const timer = original(run, ms, ...args);
        timers.set(timer, `interval of ${ms} ms`);
        return timer;
      },
  );
  for (const name of ['clearTimeout', 'clearInterval'])
    replace(name, (original: (timer: unknown) => void) => (timer: unknown) => {
      timers.delete(timer);
      original(timer);
    });
  construct('WebSocket', (socket: WebSocket) => socket.readyState === 3);
  construct('RTCPeerConnection', (peer: RTCPeerConnection) => peer.connectionState === 'closed');
  const channels = new Set<object>();
  replace(
    'BroadcastChannel',
    (original: Constructor) =>
      class extends (original as typeof BroadcastChannel) {
        constructor(name: string) {
          super(name);
          channels.add(this);
        }
        override close(): void {
          channels.delete(this);
          super.close();
        }
      },
  );

  return {
    running: () => [
      ...[...timers].filter(([timer]) => holdsProcess(timer)).map(([, what]) => what),
      ...things.filter((thing) => !thing.ended()).map((thing) => thing.name),
      ...[...channels].map(() => 'BroadcastChannel'),
    ],
    restore: () => originals.forEach((original, name) => (globals[name] = original)),
  };
}

/** In Node a timer that doesn't keep the process alive is nobody's leak (a server under test has such). */
const holdsProcess = (timer: unknown): boolean =>
  typeof timer !== 'object' || timer === null || !('hasRef' in timer) || (timer as NodeJS.Timeout).hasRef();
