/** Turns a program's files into one ES module: TypeScript, JSX, CommonJS and packages, with a source map. */
import * as esbuild from 'esbuild-wasm/esm/browser.js';
import { type FileView, resolveModule } from './resolve.ts';

export type BundleResult =
  | { readonly ok: true; readonly code: string; readonly map: string }
  | { readonly ok: false; readonly message: string };

/** Where a bundle finds Node's own modules: `globalThis[BUILTINS_KEY][name]`. */
export const BUILTINS_KEY = '__nodeBuiltins';

const LOADERS: Readonly<Record<string, esbuild.Loader>> = {
  ts: 'ts',
  mts: 'ts',
  cts: 'ts',
  tsx: 'tsx',
  jsx: 'jsx',
  json: 'json',
  css: 'text',
  txt: 'text',
  md: 'text',
  html: 'text',
  sql: 'text',
  wasm: 'binary',
};

/** Starts esbuild; once per worker. */
export async function startBundler(module: WebAssembly.Module): Promise<void> {
  await esbuild.initialize({ wasmModule: module, worker: false });
}

/** Bundles the file at `entry` (absolute). `isBuiltin` names Node's modules, without `node:`. */
export async function bundleProgram(
  view: FileView & { readBytes(path: string): Uint8Array },
  entry: string,
  isBuiltin: (name: string) => boolean,
): Promise<BundleResult> {
  try {
    const built = await esbuild.build({
      entryPoints: [entry],
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'node',
      target: 'esnext',
      sourcemap: 'external',
      outfile: '/program.js',
      logLevel: 'silent',
      charset: 'utf8',
      tsconfigRaw: view.isFile('/project/tsconfig.json') ? view.readText('/project/tsconfig.json') : '{}',
      define: {
        'import.meta.url': META.url,
        'import.meta.filename': META.filename,
        'import.meta.dirname': META.dirname,
      },
      plugins: [programFiles(view, isBuiltin)],
    });
    const file = (ending: string): string =>
      built.outputFiles.find((output) => output.path.endsWith(ending))?.text ?? '';
    return { ok: true, code: file('.js'), map: file('.map') };
  } catch (error) {
    return { ok: false, message: await describe(error) };
  }
}

/** Names a file's own `import.meta` parts get when it is bundled. */
const META = { url: '__fileUrl', filename: '__filename', dirname: '__dirname' } as const;

function programFiles(
  view: FileView & { readBytes(path: string): Uint8Array },
  isBuiltin: (name: string) => boolean,
): esbuild.Plugin {
  return {
    name: 'program-files',
    setup(build) {
      build.onResolve({ filter: /.*/ }, ({ path, resolveDir, kind, importer }) => {
        if (kind === 'entry-point') return { path, namespace: 'file' };
        const name = path.replace(/^node:/, '');
        if (isBuiltin(name)) return { path: name, namespace: 'builtin', sideEffects: false };
        if (path.startsWith('node:'))
          return { errors: [{ text: `Node's '${name}' is not available in the browser` }] };
        if (path.startsWith('data:')) return { path, external: true };
        const found = resolveModule(
          view,
          path,
          resolveDir,
          kind.startsWith('require') ? 'require' : 'import',
        );
        if (found.ok) return { path: found.value, namespace: 'file' };
        // Optional dependencies are required inside try blocks; such a require fails when it runs.
        if (kind === 'require-call' && importer.includes('/node_modules/')) return { path, external: true };
        return { errors: [{ text: found.error }] };
      });
      build.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
        contents: `module.exports = globalThis[${JSON.stringify(BUILTINS_KEY)}][${JSON.stringify(path)}]`,
        loader: 'js',
      }));
      build.onLoad({ filter: /.*/, namespace: 'file' }, ({ path }) => {
        const resolveDir = path.slice(0, path.lastIndexOf('/')) || '/';
        const ending = path.slice(path.lastIndexOf('.') + 1).toLowerCase();
        const loader = LOADERS[ending] ?? 'js';
        if (loader === 'binary') return { contents: view.readBytes(path), loader, resolveDir };
        const source = view.readText(path);
        return {
          contents: loader === 'json' || loader === 'text' ? source : withOwnNames(source, path),
          loader,
          resolveDir,
        };
      });
    },
  };
}

/** The file's name in the variables Node gives it, on the first line so that line numbers stay. */
function withOwnNames(source: string, path: string): string {
  const values = {
    __fileUrl: `file://${encodeURI(path)}`,
    __filename: path,
    __dirname: path.slice(0, path.lastIndexOf('/')) || '/',
  };
  const used = {
    __fileUrl: /\bimport\.meta\.url\b/,
    __filename: /\b__filename\b|\bimport\.meta\.filename\b/,
    __dirname: /\b__dirname\b|\bimport\.meta\.dirname\b/,
  };
  const names = (Object.keys(values) as (keyof typeof values)[]).filter(
    (name) =>
      used[name].test(source) && !new RegExp(`\\b(?:const|let|var|function)\\s+${name}\\b`).test(source),
  );
  if (names.length === 0) return source;
  const declared = `var ${names.map((name) => `${name}=${JSON.stringify(values[name])}`).join(',')};`;
  const rest = source.startsWith('#!') ? `//${source}` : source;
  // A directive must stay first; ES modules are strict anyway.
  return /^\s*(['"])use strict\1/.test(rest) ? `"use strict";${declared}${rest}` : declared + rest;
}

async function describe(error: unknown): Promise<string> {
  const errors = (error as { errors?: esbuild.Message[] }).errors;
  if (!Array.isArray(errors)) return `${String(error)}\n`;
  const plain = errors.map((message) => ({
    ...message,
    location: message.location && { ...message.location, file: message.location.file.replace(/^file:/, '') },
  }));
  return (await esbuild.formatMessages(plain, { kind: 'error', color: false })).join('');
}
