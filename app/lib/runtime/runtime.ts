/**
 * What runs a program: one implementation per language family under `runtimes/`, reached through `registry.ts` only.
 * Programs are untrusted (a peer wrote them): every runtime works inside the sandbox frame (DESIGN §6).
 */
import type { OutputPiece, RunEnd } from '../core/run.ts';
import type { RunLimits } from './limits.ts';

export type { RunEnd };

export type RuntimeId = 'python' | 'javascript';

/** A frozen copy of the project, path → bytes, and the file to start with. */
export interface Program {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly entry: string;
}

export interface RunEvents {
  /** Loading, with how much of it is done from 0 to 1 where that is known; undefined ends it. */
  onProgress(step: { readonly label: string; readonly done?: number } | undefined): void;
  onOutput(stream: OutputPiece['stream'], text: string): void;
  /** The program waits for a line of input (true) or no longer does (false). */
  onInputWanted(wanted: boolean): void;
}

export interface Run {
  /** Gives the program text for its standard input; a line ends with '\n'. */
  write(text: string): void;
  /** Ends standard input. */
  closeInput(): void;
  /** Interrupts, then ends the program whatever it is doing; `exited` resolves within a second. */
  stop(): void;
  readonly exited: Promise<{ readonly end: RunEnd; readonly durationMs: number }>;
}

export interface Runtime {
  readonly id: RuntimeId;
  /** What the first line of the output calls it: 'Python 3.14'. */
  readonly label: string;
  /** File endings it runs, lower-case with the dot. */
  readonly endings: readonly string[];
  /** Why it can't run in this browser, in words; undefined when it can. */
  unsupported(): string | undefined;
  /** Addresses of every file it is made of: offline it runs when all of them are cached. */
  readonly files: readonly string[];
  /** Fetches what it needs into the browser's cache, so that a later start works offline. */
  prefetch(onProgress: (done: number) => void, signal: AbortSignal): Promise<void>;
  /** Prepares a sandbox in the background, so that the next start is quick; for when someone opens a file it runs. */
  warm?(): void;
  /**
   * Ends what stands ready, and what a run that is still under way leaves behind: an interpreter takes a hundred
   * megabytes, which nobody who left the room should pay. Ends no run; a later start prepares anew.
   */
  release(): void;
  start(program: Program, events: RunEvents, limits?: RunLimits): Run;
}
