/** The page browser tests run in: the real registry, and one call that runs a program and gives back all that was said. */
import { runtimeFor, runtimes } from '../registry.ts';
import { RUN_LIMITS, type RunLimits } from '../limits.ts';
import { Sandbox } from '../sandbox/sandbox.ts';
import type { Run, RunEnd } from '../runtime.ts';

export interface ProgramRequest {
  readonly files: Readonly<Record<string, string>>;
  readonly entry: string;
  /** Lines given one by one, each when the program asks; then the input ends. */
  readonly input?: readonly string[];
  /** Stop as soon as the output contains this. */
  readonly stopAfter?: string;
}

export interface ProgramReport {
  readonly end: RunEnd;
  readonly durationMs: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What stood in stdout each time input was wanted. */
  readonly prompts: readonly string[];
  /** From Stop to the end; undefined when not stopped. */
  readonly stopMs: number | undefined;
  /** From start to the first output. */
  readonly firstOutputMs: number | undefined;
  /** The longest time this page's own thread was held up. */
  readonly longestGapMs: number;
}

/** Kept per stream; a flood is counted, not collected. */
const KEEP_CHARS = 200_000;

async function runProgram(request: ProgramRequest): Promise<ProgramReport> {
  const runtime = runtimeFor(request.entry);
  if (!runtime) throw new Error(`nothing runs ${request.entry}`);
  const encoder = new TextEncoder();
  const files = new Map(Object.entries(request.files).map(([path, text]) => [path, encoder.encode(text)]));
  const said = { stdout: '', stderr: '' };
  const prompts: string[] = [];
  const input = [...(request.input ?? [])];
  let stopAt: number | undefined;
  let firstOutputMs: number | undefined;
  const gap = watchGaps();
  const startAt = performance.now();
  const run: Run = runtime.start(
    { files, entry: request.entry },
    {
      onProgress: () => undefined,
      onOutput(stream, text) {
        firstOutputMs ??= performance.now() - startAt;
        if (said[stream].length < KEEP_CHARS) said[stream] += text;
        if (
          request.stopAfter !== undefined &&
          stopAt === undefined &&
          said[stream].includes(request.stopAfter)
        ) {
          stopAt = performance.now();
          run.stop();
        }
      },
      onInputWanted(wanted) {
        if (!wanted) return;
        prompts.push(said.stdout);
        const line = input.shift();
        if (line === undefined) run.closeInput();
        else run.write(line);
      },
    },
  );
  const result = await run.exited;
  return {
    ...result,
    ...said,
    prompts,
    firstOutputMs,
    stopMs: stopAt === undefined ? undefined : performance.now() - stopAt,
    longestGapMs: gap(),
  };
}

function watchGaps(): () => number {
  let last = performance.now();
  let longest = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 10);
  return () => {
    clearInterval(timer);
    return longest;
  };
}

/** Runs a frame whose code is the enemy's own, against the app's real side of the sandbox. */
async function runHostileFrame(
  broker: string,
): Promise<ProgramReport['end'] & { output: string; broke: boolean }> {
  const sandbox = await Sandbox.open(
    { broker, load: { kind: 'load', worker: new Uint8Array(), assets: [] } },
    RUN_LIMITS,
  );
  let output = '';
  const run = sandbox.start(
    { files: new Map(), entry: 'x' },
    {
      onProgress: () => undefined,
      onOutput: (_, text) => void (output += text),
      onInputWanted: () => undefined,
    },
  );
  const { end } = await run.exited;
  const broke = !sandbox.usable;
  sandbox.dispose();
  return { ...end, output, broke };
}

/** For programs that kill their process, which test tools take for the page's: the outcome goes to the server. */
async function reportTo(path: string, request: ProgramRequest): Promise<void> {
  const report = await runProgram(request);
  await fetch(path, { method: 'POST', body: JSON.stringify(report) });
}

const bed = {
  reportTo,
  runHostileFrame,
  runProgram,
  runtimes,
  setLimits: (limits: Partial<RunLimits>) => void Object.assign(RUN_LIMITS, limits),
};
export type TestBed = typeof bed;
(globalThis as unknown as { bed: TestBed }).bed = bed;
