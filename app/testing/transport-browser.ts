/** Opens `transport-page.ts`, bundled, in a real Chromium beside a real server. */
import { existsSync } from 'node:fs';
import { chromium } from 'playwright';
import { build } from 'vite';
import { TransportServer } from './transport-server.ts';

const CHROMIUM_ARGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface TransportBrowser {
  /** Runs one case in the page; throws what it throws there. */
  run(name: string): Promise<void>;
  end(): Promise<void>;
}

/** Where Chromium is: CHROMIUM_PATH, else the system's, else Playwright's own. Undefined, with a printed reason, when none is there. */
export function findChromium(): string | undefined {
  const candidates = [process.env['CHROMIUM_PATH'], '/usr/bin/chromium', chromium.executablePath()];
  const found = candidates.find((path) => path !== undefined && path !== '' && existsSync(path));
  if (found === undefined)
    console.error(`No Chromium at ${candidates.filter(Boolean).join(', ')}: set CHROMIUM_PATH.`);
  return found;
}

export async function openTransportBrowser(
  executablePath: string,
  extraArgs: string[] = [],
): Promise<TransportBrowser> {
  const script = await bundlePage();
  const html = `<!doctype html><title>transport</title><script type="module">${script}</script>`;
  const server = new TransportServer();
  await server.start(html);
  const browser = await chromium.launch({ executablePath, args: [...CHROMIUM_ARGS, ...extraArgs] });
  const page = await browser.newPage();
  await page.exposeFunction('killServer', () => server.kill());
  await page.exposeFunction('startServer', () => server.start(html));
  await page.addInitScript((url) => (globalThis.signalUrl = url), server.url('/signal'));
  await page.goto(server.url('/'));
  await page.waitForFunction(() => 'runTransportCase' in globalThis);
  return {
    async run(name) {
      // The stack names addresses of the page, which mean nothing here.
      const failure = await page.evaluate(
        (case_) => runTransportCase(case_).then(() => undefined, String),
        name,
      );
      if (failure !== undefined) throw new Error(failure);
    },
    end: async () => {
      await browser.close();
      await server.kill();
    },
  };
}

let bundled: Promise<string> | undefined;

/** The page's script in one file. */
const bundlePage = (): Promise<string> =>
  (bundled ??= build({
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      minify: false,
      target: 'esnext',
      lib: {
        entry: new URL('./transport-page.ts', import.meta.url).pathname,
        formats: ['es'],
        fileName: 'page',
      },
      rolldownOptions: { output: { codeSplitting: false } },
    },
  }).then((result) => {
    const output = Array.isArray(result) ? result[0]?.output : 'output' in result ? result.output : undefined;
    const chunk = output?.find((part) => part.type === 'chunk');
    if (!chunk) throw new Error('nothing was bundled');
    return chunk.code.replaceAll('</script', '<\\/script');
  }));
