/**
 * Calls `act` soon after it was asked for, never twice within `everyMs`, and always once more with the newest argument.
 * The first call waits for a fresh task, so the caller's own work (a keystroke) is done first.
 */
export function paced<A>(everyMs: number, act: (argument: A) => void): (argument: A) => void {
  let newest: { readonly argument: A } | undefined;
  let resting = false;
  const run = (): void => {
    if (!newest) {
      resting = false;
      return;
    }
    const { argument } = newest;
    newest = undefined;
    setTimeout(run, everyMs);
    act(argument);
  };
  return (argument) => {
    newest = { argument };
    if (resting) return;
    resting = true;
    setTimeout(run, 0);
  };
}
