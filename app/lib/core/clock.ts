/** Wall time in milliseconds since 1970: a claim that is shown, never a reason to refuse. */
export interface Clock {
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** Far from 0, which stands for never. */
const STEADY_FROM_MS = 1e12;

/** How much time has passed, by that clock: for what waits, and for how often. It stands still where the clock is set back, and goes on. */
export function steadyClock(clock: Clock): Clock {
  let [passed, last] = [STEADY_FROM_MS, clock.now()];
  return {
    now: () => {
      const now = clock.now();
      passed += Math.max(0, now - last);
      last = now;
      return passed;
    },
  };
}
