/** `require` of a name that is only known while the program runs: CommonJS and JSON, from the program's files. */
import { type FileView, resolveModule } from './resolve.ts';

interface Context {
  readonly view: FileView;
  readonly table: Readonly<Record<string, unknown>>;
  readonly folder: string;
  readonly loaded?: Map<string, { exports: unknown }>;
}

/** A `require` for files of `folder`. Throws as Node does, with code MODULE_NOT_FOUND. */
export function loadCommonJs({
  view,
  table,
  folder,
  loaded = new Map(),
}: Context): (specifier: string) => unknown {
  const find = (specifier: string): string => {
    const found = resolveModule(view, specifier, folder, 'require');
    if (found.ok) return found.value;
    throw Object.assign(new Error(found.error), { code: 'MODULE_NOT_FOUND' });
  };
  const load = (specifier: string): unknown => {
    const name = specifier.replace(/^node:/, '');
    if (name in table) return table[name];
    const path = find(specifier);
    const known = loaded.get(path);
    if (known) return known.exports;
    const module = { exports: {} as unknown };
    loaded.set(path, module);
    const source = view.readText(path);
    if (path.endsWith('.json')) return (module.exports = JSON.parse(source) as unknown);
    const inner = path.slice(0, path.lastIndexOf('/')) || '/';
    // The program's own code, in its own sandbox: this is what runs it.
    // eslint-disable-next-line @typescript-eslint/no-implied-eval
    const body = new Function(
      'exports',
      'require',
      'module',
      '__filename',
      '__dirname',
      `${source}\n//# sourceURL=${path}`,
    ) as (...names: unknown[]) => void;
    body(module.exports, loadCommonJs({ view, table, folder: inner, loaded }), module, path, inner);
    return module.exports;
  };
  return Object.assign(load, { resolve: find, cache: {}, main: undefined });
}
