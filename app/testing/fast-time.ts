/** Time for tests of whole replicas: timers and the clock wait for the test, computing and frames take what they take. */
import { vi } from 'vitest';

const realTimeout = globalThis.setTimeout;
const turn = (): Promise<void> => new Promise((resolve) => realTimeout(resolve, 1));
/** How far the clock goes at once, and how long it then waits for what that began. */
const STEP_MS = 50;

export const fastTime = (): void =>
  void vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });

/** Lets time pass, a little at a time, until it holds. */
export async function untilLater(
  what: string,
  condition: () => boolean | Promise<boolean>,
  stepMs = STEP_MS,
): Promise<void> {
  for (let i = 0; i < 4000; i++) {
    if (await condition()) return;
    vi.advanceTimersByTime(stepMs);
    await turn();
  }
  throw new Error(`waited for: ${what}`);
}

export async function seconds(count: number): Promise<void> {
  for (let i = 0; i < (count * 1000) / STEP_MS; i++) {
    vi.advanceTimersByTime(STEP_MS);
    await turn();
  }
}
