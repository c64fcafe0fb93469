/** What the headers are for, seen in a real browser: the app page is isolated, and the sandbox document can do nothing but compute. */
import type { Browser, Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SANDBOX_FRAME_ALLOW, SANDBOX_FRAME_PATH } from '../app/lib/core/security-headers.ts';
import { hasBrowser, launchBrowser } from './testing/browser.ts';
import { SMALL_BUILD, startTestServer, type TestServer } from './testing/test-server.ts';

/** Evaluates what it is sent, as the real frame's broker does for a program's worker. */
const FRAME = `<!doctype html><script>
addEventListener('message', async ({ data }) => {
  const result = await (0, eval)(data).catch((cause) => 'refused: ' + cause.name);
  parent.postMessage({ result }, '*');
});
parent.postMessage('loaded', '*');
</script>`;

const PROBE = `try { probed = eval('"evaluated"'); } catch (cause) { probed = cause.name; }`;

describe.skipIf(!hasBrowser)('in Chromium', () => {
  let server: TestServer;
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    [server, browser] = await Promise.all([
      startTestServer({
        files: { ...SMALL_BUILD, 'sandbox/frame.html': FRAME, 'secret.txt': 'secret', 'probe.js': PROBE },
      }),
      launchBrowser(),
    ]);
    page = await browser.newPage();
    await page.goto(server.url);
  }, 20_000);
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  /** Runs `code`, an async function body, in a sandbox document embedded by the app page. */
  const inSandbox = (code: string): Promise<unknown> =>
    page.evaluate(
      ({ path, allow, body }) =>
        new Promise((resolve) => {
          const frame = document.createElement('iframe');
          frame.allow = allow;
          frame.src = path;
          addEventListener('message', function heard(event: MessageEvent<unknown>) {
            if (event.source !== frame.contentWindow) return;
            if (event.data === 'loaded')
              return frame.contentWindow?.postMessage(`(async () => { ${body} })()`, '*');
            removeEventListener('message', heard);
            frame.remove();
            resolve((event.data as { result: unknown }).result);
          });
          document.body.append(frame);
        }),
      { path: SANDBOX_FRAME_PATH, allow: SANDBOX_FRAME_ALLOW, body: code },
    );

  test('the app page is isolated, runs its own inline script and no other code from text', async () => {
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(await page.evaluate('globalThis.inlineRan')).toBe(true);
    expect(
      await page.evaluate(() => {
        const script = document.createElement('script');
        script.textContent = 'globalThis.injected = true';
        document.body.append(script);
        return 'injected' in globalThis;
      }),
    ).toBe(false);
    // In a script of the page's own: what a debugger evaluates is exempt from the policy.
    const evaluates = page.waitForFunction(() => (globalThis as { probed?: string }).probed);
    await page.addScriptTag({ url: '/probe.js' });
    expect(await (await evaluates).jsonValue()).toBe('EvalError');
  });

  test('the app page may compile WASM and open its own sockets, and no others', async () => {
    expect(
      await page.evaluate(async () => {
        const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
        await WebAssembly.instantiate(empty);
        return 'compiled';
      }),
    ).toBe('compiled');
    const opens = (url: string) =>
      page.evaluate(
        (address) =>
          new Promise((resolve) => {
            try {
              const socket = new WebSocket(address);
              socket.onopen = () => resolve('open');
              socket.onerror = () => resolve('refused');
            } catch {
              resolve('refused');
            }
          }),
        url,
      );
    expect(await opens(server.socketUrl('/relay'))).toBe('open');
    expect(await opens(server.socketUrl('/relay').replace('127.0.0.1', 'localhost'))).toBe('refused');
  });

  test('the sandbox has no origin, and has eval, WASM, workers and SharedArrayBuffer', async () => {
    expect(await inSandbox('return self.origin')).toBe('null');
    expect(await inSandbox('return [crossOriginIsolated, new SharedArrayBuffer(8).byteLength]')).toEqual([
      true,
      8,
    ]);
    const worker = `
      const source = 'postMessage([self.origin, crossOriginIsolated, Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)])';
      const worker = new Worker(URL.createObjectURL(new Blob([source])));
      return new Promise((done) => { worker.onmessage = (event) => done(event.data); worker.onerror = () => done('failed'); });`;
    expect(await inSandbox(worker)).toEqual(['null', true, 'timed-out']);
  });

  test.for([
    ['fetch of the app', "return (await fetch('/secret.txt')).text()", 'refused: TypeError'],
    ['storage', 'return localStorage.length', 'refused: SecurityError'],
    ['the page around it', 'return parent.document.title', 'refused: SecurityError'],
    ['a database', "indexedDB.open('x'); return 'opened'", 'refused: SecurityError'],
    ['a window', "return String(open('/'))", 'null'],
  ] as const)('the sandbox cannot reach %s', async ([, code, expected]) => {
    expect(await inSandbox(code)).toBe(expected);
  });

  test('the app cannot be embedded, not even by itself', async () => {
    const embedded = await page.evaluate(
      () =>
        new Promise((resolve) => {
          const frame = document.createElement('iframe');
          frame.src = '/';
          frame.onload = () => resolve(frame.contentDocument?.title ?? 'refused');
          document.body.append(frame);
        }),
    );
    expect(embedded).toBe('refused');
  });
});
