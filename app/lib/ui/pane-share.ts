/** How the line between two panes moves: shares are percent of what the panes lie in. */

/** How panes lie: side by side, or one above the other. */
export type Way = 'horizontal' | 'vertical';

export interface Limits {
  readonly min: number;
  readonly max: number;
  /** Whether the pane comes after the line: it grows as the line goes back. */
  readonly after: boolean;
}

/** A press of an arrow. */
const STEP_PERCENT = 10;
/** As far as it goes. */
const ALL_PERCENT = 100;

/** How far a key moves the line, right or down; undefined for a key that doesn't. */
export function movement(
  { key, shiftKey }: Pick<KeyboardEvent, 'key' | 'shiftKey'>,
  way: Way,
): number | undefined {
  if (key === 'Home') return -ALL_PERCENT;
  if (key === 'End') return ALL_PERCENT;
  const [back, forth] = way === 'horizontal' ? ['ArrowLeft', 'ArrowRight'] : ['ArrowUp', 'ArrowDown'];
  const step = shiftKey ? ALL_PERCENT : STEP_PERCENT;
  if (key === back) return -step;
  return key === forth ? step : undefined;
}

/** What the pane takes when the line is moved `by` from where it took `share`. */
export const moved = (share: number, by: number, { min, max, after }: Limits): number =>
  Math.min(Math.max(after ? share - by : share + by, min), max);
