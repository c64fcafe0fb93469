/**
 * How Stop reaches Python: Pyodide looks at a cell every few instructions, and clears it after each look. Between the two
 * somebody may press Stop, and in plain memory the clearing would take that away unheard.
 */
import type { PyodideInterface } from 'pyodide';

type TypedArray = Parameters<PyodideInterface['setInterruptBuffer']>[0];

/** Gives Pyodide the cell in `memory`, whose first 32 bits others set to a signal. Its clearing takes away only what it saw. */
export function hearStop(
  pyodide: Pick<PyodideInterface, 'setInterruptBuffer'>,
  memory: SharedArrayBuffer,
): void {
  const signal = new Int32Array(memory);
  let seen = 0;
  const cell = {
    get 0(): number {
      // Not Atomics.load, which costs a busy program a twentieth of its speed; only the clearing must be exact.
      return (seen = signal[0] ?? 0);
    },
    set 0(cleared: number) {
      if (seen !== 0) Atomics.compareExchange(signal, 0, seen, cleared);
    },
  };
  pyodide.setInterruptBuffer(cell as unknown as TypedArray);
}
