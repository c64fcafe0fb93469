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
          const name = source.replace(/^node:/, '');
          if (importer?.includes('/pyodide/') && /^(node:|ws$)/.test(source))
            return { id: source, external: true };
          return isBuiltin(name)
            ? this.resolve(`@jspm/core/nodelibs/${name}`, import.meta.filename)
            : undefined;
        },
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
