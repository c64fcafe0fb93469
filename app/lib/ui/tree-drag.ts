/** Dragging a row of the tree into a folder: what the drag carries, and where a drop leads. */
import { folderFor, type TreeRow } from './tree-model.ts';

/** Told apart from dropped files by its type. */
const DRAGGED = 'application/x-codeface-path';

export interface TreeDragOptions {
  /** The row an event happened in. */
  readonly rowOf: (event: Event) => TreeRow | undefined;
  /** Something is held over this row, or over none any more. */
  readonly onover: (row: TreeRow | undefined) => void;
  readonly onmove: (path: string, folder: string) => void;
}

/** Listens on the tree's element; returns the way to stop. */
export function treeDrag(tree: HTMLElement, { rowOf, onover, onmove }: TreeDragOptions): () => void {
  const stop = new AbortController();
  const on = (type: 'dragstart' | 'dragover' | 'dragleave' | 'drop', act: (event: DragEvent) => void) =>
    tree.addEventListener(type, act, { signal: stop.signal });

  on('dragstart', (event) => {
    const row = rowOf(event);
    if (row) event.dataTransfer?.setData(DRAGGED, row.path);
  });
  on('dragover', (event) => {
    if (!event.dataTransfer?.types.includes(DRAGGED)) return;
    event.preventDefault();
    onover(rowOf(event));
  });
  on('dragleave', () => onover(undefined));
  on('drop', (event) => {
    onover(undefined);
    const row = rowOf(event);
    const path = event.dataTransfer?.getData(DRAGGED);
    if (!path || row === undefined) return;
    event.preventDefault();
    if (canMove(path, folderFor(row))) onmove(path, folderFor(row));
  });
  return () => stop.abort();
}

/** Not to where it is already, and not a folder into itself. */
export function canMove(path: string, folder: string): boolean {
  return folder !== folderFor({ kind: 'text', path }) && !`${folder}/`.startsWith(`${path}/`);
}
