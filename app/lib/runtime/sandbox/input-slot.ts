/**
 * One piece of standard input in shared memory: the worker sleeps on it, the frame fills it. This is what lets a program
 * read a line in the middle of a call.
 */

/** The most that is handed over at once; longer input comes in pieces. */
export const INPUT_PIECE_BYTES = 64 * 1024;
const DATA_OFFSET = 8;
const STATE = 0;
const LENGTH = 1;
const EMPTY = 0;
const FILLED = 1;
const ENDED = 2;
const INTERRUPTED = 3;

/** Memory for one slot. */
export const makeInputSlot = (): SharedArrayBuffer => new SharedArrayBuffer(DATA_OFFSET + INPUT_PIECE_BYTES);

/** Worker: sleeps until the frame answers. */
export function takeInput(slot: SharedArrayBuffer): Uint8Array | 'ended' | 'interrupted' {
  const control = new Int32Array(slot, 0, 2);
  let state = EMPTY;
  // The notice of the answer before may come after that was taken, and wakes nobody for anything.
  while (state === EMPTY) {
    Atomics.wait(control, STATE, EMPTY);
    state = Atomics.exchange(control, STATE, EMPTY);
  }
  if (state === ENDED) return 'ended';
  if (state !== FILLED) return 'interrupted';
  return new Uint8Array(slot, DATA_OFFSET, control[LENGTH]).slice();
}

/** Frame: answers the worker that asked. `bytes` holds at most INPUT_PIECE_BYTES. */
export function giveInput(slot: SharedArrayBuffer, answer: Uint8Array | 'ended' | 'interrupted'): void {
  const control = new Int32Array(slot, 0, 2);
  if (typeof answer !== 'string') {
    new Uint8Array(slot, DATA_OFFSET).set(answer);
    control[LENGTH] = answer.length;
  }
  Atomics.store(control, STATE, answer === 'ended' ? ENDED : answer === 'interrupted' ? INTERRUPTED : FILLED);
  Atomics.notify(control, STATE);
}
