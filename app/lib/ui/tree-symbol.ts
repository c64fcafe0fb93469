/** Which sign a row of the tree has. */
import type { TreeRow } from './tree-model.ts';

export type TreeSymbol = 'open' | 'closed' | 'binary' | 'text' | 'code';

const PROSE = /\.(?:txt|md|markdown|rst|csv|tsv|log)$|^(?:readme|license|changelog)/i;

/** Folders point the way they are; files are told apart as prose, code and bytes. */
export function treeSymbol({
  kind,
  name,
  expanded,
}: Pick<TreeRow, 'kind' | 'name' | 'expanded'>): TreeSymbol {
  if (expanded !== undefined) return expanded ? 'open' : 'closed';
  if (kind === 'binary') return 'binary';
  return PROSE.test(name) ? 'text' : 'code';
}
