/** Tasks that kept this page's main thread for more than 50 ms, as the browser counts them (Long Tasks API). */

let durations: number[] = [];

/** Begins to count. */
export function countLongTasks(): void {
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) durations.push(duration);
  }).observe({ type: 'longtask' });
}

/** How long each took since the last call, in ms. */
export function takeLongTasks(): number[] {
  const taken = durations;
  durations = [];
  return taken;
}
