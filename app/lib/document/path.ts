/**
 * The one door for paths: every path of a file or folder, from a person, an archive or a peer, passes `pathProblem`.
 * A good path is relative, '/'-separated, NFC, and means the same on every system it may be exported to (TREE-1).
 */
import { utf8 } from '../core/bytes.ts';

/** What common file systems allow in one name. */
const MAX_SEGMENT_BYTES = 255;
/** Enough for any real project; keeps a tree of the most files under 4 MiB of paths. */
const MAX_PATH_BYTES = 1024;

/** Controls, line separators, and the marks that reorder text: a name must read as what it is. */
// eslint-disable-next-line no-control-regex
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

export type PathFault =
  | 'empty'
  | 'absolute'
  | 'backslash'
  | 'control-character'
  | 'empty-segment'
  | 'dot-segment'
  | 'not-unicode'
  | 'not-nfc'
  | 'segment-too-long'
  | 'too-long';

/** Why `path` can't name a file or folder; undefined when it can. */
export function pathProblem(path: string): PathFault | undefined {
  if (path === '') return 'empty';
  // A UTF-16 unit is at least one byte, so this also bounds the work on a hostile megabyte.
  if (path.length > MAX_PATH_BYTES) return 'too-long';
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) return 'absolute';
  if (path.includes('\\')) return 'backslash';
  if (UNSEEN.test(path)) return 'control-character';
  if (!path.isWellFormed()) return 'not-unicode';
  if (path.normalize('NFC') !== path) return 'not-nfc';
  for (const segment of path.split('/')) {
    if (segment === '') return 'empty-segment';
    if (segment === '.' || segment === '..') return 'dot-segment';
    if (utf8(segment).length > MAX_SEGMENT_BYTES) return 'segment-too-long';
  }
  return utf8(path).length > MAX_PATH_BYTES ? 'too-long' : undefined;
}

/** The folders above a path, outermost first: 'a/b/c' → 'a', 'a/b'. */
export function foldersAbove(path: string): string[] {
  const above: string[] = [];
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) above.push(path.slice(0, at));
  return above;
}

/** Whether `path` lies somewhere inside `folder`. */
export const isInside = (path: string, folder: string): boolean => path.startsWith(`${folder}/`);
