/** How large the panes are, in px so that another window keeps them: reading what was kept, and percent for the layout. */

export interface PaneSizes {
  readonly filesPx: number;
  readonly outputPx: number;
  readonly sidePx: number;
}

export const DEFAULT_SIZES: PaneSizes = { filesPx: 232, outputPx: 248, sidePx: 340 };
/** Names stay readable, and the tab "Output" and four lines stay in sight. */
export const MIN_FILES_PX = 160;
export const MIN_OUTPUT_PX = 120;
/** A line of talk stays a line. */
export const MIN_SIDE_PX = 220;
export const MIN_EDITOR_PX = 240;
/** The code is what the room is about: what one pane at the window's edge may take, and where there is one at each. */
export const MAX_EDGE_PERCENT = 60;
export const MAX_OF_TWO_PERCENT = 40;

/** What was kept, or the defaults for anything that isn't a size. */
export function readSizes(kept: string | null): PaneSizes {
  let value: unknown;
  try {
    value = JSON.parse(kept ?? '');
  } catch {
    return DEFAULT_SIZES;
  }
  if (typeof value !== 'object' || value === null) return DEFAULT_SIZES;
  const { filesPx, outputPx, sidePx } = value as Partial<Record<keyof PaneSizes, unknown>>;
  return {
    filesPx: size(filesPx, MIN_FILES_PX) ?? DEFAULT_SIZES.filesPx,
    outputPx: size(outputPx, MIN_OUTPUT_PX) ?? DEFAULT_SIZES.outputPx,
    sidePx: size(sidePx, MIN_SIDE_PX) ?? DEFAULT_SIZES.sidePx,
  };
}

/** `px` of `totalPx` as percent, leaving the neighbour its least. */
export function toPercent(px: number, totalPx: number, neighbourMinPx: number): number {
  if (totalPx <= 0) return 0;
  return (Math.min(px, Math.max(totalPx - neighbourMinPx, totalPx / 2)) / totalPx) * 100;
}

/** How much of the window a pane at its edge takes: its px stay where the window gets narrower, by zoom too. */
export const edgePercent = (px: number, windowPx: number, maxPercent = MAX_EDGE_PERCENT): number =>
  Math.min(toPercent(px, windowPx, MIN_EDITOR_PX), maxPercent);

const size = (value: unknown, min: number): number | undefined =>
  typeof value === 'number' && Number.isFinite(value)
    ? Math.min(Math.max(Math.round(value), min), 10_000)
    : undefined;
