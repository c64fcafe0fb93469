// Holds the landing and the room page to a size: the JavaScript that opening each loads, gzipped.
// What is fetched later, on a click or when idle (runtimes, languages, import and export), is not part of it.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { z } from 'zod';

interface Page {
  readonly name: string;
  /** Inside app/routes. */
  readonly source: string;
  readonly maxBytes: number;
  /** Modules that the page imports lazily and yet at once: they count. */
  readonly atOnce: readonly string[];
}

const KB = 1000;
const pages: readonly Page[] = [
  // A phone on a slow line shows it within two seconds.
  { name: 'landing', source: '+page.svelte', maxBytes: 60 * KB, atOnce: ['app/routes/recent-rooms.ts'] },
  // An editor, a CRDT and the cryptography; more would be felt when somebody opens a link on the way.
  {
    name: 'room',
    source: 'r/[roomId]/+page.svelte',
    maxBytes: 350 * KB,
    atOnce: ['app/lib/workspace/Room.svelte', 'app/lib/workspace/open-room.svelte.ts'],
  },
];

const chunk = z.object({
  file: z.string(),
  imports: z.array(z.string()).default([]),
});
const viteManifest = z.record(z.string(), chunk);
export type ViteManifest = z.infer<typeof viteManifest>;

/** The files that loading `entries` brings along, following static imports only. */
export function filesLoadedBy(entries: readonly string[], manifest: ViteManifest): Set<string> {
  const files = new Set<string>();
  const seen = new Set<string>();
  const open = [...entries];
  for (let key = open.pop(); key !== undefined; key = open.pop()) {
    if (seen.has(key)) continue;
    seen.add(key);
    const found = manifest[key];
    if (!found) throw new Error(`The build's manifest does not name ${key}.`);
    files.add(found.file);
    open.push(...found.imports);
  }
  return files;
}

/** Kit numbers its pages; the number of one is found by the source that its node names. */
function nodeOf(source: string, root: string): string | undefined {
  const generated = '.svelte-kit/generated/client-optimized/nodes';
  const nodes = globSync(`${generated}/*.js`, { cwd: root });
  return nodes.find((node) => readFileSync(join(root, node), 'utf8').includes(`/app/routes/${source}"`));
}

function measure(page: Page, manifest: ViteManifest, root: string, node: string): number {
  const generated = '.svelte-kit/generated/client-optimized';
  const start = Object.keys(manifest).filter((key) => key.endsWith('/runtime/client/entry.js'));
  const layout = `${generated}/nodes/0.js`;
  const files = filesLoadedBy([...start, `${generated}/app.js`, layout, node, ...page.atOnce], manifest);
  const sizes = [...files]
    .filter((file) => file.endsWith('.js'))
    .map((file) => gzipSync(readFileSync(join(root, 'build', file))).length);
  return sizes.reduce((sum, size) => sum + size, 0);
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  const manifestFile = join(root, '.svelte-kit/output/client/.vite/manifest.json');
  const manifest = viteManifest.parse(JSON.parse(readFileSync(manifestFile, 'utf8')));
  for (const page of pages) {
    if (!existsSync(join(root, 'app/routes', page.source))) {
      console.log(`${page.name}: no such page yet`);
      continue;
    }
    const node = nodeOf(page.source, root);
    if (!node) throw new Error(`The build holds no page made from app/routes/${page.source}.`);
    const bytes = measure(page, manifest, root, node);
    const kb = (value: number): string => `${(value / KB).toFixed(1)} KB`;
    const over = bytes > page.maxBytes;
    console.log(
      `${page.name}: ${kb(bytes)} of ${kb(page.maxBytes)} gzipped JavaScript${over ? ' — TOO LARGE' : ''}`,
    );
    if (over) process.exitCode = 1;
  }
}
