/** Dragging a row of the tree into a folder: what the drag carries, and where a drop leads. */
import { folderFor, type TreeRow } from './tree-model.ts';

/** Told apart from dropped files by its type. */
const DRAGGED = 'application/x-codeface-path';

export function beginDrag(event: DragEvent, row: TreeRow): void {
  event.dataTransfer?.setData(DRAGGED, row.path);
}

/** Whether a row of the tree is being dragged; if so, says that it may be dropped. */
export function acceptsDrag(event: DragEvent): boolean {
  if (!event.dataTransfer?.types.includes(DRAGGED)) return false;
  event.preventDefault();
  return true;
}

/** What a drop on `row` moves into which folder ('' for the root); undefined where it would change nothing. */
export function endDrag(event: DragEvent, row: TreeRow): { path: string; folder: string } | undefined {
  const path = event.dataTransfer?.getData(DRAGGED);
  if (!path) return undefined;
  event.preventDefault();
  const folder = folderFor(row);
  return canMove(path, folder) ? { path, folder } : undefined;
}

/** Not to where it is already, and not a folder into itself. */
export function canMove(path: string, folder: string): boolean {
  return folder !== folderFor({ kind: 'text', path }) && !`${folder}/`.startsWith(`${path}/`);
}
