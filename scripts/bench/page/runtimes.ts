/** From Run to the first output, in our sandbox and in a bare worker. */
import { runtimeFor } from '../../../app/lib/runtime/registry.ts';
import { pause } from './clock.ts';

export type Language = 'python' | 'javascript';

const programs: Readonly<Record<Language, { entry: string; source: string }>> = {
  python: { entry: 'main.py', source: 'print("hello")' },
  javascript: { entry: 'main.js', source: 'console.log("hello")' },
};
/** Long enough for the sandbox to have the next worker ready: a person reads the output before running again. */
const READING_MS = 4000;

export interface FirstOutputs {
  /** Nothing was loaded before. */
  readonly coldMs: number;
  /** Run pressed again as soon as the first run ended: a new worker must boot. */
  readonly againMs: number;
  /** Run pressed when a worker that no program has used stands booted. */
  readonly readyMs: number;
}

export interface BareFirstOutputs extends FirstOutputs {
  /** In a worker that has run this program before, which a room never does (docs/decisions/0011). */
  readonly reusedMs: number;
}

/** Our sandbox, in a page that has not run anything. */
export async function runOurs(language: Language): Promise<FirstOutputs> {
  const coldMs = await firstOutput(language);
  const againMs = await firstOutput(language);
  await pause(READING_MS);
  return { coldMs, againMs, readyMs: await firstOutput(language) };
}

/** The same with nothing around the runtime, in a page that has not run anything. */
export async function runBare(language: Language): Promise<BareFirstOutputs> {
  const first = await bareFirstOutput(language);
  first.worker.terminate();
  const second = await bareFirstOutput(language);
  const fresh = await bareWorker(language);
  await pause(READING_MS);
  const readyMs = await timeOf(() => says(fresh, 'hello', programs[language].source));
  const reusedMs = await timeOf(() => says(second.worker, 'hello', programs[language].source));
  fresh.terminate();
  second.worker.terminate();
  return { coldMs: first.ms, againMs: second.ms, readyMs, reusedMs };
}

async function firstOutput(language: Language): Promise<number> {
  const { entry, source } = programs[language];
  const runtime = runtimeFor(entry);
  if (runtime === undefined) throw new Error(`nothing runs ${entry}`);
  let firstMs: number | undefined;
  const start = performance.now();
  const run = runtime.start(
    { entry, files: new Map([[entry, new TextEncoder().encode(source)]]) },
    {
      onProgress: () => undefined,
      onOutput: () => void (firstMs ??= performance.now() - start),
      onInputWanted: () => undefined,
    },
  );
  const { end } = await run.exited;
  if (firstMs === undefined || end.kind !== 'exit') throw new Error(`${entry} ended: ${JSON.stringify(end)}`);
  return firstMs;
}

async function bareFirstOutput(language: Language): Promise<{ ms: number; worker: Worker }> {
  const start = performance.now();
  const worker = await bareWorker(language);
  await says(worker, 'hello', programs[language].source);
  return { ms: performance.now() - start, worker };
}

/** A worker that is ready for a program. */
async function bareWorker(language: Language): Promise<Worker> {
  const worker =
    language === 'python'
      ? new Worker(new URL('./bare-python.worker.ts', import.meta.url), { type: 'module' })
      : new Worker(new URL('./bare-javascript.worker.ts', import.meta.url), { type: 'module' });
  await says(worker, 'booted');
  return worker;
}

async function timeOf(action: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
}

/** Resolves when the worker says the word, which it may do after it was told something. */
function says(worker: Worker, word: string, told?: string): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.addEventListener('message', ({ data }) => data === word && resolve());
    worker.addEventListener('error', (event) => reject(new Error(`bare worker: ${event.message}`)));
    if (told !== undefined) worker.postMessage(told);
  });
}
