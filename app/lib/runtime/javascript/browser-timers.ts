/** The browser's own timers, which keep no program alive: taken hold of before `handles.ts` puts counted ones in their place. */
export const browserTimers = {
  setTimeout: globalThis.setTimeout.bind(globalThis) as (callback: () => void, ms?: number) => number,
  clearTimeout: globalThis.clearTimeout.bind(globalThis) as (id: number) => void,
};
