/** What one run may use. Every number is a promise to the person whose tab it runs in. */

export interface RunLimits {
  /** Time the program may run, loading and waiting for input apart. */
  readonly wallMs: number;
  /** Time it may wait for input, in all. */
  readonly inputWaitMs: number;
  readonly outputBytes: number;
  /** How long a program may clean up after Stop before its worker is ended. */
  readonly interruptMs: number;
  /** How long the frame may then take to say that the worker is ended, before the frame itself is removed. */
  readonly killGraceMs: number;
  /** How long a frame that runs a program may leave a ping unanswered before it counts as dead. */
  readonly silenceMs: number;
}

export const RUN_LIMITS: RunLimits = {
  // Long enough for a test suite or a simulation, short enough that a forgotten loop doesn't drain a battery.
  wallMs: 60_000,
  // A person may read, think and fetch coffee before answering a prompt.
  inputWaitMs: 15 * 60_000,
  // About 400,000 lines: nobody reads more, and an endless print loop gets there in seconds.
  outputBytes: 20_000_000,
  // Long enough for `finally` blocks; ending the worker then stays within the second that Stop promises.
  interruptMs: 600,
  killGraceMs: 300,
  // Longer than the pauses of a machine at its limit, memory being freed included.
  silenceMs: 10_000,
};

/** Memory of a WebAssembly runtime: enough for real data, far below what makes a phone's browser close the tab. */
export const WASM_MEMORY_BYTES = 512 * 1024 * 1024;
