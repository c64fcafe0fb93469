/** What a person picked or dropped, before anything of it is read. */

export type PickedFiles =
  /** From a file field; in a picked folder each has its `webkitRelativePath`. */
  | { readonly kind: 'files'; readonly files: readonly File[] }
  /** From a drop: entries outlive its event, the DataTransfer doesn't. */
  | { readonly kind: 'entries'; readonly entries: readonly FileSystemEntry[] };

/** Takes a drop's entries; call it in the drop event itself. */
export function pickedOf(picked: readonly File[] | DataTransfer): PickedFiles {
  if (!('items' in picked)) return { kind: 'files', files: picked };
  const entries = [...picked.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  return entries.length > 0 ? { kind: 'entries', entries } : { kind: 'files', files: [...picked.files] };
}
