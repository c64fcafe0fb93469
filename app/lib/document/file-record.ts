/**
 * One record of the `files` map, read with distrust: any editor's session may have written anything there.
 * What can't be understood is skipped (undefined) or shown under a name made from its id; reading never throws (TREE-8).
 */
import * as Y from 'yjs';
import type { FileId } from '../core/ids.ts';
import { readBlobRef, type BlobRef } from './blobs.ts';
import { pathProblem } from './path.ts';
import { isRemoved } from './removal.ts';

export type FileKind = 'text' | 'binary' | 'folder';

/** A record as the tree understands it. */
export interface FileEntry {
  readonly id: FileId;
  readonly kind: FileKind;
  readonly path: string;
  readonly removed: boolean;
  readonly text?: Y.Text;
  readonly blob?: BlobRef;
}

const FILE_ID = /^[a-z2-7]{16}$/;

export function readRecord(id: string, record: unknown): FileEntry | undefined {
  if (!FILE_ID.test(id) || !(record instanceof Y.Map)) return undefined;
  const content = readContent(record);
  if (content === undefined) return undefined;
  const path: unknown = record.get('path');
  return {
    id: id as FileId,
    path: typeof path === 'string' && pathProblem(path) === undefined ? path : `unnamed-${id}`,
    removed: isRemoved(record.get('deletedAt'), content.text),
    ...content,
  };
}

function readContent(record: Y.Map<unknown>): Pick<FileEntry, 'kind' | 'text' | 'blob'> | undefined {
  switch (record.get('kind')) {
    case 'folder':
      return { kind: 'folder' };
    case 'text': {
      const text = record.get('text');
      // Not a subclass: a Y.XmlText would give its content as markup.
      return text instanceof Y.Text && text.constructor === Y.Text ? { kind: 'text', text } : undefined;
    }
    case 'binary': {
      const blob = readBlobRef(record.get('blob'));
      return blob && { kind: 'binary', blob };
    }
    default:
      return undefined;
  }
}
