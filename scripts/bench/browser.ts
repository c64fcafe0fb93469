// Where the benchmarks run: the bench page, bundled from the app's own modules, served by the real server, opened in a
// real Chromium with a profile on disk (without one IndexedDB would be in memory), each peer on a site and so in a
// process of its own.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { chromium, type BrowserContext, type Page } from '@playwright/test';
import { pino } from 'pino';
import { build } from 'vite';
import { sandboxBundlePlugin } from '../../app/lib/runtime/bundle-plugin.ts';
import { startServer, type RunningServer } from '../../signaling/http.ts';
import { findBrowser } from '../setup/browser.ts';
import { Endings } from './endings.ts';
import type { BenchDoor } from './page/door.ts';

const root = join(import.meta.dirname, '../..');

const quietArgs = [
  '--no-first-run',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Only one tab is in front; the others are people at other machines, whose tabs are too.
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
  // Peers on one machine need no mDNS to find each other.
  '--disable-features=WebRtcHideLocalIpsWithMdns',
];

/** Names are kept where profiles are to be read. */
export interface BenchOptions {
  readonly profiling: boolean;
}

/** A Chromium and a server of the bench page's own. */
export interface Bench {
  readonly version: string;
  /** The bench page on a site that nothing has used: a process, a store and a cache of its own. */
  openSite(): Promise<Page>;
  /** Processes that draw pages now. */
  countRenderers(): Promise<number>;
  close(): Promise<void>;
}

/** `files`: further files to serve, by path. */
export async function openBench(
  { profiling }: BenchOptions,
  files: ReadonlyMap<string, Uint8Array> = new Map(),
): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'codeface-bench-'));
  const endings = new Endings();
  endings.add(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  try {
    const buildDir = join(folder, 'app');
    await bundlePage(buildDir, profiling);
    for (const [path, bytes] of files) {
      mkdirSync(dirname(join(buildDir, path)), { recursive: true });
      writeFileSync(join(buildDir, path), bytes);
    }
    const server = await serve(buildDir);
    endings.add(() => server.close());
    const browser = await launchBrowser(join(folder, 'profile'));
    endings.add(() => browser.close());
    let sites = 0;
    return {
      version: browser.browser()?.version() ?? 'unknown version',
      openSite: () => openPage(browser, `http://peer-${++sites}.localhost:${server.port}/`),
      countRenderers: () => countRenderers(browser),
      close: () => endings.run(),
    };
  } catch (error) {
    await endings.run();
    throw error;
  }
}

/** Calls into the bench page. */
export function call<Name extends keyof BenchDoor>(
  page: Page,
  name: Name,
  ...args: Parameters<BenchDoor[Name]>
): Promise<Awaited<ReturnType<BenchDoor[Name]>>> {
  const invoke = ([method, given]: [string, unknown[]]): unknown =>
    (globalThis as unknown as { bench: Record<string, (...all: unknown[]) => unknown> }).bench[method]?.(
      ...given,
    );
  return page.evaluate(invoke, [name, args] as [string, unknown[]]) as Promise<
    Awaited<ReturnType<BenchDoor[Name]>>
  >;
}

/** A browser with that profile, relative addresses under `baseURL`. Throws when the machine has none. */
export async function launchBrowser(profile: string, baseURL?: string): Promise<BrowserContext> {
  const found = await findBrowser(process.env, (line) => console.error(line));
  if (found === undefined) throw new Error('The benchmarks need Chromium: name one in CHROMIUM_PATH.');
  return chromium.launchPersistentContext(profile, {
    executablePath: found.path,
    // A browser refuses its own sandbox to root, as which containers and CI run.
    chromiumSandbox: process.getuid?.() !== 0,
    args: quietArgs,
    // endings.ts closes it.
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
    ...(baseURL !== undefined && { baseURL }),
  });
}

async function openPage(browser: BrowserContext, url: string): Promise<Page> {
  const page = await browser.newPage();
  page.on('pageerror', (error) => console.error(`in the page: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') console.error(`in the page: ${message.text()}`);
  });
  await page.goto(url);
  await waitForDoor(page);
  return page;
}

/** After a navigation: the page's script has run. */
export async function waitForDoor(page: Page): Promise<void> {
  await page.waitForFunction(() => 'bench' in globalThis);
}

async function countRenderers(browser: BrowserContext): Promise<number> {
  const [page] = browser.pages();
  if (page === undefined) return 0;
  const session = await page.context().browser()?.newBrowserCDPSession();
  const info = await session?.send('SystemInfo.getProcessInfo');
  await session?.detach();
  return info?.processInfo.filter(({ type }) => type === 'renderer').length ?? 0;
}

function serve(buildDir: string): Promise<RunningServer> {
  return startServer({
    host: '127.0.0.1',
    port: 0,
    buildDir,
    pocketbase: { kind: 'off' },
    logger: pino({ level: 'silent' }),
  });
}

async function bundlePage(outDir: string, profiling: boolean): Promise<void> {
  await build({
    configFile: false,
    root: join(import.meta.dirname, 'page'),
    publicDir: join(root, 'static'),
    logLevel: 'error',
    plugins: [sandboxBundlePlugin()],
    worker: { format: 'es' },
    build: {
      outDir,
      target: 'esnext',
      minify: !profiling,
      assetsInlineLimit: 0,
      assetsDir: '_app/immutable',
      reportCompressedSize: false,
    },
  });
  // The opponent of our Python, as its package ships it, cached as ours is.
  cpSync(join(root, 'node_modules/pyodide'), join(outDir, '_app/immutable/pyodide'), { recursive: true });
}
