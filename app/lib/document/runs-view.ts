/**
 * What the `runs` channel says, folded into runs (RUN-n). Chains may arrive in any order between each other, each in
 * its own order by seq: every replica comes to the same runs. Memory is bounded whatever the authors send.
 */
import { toHex } from '../core/bytes.ts';
import type { RunId, SessionId } from '../core/ids.ts';
import type { OutputPiece, RunEnd } from '../core/run.ts';
import { KeptOutput } from './kept-output.ts';
import { decodeRunMessage, type RunMessage, type RunStart } from './runs.ts';

/** An accepted entry of the `runs` channel. `time` is clamped after its heads by the log; ms since 1970. */
export interface RunEntry {
  readonly session: SessionId;
  readonly seq: number;
  readonly time: number;
  readonly hash: Uint8Array;
  readonly payload: Uint8Array;
}

/** One run as the channel tells it. */
export interface ChannelRun {
  readonly id: RunId;
  /** Who started it; nobody else could add to it. Together with `id` it names the run. */
  readonly session: SessionId;
  readonly runtime: string;
  readonly file: string;
  readonly label: string;
  readonly startedAt: number;
  readonly output: readonly OutputPiece[];
  /** Bytes of output that are not in `output`. */
  readonly leftOut: number;
  /** Where in `output` they are missing. */
  readonly leftOutAt: number | undefined;
  readonly waitingForInput: boolean;
  readonly ended: { readonly end: RunEnd; readonly durationMs: number } | undefined;
}

/** The room shows the newest and can look back a little; the log has them all. */
const KEPT_RUNS = 20;

interface Kept {
  readonly start: RunStart;
  readonly session: SessionId;
  readonly time: number;
  /** Of the start, in hex: who comes first at equal times. */
  readonly hash: string;
  readonly output: KeptOutput;
  waitingForInput: boolean;
  ended: { readonly end: RunEnd; readonly durationMs: number } | undefined;
}

export class RunsView {
  /** Oldest first, by (time, hash). */
  readonly #runs: Kept[] = [];
  readonly #lastTime = new Map<SessionId, number>();

  /** Takes in one entry, each chain's in order of seq. True when something that is shown changed. */
  add(entry: RunEntry): boolean {
    // A chain's own order outranks its clock: its times only go forward.
    const time = Math.max(entry.time, (this.#lastTime.get(entry.session) ?? -1) + 1);
    this.#lastTime.set(entry.session, time);
    const decoded = decodeRunMessage(entry.payload);
    if (!decoded.ok) return false;
    const message = decoded.value;
    if (message.kind === 'start') return this.#start(message, entry, time);
    const run = this.#runs.findLast(
      (one) => one.session === entry.session && one.start.runId === message.runId,
    );
    if (run === undefined || run.ended !== undefined) return false;
    update(run, message);
    return true;
  }

  /** The newest 20 runs, oldest first. */
  runs(): readonly ChannelRun[] {
    return this.#runs.map(shown);
  }

  /** The newest run. */
  newest(): ChannelRun | undefined {
    const run = this.#runs.at(-1);
    return run && shown(run);
  }

  #start(start: RunStart, { session, hash }: RunEntry, time: number): boolean {
    const run: Kept = {
      start,
      session,
      time,
      hash: toHex(hash),
      output: new KeptOutput(),
      waitingForInput: false,
      ended: undefined,
    };
    this.#runs.splice(this.#runs.findLastIndex((one) => isBefore(one, run)) + 1, 0, run);
    // What falls out here falls out on every replica: the newest of a set don't depend on the order it came in.
    if (this.#runs.length > KEPT_RUNS) return this.#runs.shift() !== run;
    return true;
  }
}

function update(run: Kept, message: Exclude<RunMessage, RunStart>): void {
  switch (message.kind) {
    case 'output':
      for (const piece of message.pieces) run.output.add(piece);
      break;
    case 'left-out':
      run.output.leaveOut(message.bytes);
      break;
    case 'input-wanted':
      run.waitingForInput = message.wanted;
      break;
    case 'end':
      run.waitingForInput = false;
      run.ended = { end: message.end, durationMs: message.durationMs };
      break;
  }
}

function shown({ start, session, time, output, waitingForInput, ended }: Kept): ChannelRun {
  return {
    id: start.runId,
    session,
    runtime: start.runtime,
    file: start.file,
    label: start.label,
    startedAt: time,
    output: output.pieces(),
    leftOut: output.leftOut,
    leftOutAt: output.leftOutAt,
    waitingForInput,
    ended,
  };
}

const isBefore = (a: Kept, b: Kept): boolean => (a.time !== b.time ? a.time < b.time : a.hash < b.hash);
