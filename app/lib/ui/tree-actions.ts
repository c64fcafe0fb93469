/** What a tree asks of whoever shows it. */
import type { TreeRow } from './tree-model.ts';

export interface TreeActions {
  onopen: (row: TreeRow) => void;
  /** `name` may hold `/`: then it is meant as a path from the row's own folder. Never empty, never unchanged. */
  onrename: (row: TreeRow, name: string) => void;
  ondelete: (row: TreeRow) => void;
  /** Asked for by right button or keyboard, at a point of the window in CSS pixels. */
  onmenu?: ((row: TreeRow, at: { x: number; y: number }) => void) | undefined;
  /** Something was dragged into a folder: `folder` is a path, '' for the root. */
  onmove?: ((path: string, folder: string) => void) | undefined;
}
