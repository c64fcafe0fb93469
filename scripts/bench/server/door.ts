// Functions of a child process that the benchmark may call over Node's own channel. Arguments and results are plain values.
import { fork, type ChildProcess } from 'node:child_process';

type Door = Readonly<Record<string, (...args: never[]) => unknown>>;

interface Call {
  readonly id: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly problem?: string;
}

/** In the child: answers the parent's calls, and ends with it. */
export function openDoor(door: Door): void {
  const functions = door as Readonly<Record<string, (...args: unknown[]) => unknown>>;
  const answer = async ({ id, name, args }: Call): Promise<Answer> => {
    try {
      return { id, value: await functions[name]?.(...args) };
    } catch (cause) {
      return { id, problem: String(cause) };
    }
  };
  process.on('message', (call: Call) => void answer(call).then((said) => process.send?.(said)));
  process.on('disconnect', () => process.exit());
}

export interface ChildOptions {
  readonly args?: readonly string[];
  /** Node's own flags. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** In the parent: a Node process whose door has this type. */
export class Child<D extends Door> {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #lastId = 0;
  #complaint = '';
  /** How it ended: its exit code, or the signal's name. */
  readonly ended: Promise<number | string>;

  constructor(file: string | URL, { args = [], flags = [], env = {} }: ChildOptions = {}) {
    this.#process = fork(file, args, {
      execArgv: [...flags],
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#process.stderr?.on('data', (text: Buffer) => (this.#complaint += text.toString()));
    this.#process.on('message', (answer: Answer) => this.#waiting.get(answer.id)?.(answer));
    this.ended = new Promise((resolve) =>
      this.#process.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown')),
    );
    void this.ended.then((how) => this.#abandon(`the process ended with ${how}: ${this.#complaint}`));
  }

  /** Rejects with what the function threw, or when the process ends before it has answered. */
  call<N extends keyof D & string>(name: N, ...args: Parameters<D[N]>): Promise<Awaited<ReturnType<D[N]>>> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ value, problem }) => {
        this.#waiting.delete(id);
        if (problem === undefined) resolve(value as Awaited<ReturnType<D[N]>>);
        else reject(new Error(problem));
      });
      const call: Call = { id, name, args };
      this.#process.send(call, (cause) => {
        if (cause) this.#waiting.get(id)?.({ id, problem: cause.message });
      });
    });
  }

  async end(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.ended;
  }

  #abandon(problem: string): void {
    for (const [id, answer] of this.#waiting) answer({ id, problem });
  }
}
