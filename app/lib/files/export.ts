/** The project as a zip: every file byte-identical, under the name the tree shows, the same archive for the same content. */
import { Zip, ZipDeflate, ZipPassThrough } from 'fflate';
import type { Bytes } from '../core/bytes.ts';
import type { Project } from '../document/project.ts';

export interface Exported {
  readonly zip: Blob;
  /** Binary files whose content isn't here or isn't what it should be: left out, and to be said. */
  readonly missing: readonly string[];
}

/** The first time a zip can tell; fflate reads it in local time, so it is given in local time. */
const NO_TIME = new Date(1980, 0, 1);
/** So much is compressed in one go (about 20 ms), then the page may draw. */
const STRETCH_BYTES = 512 * 1024;

export async function exportZip(project: Project): Promise<Exported> {
  const parts: Bytes[] = [];
  const missing: string[] = [];
  const zip = new Zip((error, part) => {
    if (error !== null) throw error;
    parts.push(part);
  });
  const items = project.list();
  let stretch = 0;
  for (const { id, kind, path, shown } of items) {
    if (kind === 'folder') {
      if (items.some((item) => item.path.startsWith(`${path}/`))) continue;
      const folder = new ZipPassThrough(`${shown}/`);
      folder.mtime = NO_TIME;
      zip.add(folder);
      folder.push(new Uint8Array(), true);
      continue;
    }
    const content = project.bytes(id);
    if (!content.ok) {
      missing.push(shown);
      continue;
    }
    const file = new ZipDeflate(shown, { level: 6 });
    file.mtime = NO_TIME;
    zip.add(file);
    file.push(content.value, true);
    stretch += content.value.length;
    if (stretch >= STRETCH_BYTES) {
      stretch = 0;
      await new Promise((resolve) => setTimeout(resolve));
    }
  }
  zip.end();
  return { zip: new Blob(parts, { type: 'application/zip' }), missing };
}
