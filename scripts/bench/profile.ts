// Where the time of a page goes: its CPU profile, by function, for `--profile`.
import type { Page } from '@playwright/test';

/** As fine as the profiler goes without slowing the page down much. */
const SAMPLE_MICROSECONDS = 100;
const SHOWN = 14;

/** Self time by function while `work` runs, divided by `times`; the most expensive first. */
export async function profiled(page: Page, work: () => Promise<unknown>, times = 1): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  await session.send('Profiler.enable');
  await session.send('Profiler.setSamplingInterval', { interval: SAMPLE_MICROSECONDS });
  await session.send('Profiler.start');
  await work();
  const { profile } = await session.send('Profiler.stop');
  await session.detach();
  return selfTimes(profile, times);
}

/** What both kinds of profiler give: Chromium's and Node's. */
interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { readonly functionName: string } }[];
  readonly samples?: readonly number[] | undefined;
  readonly timeDeltas?: readonly number[] | undefined;
}

/** Self time by function, divided by `times`; the most expensive first. */
export function selfTimes(profile: Profile, times: number, unit: 'ms' | 'µs' = 'ms'): string[] {
  const names = new Map(
    profile.nodes.map(({ id, callFrame }) => [id, callFrame.functionName || '(anonymous)']),
  );
  const microseconds = new Map<string, number>();
  for (const [index, id] of (profile.samples ?? []).entries()) {
    const name = names.get(id) ?? '(unknown)';
    microseconds.set(name, (microseconds.get(name) ?? 0) + (profile.timeDeltas?.[index] ?? 0));
  }
  return [...microseconds]
    .filter(([name]) => name !== '(idle)')
    .sort(([, a], [, b]) => b - a)
    .slice(0, SHOWN)
    .map(([name, time]) => `  ${(time / (unit === 'ms' ? 1000 : 1) / times).toFixed(3)} ${unit}  ${name}`);
}

/** What a trace of Chromium holds of threads and of what they did. */
interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds of a processor. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/**
 * The most milliseconds of a processor that one task of any page's main thread took while `work` ran. How long it took by
 * the clock says besides how long it waited for a processor.
 */
export async function longestOnProcessor(page: Page, work: () => Promise<unknown>): Promise<number> {
  const browser = page.context().browser();
  if (browser === null) throw new Error('a page without a browser');
  await browser.startTracing(undefined, { categories: ['toplevel'] });
  await work();
  const trace = await browser.stopTracing();
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: readonly TraceEvent[] };
  const threadOf = ({ pid, tid }: TraceEvent): string => `${pid}/${tid}`;
  const mains = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(threadOf),
  );
  const tasks = traceEvents.filter((event) => event.ph === 'X' && mains.has(threadOf(event)));
  return tasks.reduce((most, { tdur = 0 }) => Math.max(most, tdur), 0) / 1000;
}
