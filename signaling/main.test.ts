/** The process as a person at a terminal meets it. */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { serverFolder, serverProcess } from './testing/server-process.ts';
import { joinedClient, newTopic } from './testing/socket-client.ts';

// Real processes, sockets and browsers on a machine that may be busy: a limit against hanging, not a measurement.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let folder: string;
beforeAll(async () => {
  folder = await serverFolder();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (...args: string[]) => serverProcess(folder, ...args);

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  test('ends the process with 0 within 3 s, and open sockets with 1001', async () => {
    const { child, ready, ended } = run('--port', '0');
    const url = await ready();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const client = await joinedClient(`${url.replace('http', 'ws')}/relay`, await newTopic());
    await fetch(`${url}/r/aaaa?secret=in-the-query`);
    const began = performance.now();
    child.kill(signal);
    expect((await client.closed).code).toBe(1001);
    const { code, errors } = await ended;
    expect([code, errors]).toEqual([0, '']);
    expect(performance.now() - began).toBeLessThan(3_000);
  });
});

test('a port in use, an unknown flag and an open address are one sentence and exit 1', async () => {
  const other = createServer();
  await new Promise<void>((listening) => other.listen(0, '127.0.0.1', listening));
  const taken = String((other.address() as AddressInfo).port);
  const endings = await Promise.all([
    run('--port', taken).ended,
    run('--prot', '1').ended,
    run('--host', '0.0.0.0').ended,
  ]);
  other.close();
  for (const { code, out, errors } of endings) {
    expect([code, out]).toEqual([1, '']);
    expect(errors).toMatch(/^[^\n]+[.]\n$/);
  }
  expect(endings[0]?.errors).toBe(
    `Port ${taken} on 127.0.0.1 is in use; stop what uses it, or choose another with --port.\n`,
  );
});
