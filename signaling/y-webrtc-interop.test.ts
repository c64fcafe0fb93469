/** Two stock y-webrtc clients meet through our `/signal` and nothing else of ours. */
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright';
import { build, type Rollup } from 'vite';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { hasBrowser, launchBrowser } from './testing/browser.ts';
import { startTestServer, temporaryFolder, type TestServer } from './testing/test-server.ts';

// Real processes, sockets and browsers on a machine that may be busy: a limit against hanging, not a measurement.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** The page: a stock provider and a text. Tabs of one browser are kept apart, so that only WebRTC can carry an edit. */
const CLIENT = `
import * as Y from 'yjs';
import { WebrtcProvider } from 'y-webrtc';
globalThis.enter = (room, password) => {
  const doc = new Y.Doc();
  const signaling = [location.origin.replace('http', 'ws') + '/signal'];
  const provider = new WebrtcProvider(room, doc, { signaling, password, filterBcConns: false, peerOpts: { config: { iceServers: [] } } });
  globalThis.text = doc.getText('text');
  globalThis.entered = () => provider.room !== null && provider.signalingConns.every((conn) => conn.connected);
};`;

async function bundle(): Promise<string> {
  const root = await temporaryFolder();
  await symlink(join(import.meta.dirname, '..', 'node_modules'), join(root, 'node_modules'));
  await mkdir(join(root, 'page'));
  await writeFile(join(root, 'page', 'client.js'), CLIENT);
  const output = (await build({
    root,
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      minify: false,
      rollupOptions: { input: join(root, 'page', 'client.js') },
      modulePreload: false,
    },
  })) as Rollup.RollupOutput;
  await rm(root, { recursive: true });
  return output.output[0].code;
}

describe.skipIf(!hasBrowser)('stock y-webrtc clients', () => {
  let server: TestServer;
  let browser: Browser;
  beforeAll(async () => {
    const files = {
      'index.html': '<!doctype html><script type="module" src="/client.js"></script>',
      'client.js': await bundle(),
    };
    [server, browser] = await Promise.all([startTestServer({ files }), launchBrowser()]);
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  test.for([
    ['without a password', undefined],
    ['with a password', 'between us'],
  ] as const)('sync with each other through our /signal, %s', async ([room, password]) => {
    // One after the other: when both announce at once, the client's own settling of who calls whom sometimes fails.
    const enter = async () => {
      const page = await (await browser.newContext()).newPage();
      await page.goto(server.url);
      await page.waitForFunction(() => 'enter' in globalThis);
      await page.evaluate(`enter(${JSON.stringify(room)}, ${JSON.stringify(password)})`);
      await expect.poll(() => page.evaluate('entered()'), { timeout: 30_000 }).toBe(true);
      return page;
    };
    const [one, two] = [await enter(), await enter()];
    await one.evaluate(`text.insert(0, 'hello from one')`);
    await expect.poll(() => two.evaluate('text.toString()'), { timeout: 30_000 }).toBe('hello from one');
    await two.evaluate(`text.insert(text.length, ', and two')`);
    await expect
      .poll(() => one.evaluate('text.toString()'), { timeout: 30_000 })
      .toBe('hello from one, and two');
    for (const page of [one, two]) await page.context().close();
  });
});
