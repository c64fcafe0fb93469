/** The keyboard of a menu, and where a menu may stand. */

/** Index to focus next, round the ends; undefined for a key that moves nothing. `at` is -1 while nothing is focused. */
export function nextMenuItem(key: string, at: number, labels: readonly string[]): number | undefined {
  const count = labels.length;
  if (count === 0) return undefined;
  switch (key) {
    case 'ArrowDown':
      return (at + 1) % count;
    case 'ArrowUp':
      return at <= 0 ? count - 1 : at - 1;
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
  }
  if ([...key].length !== 1 || key === ' ') return undefined;
  const letter = key.toLocaleLowerCase();
  for (let step = 1; step <= count; step++) {
    const index = (at + step + count) % count;
    if (labels[index]?.toLocaleLowerCase().startsWith(letter)) return index;
  }
  return undefined;
}

/** One coordinate of a menu's corner, so that it stays `gap` pixels inside the window; all in CSS pixels. */
export const insideWindow = (wanted: number, size: number, windowSize: number, gap = 8): number =>
  Math.max(gap, Math.min(wanted, windowSize - size - gap));
