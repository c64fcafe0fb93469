/** What a drop on the page holds, taken while its event lasts: afterwards the browser empties it. */
import type { PickedFiles } from './hand-over.ts';

/** The dropped files and folders, or undefined when there are none (text, an image of another page). */
export function droppedFiles(event: Pick<DragEvent, 'dataTransfer'>): PickedFiles | undefined {
  const dropped = event.dataTransfer;
  if (dropped === null) return undefined;
  const entries = [...dropped.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  if (entries.length > 0) return { kind: 'entries', entries };
  const files = [...dropped.files];
  return files.length > 0 ? { kind: 'files', files } : undefined;
}
