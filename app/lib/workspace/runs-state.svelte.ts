/**
 * Runs of the room: mine, which this tab executes and tells the others about within a budget, and everybody's, which
 * the `runs` channel tells. A viewer's or commenter's run is told to nobody.
 */
import { base32nopad } from '@scure/base';
import { fromHex, randomBytes, type Bytes } from '../core/bytes.ts';
import type { DeviceId, FileId, RunId, SessionId } from '../core/ids.ts';
import type { Project } from '../document/project.ts';
import { OutputBudget } from '../document/run-budget.ts';
import { encodeRunMessage } from '../document/runs.ts';
import { RunsView, type ChannelRun } from '../document/runs-view.ts';
import type { Accepted } from '../log/receipt.ts';
import { runtimeFor } from '../runtime/registry.ts';
import type { Program, Run, RunEnd, Runtime } from '../runtime/runtime.ts';
import type { AlertsState } from './alerts-state.svelte.ts';
import { DrawPace, pageTimes } from './draw-pace.ts';
import { LocalOutput } from './local-output.ts';
import { ownRunView, toldRunView, isAfter } from './run-view.ts';
import { noRuntimeWords } from './run-words.ts';
import type { ProgressView, RunView } from './room-model.ts';
import { savesData } from './saves-data.ts';

export interface RunsStateOptions {
  readonly project: Project;
  /** Tells the room; undefined for who may not write to it. */
  readonly post: ((payload: Bytes) => void) | undefined;
  readonly nameOf: (device: DeviceId) => string;
  readonly me: DeviceId;
  readonly alerts: AlertsState;
}

/** Opening, reading and the first keys come before a runtime's start. */
const WARM_AFTER_MS = 2000;

interface MyRun {
  readonly id: RunId;
  readonly runtime: Runtime;
  readonly file: string;
  readonly startedAt: number;
  readonly output: LocalOutput;
  readonly run: Run;
  readonly budget: OutputBudget | undefined;
  waitingForInput: boolean;
  ended: { readonly end: RunEnd; readonly durationMs: number } | undefined;
  /** The newest run of the room when mine ended. */
  besides: ChannelRun | undefined;
}

export class RunsState {
  #view = $state.raw<RunView>();
  #running = $state(false);
  #progress = $state.raw<ProgressView>();
  readonly #options: RunsStateOptions;
  readonly #channel = new RunsView();
  readonly #devices = new Map<SessionId, DeviceId>();
  #mine: MyRun | undefined;
  readonly #drawing = new DrawPace(() => (this.#view = this.#newest()), pageTimes);

  constructor(options: RunsStateOptions) {
    this.#options = options;
  }

  get view(): RunView | undefined {
    return this.#view;
  }
  get running(): boolean {
    return this.#running;
  }
  get progress(): ProgressView | undefined {
    return this.#progress;
  }

  /** Entries of the `runs` channel, own ones too. `renamed`: whoever ran something may be called otherwise now. */
  receive(accepted: readonly Accepted[], renamed: boolean): void {
    let changed = renamed;
    for (const { session, channel, entries } of accepted) {
      if (channel !== 'runs') continue;
      this.#devices.set(session.id, session.device);
      const hash = fromHex(session.id);
      for (const { seq, time, payload } of entries)
        changed = this.#channel.add({ session: session.id, seq, time, hash, payload }) || changed;
    }
    if (changed) this.#drawing.changed();
  }

  cannotRun(id: FileId): string | undefined {
    const item = this.#options.project.list().find((each) => each.id === id);
    if (item === undefined || item.kind !== 'text') return noRuntimeWords(undefined);
    const runtime = runtimeFor(item.shown);
    return runtime === undefined ? noRuntimeWords(item.shown) : runtime.unsupported();
  }

