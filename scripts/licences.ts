// Lists the licences of everything that CodeFace ships, in build/licences.txt, and refuses what MIT may not carry.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** Licences that allow shipping inside an MIT work. MPL-2.0 holds file by file: unchanged files with this notice are fine. */
const allowed = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MPL-2.0',
  'OFL-1.1',
  'Python-2.0',
  'Unicode-3.0',
  'Unlicense',
  'Zlib',
]);

/** Build tools by their place in package.json, yet part of their code runs in the browser. */
const bundledTools = ['svelte', '@sveltejs/kit', 'vite-plugin-pwa', 'workbox-window', 'workbox-build'];

const manifest = z.object({
  name: z.string(),
  version: z.string(),
  license: z.union([z.string(), z.object({ type: z.string() })]).optional(),
  dependencies: z.record(z.string(), z.string()).default({}),
});
type Manifest = z.infer<typeof manifest>;

export interface Shipped {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  /** The licence's own words, where the package carries them. */
  readonly text: string | undefined;
}

/** The production dependencies of the project at `root`, with all that they depend on, sorted by name. */
export function shippedPackages(root: string): Shipped[] {
  const found = new Map<string, Shipped>();
  const wanted = [...Object.keys(readManifest(root).dependencies), ...bundledTools];
  for (const name of wanted) visit(name, root, root, found, !bundledTools.includes(name));
  return [...found.values()].sort(
    (a, b) => a.name.localeCompare(b.name) || a.version.localeCompare(b.version),
  );
}

/** An SPDX expression is fine when one side of every OR, and all sides of every AND, is on the list. */
export function isAllowed(expression: string): boolean {
  const bare = expression.replace(/[()]/g, '').trim();
  return bare
    .split(/\s+OR\s+/i)
    .some((side) => side.split(/\s+AND\s+/i).every((id) => allowed.has(id.trim())));
}

function visit(name: string, from: string, root: string, found: Map<string, Shipped>, deep: boolean): void {
  const folder = resolvePackage(name, from, root);
  if (!folder || found.has(folder)) return; // an optional package for another platform is not installed, nor shipped
  const { version, license, dependencies } = readManifest(folder);
  const text = licenceText(folder);
  const licence = typeof license === 'string' ? license : (license?.type ?? namedIn(text) ?? 'none stated');
  found.set(folder, { name, version, licence, text });
  if (deep) for (const next of Object.keys(dependencies)) visit(next, folder, root, found, true);
}

/** Node's own lookup, by folder: many packages do not export their package.json. */
function resolvePackage(name: string, from: string, root: string): string | undefined {
  for (let folder = from; folder.startsWith(root); folder = join(folder, '..')) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
  }
  return undefined;
}

function readManifest(folder: string): Manifest {
  return manifest.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
}

function licenceText(folder: string): string | undefined {
  const file = readdirSync(folder).find((name) => /^(licen[cs]e|copying)(\.|$)/i.test(name));
  return file ? readFileSync(join(folder, file), 'utf8').trim() : undefined;
}

/** For packages that carry the licence but do not name it in package.json. */
function namedIn(text: string | undefined): string | undefined {
  return text && /^\W*(the )?MIT licen[cs]e/i.test(text) ? 'MIT' : undefined;
}

function page(packages: readonly Shipped[]): string {
  const rule = '-'.repeat(72);
  const entries = packages.map(({ name, version, licence, text }) =>
    [
      rule,
      `${name} ${version}: ${licence}`,
      '',
      text ?? '(the package names its licence and carries no text of it)',
    ].join('\n'),
  );
  const head = 'CodeFace is MIT licensed. It ships these works of others, each under its own licence.';
  return `${[head, ...entries].join('\n\n')}\n`;
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  const packages = shippedPackages(root);
  const refused = packages.filter(({ licence }) => !isAllowed(licence));
  for (const { name, version, licence } of refused) {
    console.error(`${name} ${version} is licensed "${licence}", which MIT may not ship.`);
  }
  writeFileSync(join(root, 'build', 'licences.txt'), page(packages));
  if (refused.length > 0) process.exitCode = 1;
}
