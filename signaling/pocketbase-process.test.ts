import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startPocketBase, type PocketBase, type PocketBaseChoice } from './pocketbase-process.ts';
import { startTestServer, temporaryFolder } from './testing/test-server.ts';

// Real processes, sockets and browsers on a machine that may be busy: a limit against hanging, not a measurement.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** Stands in for the binary where the point is how a process dies: what it does is the script in STAND_IN. */
const STAND_IN = `#!${process.execPath}
const { createServer } = require('node:http');
const { appendFileSync } = require('node:fs');
appendFileSync(process.env.STARTS, process.pid + '\\n');
const port = process.argv.find((arg) => arg.startsWith('--http=')).split(':')[1];
if (process.env.MODE === 'refuse') { console.error('no such migration'); process.exit(1); }
if (process.env.MODE === 'stubborn') process.on('SIGTERM', () => {});
createServer((request, response) => response.end(JSON.stringify(process.argv.slice(2)))).listen(port, '127.0.0.1');
`;

let folder: string;
let binary: string;
let running: PocketBase | undefined;
beforeEach(async () => {
  folder = await temporaryFolder();
  binary = join(folder, 'stand-in.cjs');
  await writeFile(binary, STAND_IN);
  await chmod(binary, 0o755);
});
afterEach(async () => {
  await running?.close();
  running = undefined;
  await rm(folder, { recursive: true, force: true });
});

function choice(mode: string, overrides: { binary?: string; dataDir?: string } = {}): PocketBaseChoice {
  return {
    kind: 'embedded',
    binary: overrides.binary ?? binary,
    dataDir: overrides.dataDir ?? join(folder, 'data'),
    migrationsDir: join(folder, 'migrations'),
    hooksDir: join(folder, 'hooks'),
    environment: { STARTS: join(folder, 'starts'), MODE: mode, PB_KEY: 'k'.repeat(32) },
  };
}
function start(mode: string, overrides = {}) {
  const lines: string[] = [];
  const logger = pino(
    { level: 'info' },
    { write: (line) => void lines.push((JSON.parse(line) as { msg: string }).msg) },
  );
  running = startPocketBase(choice(mode, overrides), 'http://127.0.0.1:8420', logger);
  return { pocketbase: running, lines };
}
const starts = async () =>
  (await readFile(join(folder, 'starts'), 'utf8').catch(() => ''))
    .trim()
    .split('\n')
    .filter(Boolean)
    .map(Number);
const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('is up once its health answers, on loopback, with the flags that close it', async () => {
  const { pocketbase, lines } = start('good');
  await pocketbase.settled;
  expect(pocketbase.status).toBe('up');
  const flags = (await (await fetch(pocketbase.url() ?? '')).json()) as string[];
  expect(flags).toContain('--automigrate=false');
  expect(flags).toContain('--hooksWatch=false');
  expect(flags).toContain('--encryptionEnv=PB_KEY');
  expect(flags.join(' ')).toMatch(/^serve --http=127\.0\.0\.1:\d+ --origins=http:\/\/127\.0\.0\.1:8420 /);
  expect(lines).toEqual(['PocketBase is up']);
});

test('is started again when it dies, and is down in between', async () => {
  const { pocketbase, lines } = start('good');
  await pocketbase.settled;
  const [pid = 0] = await starts();
  process.kill(pid, 'SIGKILL');
  await expect.poll(() => pocketbase.status, { interval: 1, timeout: 20_000 }).toBe('down');
  expect(pocketbase.url()).toBeUndefined();
  await expect.poll(() => pocketbase.status, { timeout: 20_000 }).toBe('up');
  expect((await starts()).length).toBe(2);
  expect(lines[1]).toMatch(
    /^PocketBase ended \(.*\)\. Rooms work without it; starting it again in 0\.25 s\.$/,
  );
});

test('a start that fails is told in one line with its last words, and tried again ever later', async () => {
  const { pocketbase, lines } = start('refuse');
  await pocketbase.settled;
  expect(pocketbase.status).toBe('down');
  await expect.poll(() => lines.length, { timeout: 20_000 }).toBe(2);
  expect(lines[0]).toBe(
    'PocketBase ended (exit 1: no such migration). Rooms work without it; starting it again in 0.25 s.',
  );
  expect(lines[1]).toContain('starting it again in 0.5 s.');
});

test('a binary that is not there is a line in the log, not a fault', async () => {
  const { pocketbase, lines } = start('good', { binary: join(folder, 'nothing') });
  await pocketbase.settled;
  expect(pocketbase.status).toBe('down');
  expect(lines[0]).toContain('PocketBase ended');
});

test.runIf(process.platform === 'linux')(
  'a data folder that was taken away is told, and closing ends',
  async () => {
    // As where a volume was removed under the server: no folder can be made, and the system says there is none above it.
    const { pocketbase, lines } = start('good', { dataDir: '/proc/codeface/data' });
    await pocketbase.settled;
    expect(lines[0]).toMatch(/^PocketBase ended \(.*ENOENT.*\)\. Rooms work without it/);
    await pocketbase.close();
  },
);

test('closing ends it, even when it ignores SIGTERM', async () => {
  const { pocketbase } = start('stubborn');
  await pocketbase.settled;
  const url = pocketbase.url() ?? '';
  expect((await fetch(url)).status).toBe(200);
  await pocketbase.close();
  await expect(fetch(url)).rejects.toThrow();
});

test('closing while it starts leaves nothing behind', async () => {
  const { pocketbase } = start('good');
  await pocketbase.close();
  for (const pid of await starts()) await expect.poll(() => isAlive(pid)).toBe(false);
});

test('a server killed with -9 leaves no PocketBase behind', async () => {
  const script = `
    const { startPocketBase } = await import(${JSON.stringify(join(import.meta.dirname, 'pocketbase-process.ts'))});
    const { pino } = await import('pino');
    await startPocketBase(${JSON.stringify(choice('good'))}, 'http://127.0.0.1', pino({ level: 'silent' })).settled;
    console.log('up');
    setInterval(() => {}, 1e6);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: import.meta.dirname });
  await once(parent.stdout, 'data');
  const [pid = 0] = await starts();
  expect(isAlive(pid)).toBe(true);
  parent.kill('SIGKILL');
  await expect.poll(() => isAlive(pid), { timeout: 20_000 }).toBe(false);
});

const real = process.env['POCKETBASE_PATH'];
if (!real) console.log('The real PocketBase is not tested here: POCKETBASE_PATH names no binary.');
describe.skipIf(!real)('the real PocketBase', () => {
  test('comes up, answers through /pb, shows its login to nobody and ends with the server', async () => {
    const server = await startTestServer({ pocketbase: choice('real', { binary: real ?? '' }) });
    try {
      await server.pocketbaseSettled;
      const health = await fetch(`${server.url}/healthz`);
      expect(await health.json()).toMatchObject({ status: 'ok', pocketbase: 'up' });
      const answer = await fetch(`${server.url}/pb/api/health`);
      expect(await answer.json()).toMatchObject({ code: 200 });
      for (const path of ['/pb/_/', '/pb/api/collections/_superusers/auth-with-password', '/pb/api/settings'])
        expect((await fetch(server.url + path, { method: 'POST' })).status).toBe(404);
    } finally {
      await server.close();
    }
  });
});