  /** Someone looks at this file: gets ready to run it, when the page has nothing better to do. */
  expect(id: FileId): void {
    const item = this.#options.project.list().find((each) => each.id === id);
    const runtime = item?.kind === 'text' ? runtimeFor(item.shown) : undefined;
    if (runtime === undefined || runtime.unsupported() !== undefined || savesData()) return;
    const whenIdle = globalThis.requestIdleCallback ?? ((act: () => void) => setTimeout(act, WARM_AFTER_MS));
    whenIdle(() => runtime.warm?.(), { timeout: WARM_AFTER_MS });
  }

  /** Runs a file from a copy of the project as it is now: what others type meanwhile doesn't change this run. */
  start(id: FileId): void {
    if (this.#running || this.cannotRun(id) !== undefined) return;
    const item = this.#options.project.list().find((each) => each.id === id);
    const runtime = item && runtimeFor(item.shown);
    if (item === undefined || runtime === undefined) return;

    const runId = newRunId();
    const { post } = this.#options;
    const start = {
      kind: 'start',
      runId,
      runtime: runtime.id,
      file: item.shown,
      label: runtime.label,
    } as const;
    const budget = post && new OutputBudget(start, { emit: (message) => post(encodeRunMessage(message)) });
    const output = new LocalOutput();
    this.#running = true;
    const run = runtime.start(this.#frozenCopy(item.shown), {
      onProgress: (step) => {
        this.#progress = step && { ...step, cancel: () => this.stop() };
      },
      onOutput: (stream, text) => {
        output.add(stream, text);
        budget?.write(stream, text);
        this.#drawing.changed(text.length);
      },
      onInputWanted: (wanted) => {
        budget?.inputWanted(wanted);
        if (this.#mine?.id === runId) this.#mine.waitingForInput = wanted;
        this.#drawing.changed();
      },
    });
    const mine: MyRun = {
      id: runId,
      runtime,
      file: item.shown,
      startedAt: Date.now(),
      output,
      run,
      budget,
      waitingForInput: false,
      ended: undefined,
      besides: undefined,
    };
    this.#mine = mine;
    this.#drawing.changed();
    void run.exited.then((ended) => this.#ended(mine, ended));
  }

  stop(): void {
    this.#mine?.run.stop();
  }

  sendInput(text: string): void {
    if (this.#mine === undefined || !this.#mine.waitingForInput) return;
    // What a person types is part of the conversation with the program: everyone sees it, as in a terminal.
    this.#mine.output.add('stdout', text);
    this.#mine.budget?.write('stdout', text);
    this.#mine.run.write(text);
    this.#drawing.changed();
  }

  dispose(): void {
    if (this.#mine?.ended === undefined) this.#mine?.run.stop();
    this.#mine?.budget?.dispose();
  }

  #ended(mine: MyRun, ended: { readonly end: RunEnd; readonly durationMs: number }): void {
    mine.ended = ended;
    mine.besides = this.#channel.newest();
    mine.waitingForInput = false;
    mine.budget?.end(ended.end, ended.durationMs);
    if (this.#mine === mine) {
      this.#running = false;
      this.#progress = undefined;
    }
    this.#drawing.changed();
  }

  #frozenCopy(entry: string): Program {
    const files = new Map<string, Uint8Array>();
    for (const { id, kind, shown } of this.#options.project.list()) {
      if (kind === 'folder') continue;
      const bytes = this.#options.project.bytes(id);
      if (bytes.ok) files.set(shown, bytes.value);
    }
    return { files, entry };
  }

  #newest(): RunView | undefined {
    const newest = this.#channel.newest();
    const mine = this.#mine;
    if (mine !== undefined && (newest === undefined || !isAfter(newest, mine)))
      return ownRunView(mine, this.#by(this.#options.me), newest?.id === mine.id ? newest : undefined);
    return newest && toldRunView(newest, this.#by(this.#devices.get(newest.session)));
  }

  #by(device: DeviceId | undefined): RunView['by'] {
    const { me, nameOf } = this.#options;
    return { name: device === undefined ? 'Someone' : nameOf(device), me: device === me, device };
  }
}

const newRunId = (): RunId => base32nopad.encode(randomBytes(10)).toLowerCase() as RunId;
