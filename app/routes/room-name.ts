/** The name a room begins with. */
import type { PickedFiles } from '../lib/files/picked.ts';

export const UNTITLED = 'Untitled room';
/** As long as the top bar can show on a wide screen. */
const MAX_NAME_CHARACTERS = 60;

/** That of the one folder or zip it begins with; else "Untitled room". */
export function roomNameFor(picked: PickedFiles | undefined): string {
  const names = new Set(picked === undefined ? [] : topNames(picked));
  const [only] = names;
  if (only === undefined || names.size > 1) return UNTITLED;
  const name = [...only.replace(/\.zip$/i, '').trim()].slice(0, MAX_NAME_CHARACTERS).join('');
  return name === '' ? UNTITLED : name;
}

/** Names of folders and zips at the top of what was picked; a lone source file names nothing. */
function topNames(picked: PickedFiles): string[] {
  if (picked.kind === 'entries')
    return picked.entries
      .filter((entry) => entry.isDirectory || /\.zip$/i.test(entry.name))
      .map(({ name }) => name);
  return picked.files.flatMap((file) => {
    const [folder, ...inside] = file.webkitRelativePath.split('/');
    if (folder && inside.length > 0) return [folder];
    return /\.zip$/i.test(file.name) ? [file.name] : [];
  });
}
