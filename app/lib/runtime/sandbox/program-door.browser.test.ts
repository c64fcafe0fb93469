/** The door a program comes through: nobody speaks through it afterwards, whatever became of the worker's end. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, openBed } from '../test-bed/test-bed.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await openBed();
});
afterAll(() => bed?.close());

/** A worker that is the enemy's from its first line, behind the app's and the frame's real code; `door` is its end. */
const worker = (body: string): string => `
const exit = (code) => postMessage({ kind: 'exit', code });
onmessage = ({ data: { kind, door, shared } }) => { if (kind === 'boot') { ${body} } };`;

/** Everything our own code would take from a frame, and what nobody would. */
const FORGED = `for (let i = 0; i < 5000; i++) {
  for (const said of [null, 'x', { kind: 'pong' }, { kind: 'started', run: 1 }, { kind: 'load-failed', message: 'x' }, new SharedArrayBuffer(1),
    { kind: 'batch', run: 1, ticket: 0, output: [[1, 'forged']], inputWanted: true, end: { kind: 'exit', code: 9 } }]) kept.postMessage(said);
}`;

test('the app has shut its end when the program arrives: what is said through it changes nothing', async () => {
  const source = worker(`globalThis.kept = door;
    door.onmessage = () => { ${FORGED} exit(7); };
    postMessage({ kind: 'booted' });`);
  const reports = await bed.hostile({ worker: source }, 2, { wallMs: 10_000 });
  const unhurt = { kind: 'exit', code: 7, output: '', asked: 0, broke: false };
  expect(reports).toEqual([unhurt, unhurt]);
});

test('what a program says before the frame has heard of its run belongs to that run', async () => {
  // The third worker is made, and speaks, while the second one's program runs.
  const source =
    worker(`postMessage({ kind: 'booted' }); postMessage(null); postMessage({ kind: 'want', by: 'message' });
    door.onmessage = () => setTimeout(() => exit(3), 500);`);
  const reports = await bed.hostile({ worker: source }, 3, { wallMs: 10_000 });
  const own = { kind: 'exit', code: 3, asked: 1, broke: false };
  expect(reports).toMatchObject([own, own, own]);
});

test('Stop ends a program that came through it, and a worker that holds on to it', async () => {
  const source = worker(`door.onmessage = () => { for (;;); }; postMessage({ kind: 'booted' });`);
  const reports = await bed.hostile({ worker: source }, 2, { wallMs: 200 });
  const ended = { kind: 'time-limit', limitMs: 200, output: '', asked: 0, broke: false };
  expect(reports).toEqual([ended, ended]);
});

/** Goes over all that can be reached from the global object, and up the calls that led here; counts the ports there are. */
const SEARCH = `(() => {
  const ports = new Set(), seen = new Set(), queue = [globalThis];
  const heard = [];
  for (const name of ['postMessage', 'start', 'close']) {
    const own = MessagePort.prototype[name];
    MessagePort.prototype[name] = function (...args) { heard.push(name); return own.apply(this, args); };
  }
  const callers = new Function('const found = []; let at = arguments.callee; for (let i = 0; i < 50; i++) { try { at = at.caller; if (!at) break; found.push(at, at.arguments); } catch { break; } } return found;');
  queue.push(...callers());
  while (queue.length > 0 && seen.size < 300000) {
    const value = queue.pop();
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) continue;
    seen.add(value);
    if (value instanceof MessagePort) ports.add(value);
    try { queue.push(Object.getPrototypeOf(value)); } catch {}
    if (ArrayBuffer.isView(value)) continue;
    if (value instanceof Map) for (const [key, held] of value) queue.push(key, held);
    if (value instanceof Set) queue.push(...value);
    let keys = [];
    try { keys = Reflect.ownKeys(value); } catch {}
    for (const key of keys) {
      try { const held = value[key]; if (held instanceof Promise) held.catch(() => {}); queue.push(held); } catch {}
      try { const { get, set } = Object.getOwnPropertyDescriptor(value, key); queue.push(get, set); } catch {}
    }
  }
  return JSON.stringify({ ports: ports.size, heard: heard.length, far: seen.size > 1000 });
})()`;

test.for([
  ['main.js', `console.log(${SEARCH})`],
  ['main.cjs', `console.log((0, eval)(${JSON.stringify(SEARCH)}))`],
  ['main.py', `import js\nprint(js.eval(${JSON.stringify(SEARCH)}))`],
])('a program in %s finds no port', async ([entry = '', source = '']) => {
  const report = await bed.run({ entry, files: { [entry]: source } });
  expect(JSON.parse(report.stdout)).toEqual({ ports: 0, heard: 0, far: true });
});
