/** Which tab a key leads to, in a row with one tab stop. */

/** Index of the tab to choose, round the ends; undefined for a key that means nothing here. */
export function nextTab(key: string, at: number, count: number): number | undefined {
  if (count === 0) return undefined;
  switch (key) {
    case 'ArrowRight':
      return (at + 1) % count;
    case 'ArrowLeft':
      return (at - 1 + count) % count;
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return undefined;
  }
}
