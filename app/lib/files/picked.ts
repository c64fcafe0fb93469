/** What a person picked or dropped, before anything of it is read. */

export type PickedFiles =
  /** From a file field; in a picked folder each has its `webkitRelativePath`. */
  | { readonly kind: 'files'; readonly files: readonly File[] }
  /** From a drop: entries outlive its event, the DataTransfer doesn't. */
  | { readonly kind: 'entries'; readonly entries: readonly FileSystemEntry[] };

/** What a drop holds, or undefined when that is no file (text, an image of another page); call it in the drop event itself. */
export function droppedFiles(dropped: DataTransfer): PickedFiles | undefined {
  const entries = [...dropped.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  if (entries.length > 0) return { kind: 'entries', entries };
  // Browsers that give no entries give the files at least.
  const files = [...dropped.files];
  return files.length > 0 ? { kind: 'files', files } : undefined;
}

/** From a file field, or from a drop; a drop without files is an empty pick. */
export const pickedOf = (picked: readonly File[] | DataTransfer): PickedFiles =>
  'items' in picked
    ? (droppedFiles(picked) ?? { kind: 'files', files: [] })
    : { kind: 'files', files: picked };
