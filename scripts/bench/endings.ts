// What must be undone however a benchmark ends: folders, servers, browsers, children. The last begun ends first.

type Step = () => Promise<void> | void;

/** Steps of everything that is running now, so that a signal ends it too. */
const pending = new Set<Endings>();

export class Endings {
  readonly #steps: Step[] = [];

  constructor() {
    pending.add(this);
  }

  add(step: Step): void {
    this.#steps.push(step);
  }

  async run(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) await step();
    pending.delete(this);
  }
}

/** Makes a signal end everything that is running, and then the process. */
export function endOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      void Promise.allSettled([...pending].map((endings) => endings.run())).then(() => process.exit(130));
    });
}
