/** The page browser tests run in: the real registry, and one call that runs a program and gives back all that was said. */
import { releaseRuntimes, runtimeFor, runtimes } from '../registry.ts';
import { RUN_LIMITS, type RunLimits } from '../limits.ts';
import brokerUrl from '../sandbox/broker.ts?sandbox';
import { Sandbox } from '../sandbox/sandbox.ts';
import type { RunEnd } from '../../core/run.ts';
import type { Run, Runtime } from '../runtime.ts';

export interface ProgramRequest {
  readonly files: Readonly<Record<string, string>>;
  readonly entry: string;
  /** Leaves the program waiting when it asks for more input than there is. */
  readonly waits?: boolean;
  /** Lines given one by one, each when the program asks; then the input ends unless it `waits`. */
  readonly input?: readonly string[];
  /** Stop as soon as the output contains this. */
  readonly stopAfter?: string;
  /** Limits to reach sooner than people do. */
  readonly limits?: Partial<RunLimits>;
}

export interface ProgramReport {
  readonly end: RunEnd;
  readonly durationMs: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What stood in stdout each time input was wanted. */
  readonly prompts: readonly string[];
  /** When it was started, in ms since 1970. */
  readonly startedAt: number;
}

/** Kept per stream; a flood is counted, not collected. */
const KEEP_CHARS = 200_000;

async function runProgram(request: ProgramRequest): Promise<ProgramReport> {
  const runtime = runtimeNamed(request.entry);
  const encoder = new TextEncoder();
  const files = new Map(Object.entries(request.files).map(([path, text]) => [path, encoder.encode(text)]));
  const said = { stdout: '', stderr: '' };
  const prompts: string[] = [];
  const input = [...(request.input ?? [])];
  let stopped = false;
  const startedAt = performance.timeOrigin + performance.now();
  const run: Run = runtime.start(
    { files, entry: request.entry },
    {
      onProgress: () => undefined,
      onOutput(stream, text) {
        if (said[stream].length < KEEP_CHARS) said[stream] += text;
        if (request.stopAfter !== undefined && !stopped && said[stream].includes(request.stopAfter)) {
          stopped = true;
          run.stop();
        }
      },
      onInputWanted(wanted) {
        if (!wanted) return;
        prompts.push(said.stdout);
        const line = input.shift();
        if (line !== undefined) run.write(line);
        else if (!request.waits) run.closeInput();
      },
    },
    { ...RUN_LIMITS, ...request.limits },
  );
  const result = await run.exited;
  return {
    ...result,
    ...said,
    prompts,
    startedAt,
  };
}

/** What is the enemy's own; the rest of the sandbox is ours. */
export interface HostileParts {
  readonly broker?: string;
  readonly worker?: string;
}
export type HostileReport = ProgramReport['end'] & {
  readonly output: string;
  /** How often input was wanted. */
  readonly asked: number;
  /** The sandbox did not survive it. */
  readonly broke: boolean;
};

/** Runs that many programs, one after another, in one sandbox; what they are is up to the enemy. */
async function runHostile(
  { broker, worker = '' }: HostileParts,
  runs: number,
  limits: Partial<RunLimits>,
): Promise<HostileReport[]> {
  const sandbox = await Sandbox.open({
    broker: broker ?? (await (await fetch(brokerUrl)).text()),
    load: { kind: 'load', worker: new TextEncoder().encode(worker), assets: [] },
  });
  const reports: HostileReport[] = [];
  while (reports.length < runs && sandbox.usable) {
    let output = '';
    let asked = 0;
    const run = sandbox.start(
      { files: new Map(), entry: 'x' },
      {
        onProgress: () => undefined,
        onOutput: (_, text) => void (output += text),
        onInputWanted: (wanted) => void (asked += Number(wanted)),
      },
      { ...RUN_LIMITS, ...limits },
    );
    const { end } = await run.exited;
    reports.push({ ...end, output, asked, broke: !sandbox.usable });
  }
  sandbox.dispose();
  return reports;
}

/** For programs that kill their process, which test tools take for the page's: the outcome goes to the server, and that of another program. */
async function reportTo(path: string, request: ProgramRequest, next: ProgramRequest): Promise<void> {
  const reports = [await runProgram(request), await runProgram(next)];
  await fetch(path, { method: 'POST', body: JSON.stringify(reports) });
}

/** Fetches what programs like this need, as a room does when it is idle. */
const prefetch = (entry: string): Promise<void> =>
  runtimeNamed(entry).prefetch(() => undefined, new AbortController().signal);

/** Gets ready for programs like this, as a room does when someone looks at a file. */
const warm = (entry: string): void => runtimeNamed(entry).warm?.();

/** Leaves while JavaScript is being prepared, stands ready, or runs; resolves when nothing more can happen. */
async function releaseWhen(state: 'opening' | 'ready' | 'running'): Promise<void> {
  if (state === 'running') {
    let release!: () => void;
    const started = new Promise<void>((resolve) => (release = resolve));
    const source = "console.log('go'); for (;;);";
    const run = runtimeNamed('main.js').start(
      { entry: 'main.js', files: new Map([['main.js', new TextEncoder().encode(source)]]) },
      { onProgress: () => undefined, onOutput: () => release(), onInputWanted: () => undefined },
    );
    await started;
    releaseRuntimes();
    run.stop();
    await run.exited;
    return;
  }
  warm('main.js');
  const frame = await appears('iframe');
  if (state === 'ready') await new Promise((resolve) => frame.addEventListener('load', resolve));
  releaseRuntimes();
}

/** The first element of this kind, as soon as there is one. */
function appears(selector: string): Promise<Element> {
  return new Promise((resolve) => {
    const look = (): void => {
      const found = document.querySelector(selector);
      if (!found) return;
      watcher.disconnect();
      resolve(found);
    };
    const watcher = new MutationObserver(look);
    watcher.observe(document, { childList: true, subtree: true });
    look();
  });
}

function runtimeNamed(entry: string): Runtime {
  const runtime = runtimeFor(entry);
  if (!runtime) throw new Error(`nothing runs ${entry}`);
  return runtime;
}

const bed = {
  prefetch,
  releaseWhen,
  reportTo,
  runHostile,
  runProgram,
  runtimes,
  warm,
};
export type TestBed = typeof bed;
(globalThis as unknown as { bed: TestBed }).bed = bed;
