/** Wall time in milliseconds since 1970: a claim that is shown, never a reason to refuse. */
export interface Clock {
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };
