/**
 * The file tree as data: rows out of paths, and what a key means on a row (WAI-ARIA tree view pattern).
 * Owns no DOM and no state; Tree.svelte keeps what is open and focused and acts on what `treeKey` says.
 */

/** A file or folder. `shown` is its path, parts joined by `/`, and unique. */
export interface TreeEntry {
  readonly id: string;
  readonly kind: 'text' | 'binary' | 'folder';
  readonly shown: string;
}

/** One line of the tree. Levels count from 1, positions within the parent from 1, as ARIA does. */
export interface TreeRow {
  /** The entry's id, or `folder:<path>` for a folder that only a path implies. */
  readonly id: string;
  readonly kind: TreeEntry['kind'];
  readonly path: string;
  readonly name: string;
  readonly level: number;
  /** Of folders only. */
  readonly expanded?: boolean;
  readonly posInSet: number;
  readonly setSize: number;
}

/** What to do for a key; `focus` carries the index of a row. */
export type TreeAction =
  | { readonly kind: 'focus'; readonly index: number }
  | { readonly kind: 'expand' | 'collapse' | 'open' | 'rename' | 'delete' | 'menu' };

export interface TreeKey {
  readonly key: string;
  readonly shiftKey: boolean;
}

interface Branch {
  entry: TreeEntry;
  name: string;
  children: Map<string, Branch>;
}

const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });
const PAGE_ROWS = 10;

/** The rows in sight: folders first, then by name; what is in a closed folder is left out. */
export function treeRows(entries: readonly TreeEntry[], isOpen: (row: { id: string }) => boolean): TreeRow[] {
  const rows: TreeRow[] = [];
  addRows(rows, branches(entries), 1, isOpen);
  return rows;
}

/** Where each row stands, by id. */
export const rowIndex = (rows: readonly TreeRow[]): ReadonlyMap<string, number> =>
  new Map(rows.map((row, index) => [row.id, index]));

/** What a key means on the row at `at`; undefined where it means nothing to a tree. */
export function treeKey(
  rows: readonly TreeRow[],
  at: number,
  { key, shiftKey }: TreeKey,
): TreeAction | undefined {
  const row = rows[at];
  if (row === undefined) return undefined;
  const to = (index: number): TreeAction => ({
    kind: 'focus',
    index: Math.max(0, Math.min(rows.length - 1, index)),
  });
  switch (key) {
    case 'ArrowDown':
      return to(at + 1);
    case 'ArrowUp':
      return to(at - 1);
    case 'PageDown':
      return to(at + PAGE_ROWS);
    case 'PageUp':
      return to(at - PAGE_ROWS);
    case 'Home':
      return to(0);
    case 'End':
      return to(rows.length - 1);
    case 'ArrowRight':
      if (row.expanded === false) return { kind: 'expand' };
      return row.expanded && rows[at + 1]?.level === row.level + 1 ? to(at + 1) : undefined;
    case 'ArrowLeft':
      if (row.expanded) return { kind: 'collapse' };
      return row.level > 1 ? to(parentOf(rows, at)) : undefined;
    case 'Enter':
    case ' ':
      if (row.expanded === undefined) return { kind: 'open' };
      return { kind: row.expanded ? 'collapse' : 'expand' };
    case 'F2':
      return { kind: 'rename' };
    case 'Delete':
      return { kind: 'delete' };
    case 'ContextMenu':
      return { kind: 'menu' };
    case 'F10':
      return shiftKey ? { kind: 'menu' } : undefined;
    default:
      return undefined;
  }
}

/** Index of the row that typed letters lead to: the next one whose name starts so, round the end; -1 for none. */
export function typeAhead(rows: readonly TreeRow[], at: number, typed: string): number {
  const wanted = typed.toLocaleLowerCase();
  // The first letter moves on; more letters may still mean the row they stand on.
  const first = [...wanted].length === 1 ? 1 : 0;
  for (let step = first; step < rows.length + first; step++) {
    const index = (at + step) % rows.length;
    if (rows[index]?.name.toLocaleLowerCase().startsWith(wanted)) return index;
  }
  return -1;
}

/** The path of the folder a new file belongs in when this row is chosen: itself, or the folder around it; '' for the root. */
export const folderFor = (row: Pick<TreeRow, 'kind' | 'path'>): string =>
  row.kind === 'folder' ? row.path : row.path.slice(0, Math.max(0, row.path.lastIndexOf('/')));

/** Paths of the folders around a path, outermost first: 'a/b/c' → ['a', 'a/b']. */
export function foldersAround(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

function branches(entries: readonly TreeEntry[]): Map<string, Branch> {
  const root = new Map<string, Branch>();
  for (const entry of entries) {
    const parts = entry.shown.split('/');
    let children = root;
    parts.forEach((name, depth) => {
      const last = depth === parts.length - 1;
      let branch = children.get(name);
      if (branch === undefined) {
        const path = parts.slice(0, depth + 1).join('/');
        branch = {
          entry: last ? entry : { id: `folder:${path}`, kind: 'folder', shown: path },
          name,
          children: new Map(),
        };
        children.set(name, branch);
      } else if (last) branch.entry = entry;
      children = branch.children;
    });
  }
  return root;
}

function addRows(
  rows: TreeRow[],
  siblings: Map<string, Branch>,
  level: number,
  isOpen: (row: { id: string }) => boolean,
): void {
  const isFolder = (branch: Branch) => branch.entry.kind === 'folder' || branch.children.size > 0;
  const ordered = [...siblings.values()].sort(
    (a, b) => Number(isFolder(b)) - Number(isFolder(a)) || byName.compare(a.name, b.name),
  );
  ordered.forEach((branch, index) => {
    const { entry, name, children } = branch;
    const place = { path: entry.shown, name, level, posInSet: index + 1, setSize: ordered.length };
    if (!isFolder(branch)) return void rows.push({ id: entry.id, kind: entry.kind, ...place });
    const expanded = isOpen(entry);
    rows.push({ id: entry.id, kind: 'folder', expanded, ...place });
    if (expanded) addRows(rows, children, level + 1, isOpen);
  });
}

function parentOf(rows: readonly TreeRow[], at: number): number {
  const level = rows[at]?.level ?? 1;
  let index = at;
  while (index > 0 && (rows[index]?.level ?? 1) >= level) index--;
  return index;
}
