/** Node's `readline` and `readline/promises` over any readable stream, without a terminal's line editing. */
import { EventEmitter } from '@jspm/core/nodelibs/events';

interface Input extends EventEmitter {
  resume(): void;
  pause(): void;
}
interface Output {
  write(text: string): void;
}
interface Options {
  readonly input: Input;
  readonly output?: Output;
  readonly prompt?: string;
  readonly crlfDelay?: number;
}

export class Interface extends EventEmitter {
  readonly #input: Input;
  readonly #output: Output | undefined;
  readonly #decoder = new TextDecoder();
  #rest = '';
  #prompt: string;
  #question: ((answer: string) => void) | undefined;
  closed = false;
  line = '';

  constructor(input: Input | Options, output?: Output) {
    super();
    const options: Options = 'input' in input ? input : output ? { input, output } : { input };
    this.#input = options.input;
    this.#output = options.output;
    this.#prompt = options.prompt ?? '> ';
    this.#input.on('data', this.#onData);
    this.#input.on('end', this.#onEnd);
    this.#input.resume();
  }

  question(text: string, optionsOrCallback: unknown, callback?: (answer: string) => void): void {
    const answer = (typeof optionsOrCallback === 'function' ? optionsOrCallback : callback) as
      ((answer: string) => void) | undefined;
    if (this.closed) throw new Error('readline was closed');
    this.#output?.write(text);
    this.#question = answer;
    this.resume();
  }

  setPrompt(prompt: string): void {
    this.#prompt = prompt;
  }

  getPrompt(): string {
    return this.#prompt;
  }

  prompt(): void {
    this.#output?.write(this.#prompt);
    this.resume();
  }

  write(text: string): void {
    this.#onData(text);
  }

  pause(): this {
    this.#input.pause();
    this.emit('pause');
    return this;
  }

  resume(): this {
    this.#input.resume();
    this.emit('resume');
    return this;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#input.removeListener('data', this.#onData);
    this.#input.removeListener('end', this.#onEnd);
    this.#input.pause();
    this.emit('close');
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    const lines: string[] = [];
    let wake: (() => void) | undefined;
    this.on('line', (line: string) => {
      lines.push(line);
      wake?.();
    });
    this.on('close', () => wake?.());
    try {
      for (;;) {
        const line = lines.shift();
        if (line !== undefined) yield line;
        else if (this.closed) return;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      this.close();
    }
  }

  readonly #onData = (chunk: Uint8Array | string): void => {
    this.#rest += typeof chunk === 'string' ? chunk : this.#decoder.decode(chunk, { stream: true });
    for (let end = this.#rest.indexOf('\n'); end >= 0 && !this.closed; end = this.#rest.indexOf('\n')) {
      const line = this.#rest.slice(0, end).replace(/\r$/, '');
      this.#rest = this.#rest.slice(end + 1);
      this.#give(line);
    }
  };

  readonly #onEnd = (): void => {
    const last = this.#rest;
    this.#rest = '';
    if (last !== '') this.#give(last);
    this.close();
  };

  #give(line: string): void {
    this.line = line;
    const asked = this.#question;
    this.#question = undefined;
    if (asked) asked(line);
    else this.emit('line', line);
  }
}

export const createInterface = (input: Input | Options, output?: Output): Interface =>
  new Interface(input, output);
export const clearLine = (): boolean => true;
export const cursorTo = clearLine;
export const moveCursor = clearLine;
export const clearScreenDown = clearLine;
export const emitKeypressEvents = (): void => undefined;

class PromisesInterface extends Interface {
  // The promise form takes the place of the callback form, as in Node.
  // eslint-disable-next-line @typescript-eslint/no-misused-promises
  override question(text: string): Promise<string> & void {
    return new Promise<string>((resolve) => super.question(text, resolve)) as Promise<string> & void;
  }
}

export const promises = {
  Interface: PromisesInterface,
  createInterface: (input: Input | Options, output?: Output): Interface =>
    new PromisesInterface(input, output),
};
