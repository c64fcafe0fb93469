/**
 * The one-way door through which a program goes from the app straight into the worker that stands by for it, past the frame.
 * It is closed before the program's first line: the app closes its end in the turn that gives the program in, so whoever holds
 * the other end then holds nothing. Each door serves one program, and nothing may ever come back through it.
 */

export interface ProgramFiles {
  readonly files: readonly (readonly [path: string, bytes: Uint8Array])[];
  readonly entry: string;
}

/** The app's end. */
export class ProgramDoor {
  /** For the worker, by way of the frame: to be transferred at once. */
  readonly workerEnd: MessagePort;
  readonly #port: MessagePort;

  /** `onAnswer`: somebody spoke through it, which our own code never does. What was said is not looked at. */
  constructor(onAnswer: () => void) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.workerEnd = port2;
    port1.onmessage = port1.onmessageerror = onAnswer;
  }

  /** Hands the program in and shuts the door: what was sent arrives, nothing else goes either way. */
  give(program: ProgramFiles): void {
    this.#port.postMessage(program);
    this.close();
  }

  close(): void {
    this.#port.close();
  }
}

/** The worker's end: calls back with the program, the door being shut from this side too. */
export function onProgram(workerEnd: MessagePort, callback: (program: ProgramFiles) => void): void {
  workerEnd.onmessage = (event: MessageEvent<ProgramFiles>) => {
    workerEnd.onmessage = null;
    workerEnd.close();
    callback(event.data);
  };
}
