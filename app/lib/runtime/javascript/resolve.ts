/** Where an import leads, by Node's rules and those of bundlers for TypeScript. Pure over a view of the files. */
import { exports as resolveExports, imports as resolveImports } from 'resolve.exports';
import { err, ok, type Result } from '../../core/result.ts';

export interface FileView {
  isFile(path: string): boolean;
  readText(path: string): string;
}

export type ImportKind = 'import' | 'require';

/** The message reads on after the name of the file that imports. */
export type Resolution = Result<string, string>;

const OWN_ENDINGS = ['.ts', '.tsx', '.mts', '.cts', '.js', '.mjs', '.cjs', '.jsx', '.json'];
/** Packages are published as JavaScript, sometimes with their sources beside it. */
const PACKAGE_ENDINGS = ['.js', '.cjs', '.mjs', '.json', '.ts', '.tsx', '.mts', '.cts', '.jsx'];

/** The absolute path of the file that `specifier` means in a file of `folder`. Node, "Modules: Packages" and "CommonJS modules". */
export function resolveModule(
  view: FileView,
  specifier: string,
  folder: string,
  kind: ImportKind,
): Resolution {
  const name = specifier.startsWith('file://') ? decodeURIComponent(new URL(specifier).pathname) : specifier;
  if (name.startsWith('/') || /^\.{1,2}(\/|$)/.test(name)) {
    const path = normalize(name.startsWith('/') ? name : `${folder}/${name}`);
    const file = asFile(view, path) ?? asFolder(view, path);
    return file === undefined ? err(`Cannot find module '${specifier}'`) : ok(file);
  }
  return name.startsWith('#') ? ownImport(view, name, folder, kind) : packageImport(view, name, folder, kind);
}

function ownImport(view: FileView, name: string, folder: string, kind: ImportKind): Resolution {
  for (const above of ancestors(folder)) {
    const manifest = readManifest(view, above);
    if (!manifest) continue;
    const targets = attempt(() => resolveImports(manifest, name, conditions(kind)) ?? undefined);
    return (
      firstTarget(view, above, targets) ??
      err(`Package import '${name}' is not defined in ${above}/package.json`)
    );
  }
  return err(`Package import '${name}' is not defined`);
}

function packageImport(view: FileView, name: string, folder: string, kind: ImportKind): Resolution {
  const [, packageName = '', subpath = ''] = /^((?:@[^/]+\/)?[^/]+)(\/.*)?$/.exec(name) ?? [];
  for (const above of ancestors(folder)) {
    const own = readManifest(view, above);
    const home =
      own?.['name'] === packageName && own['exports'] !== undefined
        ? above
        : `${above}/node_modules/${packageName}`;
    const manifest = home === above ? own : readManifest(view, home);
    if (manifest?.['exports'] !== undefined) {
      const targets = attempt(() => resolveExports(manifest, `.${subpath}`, conditions(kind)) ?? undefined);
      return (
        firstTarget(view, home, targets) ?? err(`'.${subpath}' is not exported by package '${packageName}'`)
      );
    }
    const found = asFile(view, home + subpath) ?? asFolder(view, home + subpath);
    if (found !== undefined && home !== above) return ok(found);
  }
  return err(
    `Cannot find package '${packageName}'. Programs have no network, so nothing is installed: add the package’s own files to the project and import them by path, or make the folder node_modules/${packageName} with them by hand`,
  );
}

const conditions = (kind: ImportKind): { require: boolean; conditions: string[] } => ({
  require: kind === 'require',
  conditions: ['node'],
});

function firstTarget(
  view: FileView,
  home: string,
  targets: readonly string[] | undefined,
): Resolution | undefined {
  for (const target of Array.isArray(targets) ? (targets as readonly string[]) : []) {
    const file = asFile(view, normalize(`${home}/${target}`));
    if (file !== undefined) return ok(file);
  }
  return undefined;
}

function asFile(view: FileView, path: string): string | undefined {
  if (view.isFile(path)) return path;
  const endings = path.includes('/node_modules/') ? PACKAGE_ENDINGS : OWN_ENDINGS;
  const added = endings.find((ending) => view.isFile(path + ending));
  if (added !== undefined) return path + added;
  // TypeScript imports './x.js' and means './x.ts'.
  const [, stem, letter] = /^(.*)\.([cm]?)jsx?$/.exec(path) ?? [];
  if (stem === undefined) return undefined;
  return [`${stem}.${letter ?? ''}ts`, `${stem}.tsx`].find((file) => view.isFile(file));
}

function asFolder(view: FileView, path: string): string | undefined {
  const main = readManifest(view, path)?.['main'];
  if (typeof main === 'string') {
    const target = normalize(`${path}/${main}`);
    const file = asFile(view, target) ?? asFile(view, `${target}/index`);
    if (file !== undefined) return file;
  }
  return asFile(view, `${path}/index`);
}

function readManifest(view: FileView, folder: string): Record<string, unknown> | undefined {
  const path = `${folder}/package.json`;
  if (!view.isFile(path)) return undefined;
  const manifest = attempt(() => JSON.parse(view.readText(path)) as unknown);
  return typeof manifest === 'object' && manifest !== null
    ? (manifest as Record<string, unknown>)
    : undefined;
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

function* ancestors(folder: string): Generator<string> {
  for (let at = folder; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) yield at;
}

/** An absolute path without '.' and '..'. */
export function normalize(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}
