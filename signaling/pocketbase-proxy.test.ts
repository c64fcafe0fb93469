/** Each spelling that reached the superuser's login on a bare PocketBase, over bare sockets: `fetch` would tidy them up. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { passRule } from './pocketbase-proxy.ts';
import { startTestServer, type TestServer } from './testing/test-server.ts';

let upstream: Server;
let server: TestServer;
let behave: 'answer' | 'break' = 'answer';
const arrived: IncomingMessage[] = [];

beforeAll(async () => {
  upstream = createServer((request, response) => {
    arrived.push(request);
    if (behave === 'break') return void response.destroy();
    response.writeHead(200, {
      'content-type': 'application/json',
      'set-cookie': 'a=1',
      'access-control-allow-origin': '*',
    });
    response.end('{"code":200}');
  });
  await new Promise<void>((listening) => upstream.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  server = await startTestServer({ pocketbase: { kind: 'url', url } });
  await server.pocketbaseSettled;
});
afterAll(async () => {
  await server.close();
  upstream.close();
});
beforeEach(() => {
  behave = 'answer';
  arrived.length = 0;
});

const send = (method: string, target: string, headers = '', body = '') =>
  server.raw(`${method} ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}\r\n${body}`);
const statusOf = (answer: string) => Number(answer.slice(9, 12));

test('health passes, with our address and named headers only, and comes back without cookies or foreign CORS', async () => {
  const forged =
    'X-Real-IP: 127.0.0.9\r\nX-Forwarded-For: 1.2.3.4\r\nAuthorization: secret\r\nCookie: a=b\r\nAccept: application/json\r\n';
  const answer = await send('GET', '/pb/api/health', forged);
  expect(statusOf(answer)).toBe(200);
  expect(answer).toContain('{"code":200}');
  expect(answer).not.toMatch(/set-cookie|access-control-allow-origin/i);
  expect(arrived[0]?.url).toBe('/api/health');
  expect(arrived[0]?.headers).toMatchObject({ 'x-real-ip': '127.0.0.1', accept: 'application/json' });
  for (const name of ['authorization', 'cookie', 'x-forwarded-for'])
    expect(arrived[0]?.headers).not.toHaveProperty(name);
});

const LOGIN = '/api/collections/_superusers/auth-with-password';
test.for([
  LOGIN,
  LOGIN.replace('_superusers', 'pbc_3142635823'),
  LOGIN.replace('_superusers', '_SUPERUSERS'),
  LOGIN.replace('_superusers', '%5Fsuperusers'),
  LOGIN.replace('/api', '/%61pi'),
  `/${LOGIN}`,
  LOGIN.replace('/_', '//_'),
  LOGIN.replace('_superusers', 'users/../_superusers'),
  LOGIN.replace('_superusers', 'users%2f..%2f_superusers'),
  `${LOGIN}?x=1`,
  '/api/health/../collections/_superusers/auth-with-password',
  '/api/health?x=1',
  '/api/health/',
  '/api/./health',
  '/api//health',
  '/api/healt%68',
  '/API/health',
  '/api/health\\..\\settings',
  '/_/',
  '/%5F/',
  '/api/settings',
  '/api/sql',
  '/api/logs',
  '/api/backups',
  '/api/backups/x.zip?token=x',
  '/api/crons',
  '/api/batch',
  '/api/realtime',
  '/api/collections',
  '/api/collections/meta/scaffolds',
  '/api/collections/users/impersonate/x',
  '/api/collections/_otps/records',
  '/api/files/token',
  '/',
  '',
])('/pb%s passes in no method', async (path) => {
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'])
    expect([method, statusOf(await send(method, `/pb${path}`))]).toEqual([method, 404]);
  expect(arrived).toEqual([]);
});

test.for([
  'http://x/pb/api/health',
  'http://127.0.0.1/pb/api/settings',
  '//x/pb/api/health',
  'pb/api/health',
  '/PB/api/health',
  '/%70b/api/health',
  '/x/../pb/api/health',
])('the target %s is not ours to pass', async (target) => {
  expect(statusOf(await send('GET', target))).toBeGreaterThanOrEqual(400);
  expect(arrived).toEqual([]);
});

test('health in another method does not pass', () => {
  for (const method of ['POST', 'PUT', 'HEAD', 'get', 'CONNECT', ''])
    expect(passRule(method, '/pb/api/health')).toBeUndefined();
});

test.for([
  ['a claimed length', 'Content-Length: 5\r\n', 'hello'],
  ['chunks', 'Transfer-Encoding: chunked\r\n', '5\r\nhello\r\n0\r\n\r\n'],
])('a body where none is allowed is refused (%s)', async ([, headers = '', body = '']) => {
  expect(statusOf(await send('GET', '/pb/api/health', headers, body))).toBe(413);
  expect(arrived).toEqual([]);
});

test.for([
  ['two lengths', 'Content-Length: 0\r\nContent-Length: 50\r\n'],
  ['a length and chunks', 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n'],
  ['chunked, misspelt', 'Transfer-Encoding: xchunked\r\n'],
])('a smuggled second request never arrives (%s)', async ([, headers = '']) => {
  await send('GET', '/pb/api/health', headers, '0\r\n\r\nGET /pb/api/settings HTTP/1.1\r\nHost: x\r\n\r\n');
  expect(arrived.filter((request) => request.url !== '/api/health')).toEqual([]);
});

test('a PocketBase that breaks off is a 502, and the server goes on', async () => {
  behave = 'break';
  expect(statusOf(await send('GET', '/pb/api/health'))).toBe(502);
  behave = 'answer';
  expect(statusOf(await send('GET', '/pb/api/health'))).toBe(200);
});

test('with PocketBase off the way is closed with 503', async () => {
  const without = await startTestServer();
  expect(
    statusOf(await without.raw('GET /pb/api/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')),
  ).toBe(503);
  await without.close();
});
