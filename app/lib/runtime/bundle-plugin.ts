/**
 * The Vite plugin behind `import url from './x.ts?sandbox'`: bundles the module and everything it imports into one classic
 * script and gives its URL. Sandbox code needs this because it starts from bytes, in a place that can fetch nothing; Vite's
 * own `?worker` leaves bare imports in during development. Runs in Node only.
 */
import { readFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { rolldown } from 'rolldown';
import type { Plugin } from 'vite';

const SUFFIX = '?sandbox';
const DEV_PREFIX = '/@sandbox/';
const BROWSER_TIMERS = path.join(import.meta.dirname, 'javascript/browser-timers.ts');

/** Serves `?sandbox` imports: from memory in development, as hashed assets in a build. */
export function sandboxBundlePlugin(): Plugin {
  let building = false;
  const entries = new Map<string, string>();
  return {
    name: 'sandbox-bundle',
    enforce: 'pre',
    configResolved(config) {
      building = config.command === 'build';
    },
    resolveId(source, importer) {
      if (!source.endsWith(SUFFIX) || importer === undefined) return undefined;
      const file = path.resolve(
        path.dirname(importer.split('?')[0] ?? importer),
        source.slice(0, -SUFFIX.length),
      );
      return file + SUFFIX;
    },
    async load(id) {
      if (!id.endsWith(SUFFIX)) return undefined;
      const entry = id.slice(0, -SUFFIX.length);
      const name = path.basename(entry).replace(/\.ts$/, '.js');
      if (!building) {
        entries.set(name, entry);
        return `export default ${JSON.stringify(DEV_PREFIX + name)}`;
      }
      const { code, inputs } = await bundled(entry);
      for (const input of inputs) this.addWatchFile(input);
      const reference = this.emitFile({ type: 'asset', name, source: code });
      return `export default import.meta.ROLLUP_FILE_URL_${reference}`;
    },
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const url = request.url ?? '';
        const entry = url.startsWith(DEV_PREFIX)
          ? entries.get(url.slice(DEV_PREFIX.length).split('?')[0] ?? '')
          : undefined;
        if (entry === undefined) return next();
        bundled(entry, false).then(({ code }) => {
          response.setHeader('content-type', 'text/javascript');
          response.end(code);
        }, next);
      });
    },
  };
}

interface Bundle {
  readonly code: string;
  readonly inputs: readonly string[];
}

/** Client and server builds of one process ask for the same bundles. */
const cache = new Map<string, Promise<Bundle>>();

/** One classic script with everything `entry` imports; cached for the life of the process unless `keep` is false. */
export function bundled(entry: string, keep = true): Promise<Bundle> {
  const known = keep ? cache.get(entry) : undefined;
  if (known) return known;
  const made = bundle(entry);
  if (keep) {
    cache.set(entry, made);
    made.catch(() => cache.delete(entry));
  }
  return made;
}

/**
 * `crypto` is three quarters of the worker it is bundled into, and few programs ask for it: its code travels as a string,
 * which a browser skips, and becomes code when the module is first required. What it imports it shares with the rest.
 */
const LATE = '@jspm/core/nodelibs/crypto';
const LATE_ID = '\0late:';

async function lateModule(file: string): Promise<string> {
  const shared: string[] = [];
  const build = await rolldown({
    input: file,
    platform: 'browser',
    logLevel: 'silent',
    plugins: [
      {
        name: 'shared-imports',
        resolveId(source, importer) {
          if (importer === undefined) return undefined;
          const index = shared.push(path.resolve(path.dirname(importer), source)) - 1;
          return { id: `shared-${index}`, external: true };
        },
      },
    ],
  });
  try {
    const { output } = await build.generate({ format: 'cjs', codeSplitting: false, minify: true });
    const { code, exports } = output[0];
    const given = shared.map((_, index) => `'shared-${index}': { ...shared${index}, __esModule: true }`);
    return [
      ...shared.map((module, index) => `import * as shared${index} from ${JSON.stringify(module)};`),
      `const given = { ${given.join(', ')} };`,
      `const made = {};`,
      `new Function('exports', 'require', ${JSON.stringify(code)})(made, (name) => given[name]);`,
      ...exports.map((name, index) => `const own${index} = made[${JSON.stringify(name)}];`),
      `export { ${exports.map((name, index) => `own${index} as ${name}`).join(', ')} };`,
    ].join('\n');
  } finally {
    await build.close();
  }
}

async function bundle(entry: string): Promise<Bundle> {
  const build = await rolldown({
    input: entry,
    platform: 'browser',
    logLevel: 'silent',
    transform: { define: { 'process.env.NODE_ENV': '"production"' } },
    plugins: [
      {
        name: 'node-builtins',
        resolveId(source, importer) {
          if (source === LATE)
            return this.resolve(source, import.meta.filename, { skipSelf: true }).then(
              (found) => found && LATE_ID + found.id,
            );
          const name = source.replace(/^node:/, '');
          if (importer?.includes('/pyodide/') && /^(node:|ws$)/.test(source))
            return { id: source, external: true };
          return isBuiltin(name)
            ? this.resolve(`@jspm/core/nodelibs/${name}`, import.meta.filename)
            : undefined;
        },
      },
      {
        // Go, in which esbuild is written, looks after its memory by timers; a program must not wait for those to end.
        name: 'bundler-timers',
        transform: {
          filter: { id: /\/esbuild-wasm\// },
          handler: (code) =>
            `import { browserTimers } from ${JSON.stringify(BROWSER_TIMERS)};const { setTimeout, clearTimeout } = browserTimers;\n${code}`,
        },
      },
      {
        name: 'late-modules',
        load: (id) => (id.startsWith(LATE_ID) ? lateModule(id.slice(LATE_ID.length)) : undefined),
      },
      {
        name: 'text-files',
        load: async (id) =>
          id.endsWith('.py') ? `export default ${JSON.stringify(await readFile(id, 'utf8'))}` : undefined,
      },
    ],
  });
  try {
    const { output } = await build.generate({ format: 'iife', codeSplitting: false, minify: true });
    return { code: output[0].code, inputs: output[0].moduleIds.filter((id) => path.isAbsolute(id)) };
  } finally {
    await build.close();
  }
}
