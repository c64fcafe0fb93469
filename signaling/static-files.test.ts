import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SANDBOX_CSP, SANDBOX_FRAME_PATH } from '../app/lib/core/security-headers.ts';
import { SMALL_BUILD, startTestServer, type TestServer } from './testing/test-server.ts';

const files = {
  ...SMALL_BUILD,
  'docs.html': '<title>Docs</title>',
  'app.js': 'export {};',
  'app.js.br': 'brotli bytes',
  'app.js.gz': 'gzip bytes',
  '_app/immutable/a b.wasm': new Uint8Array([0, 0x61, 0x73, 0x6d]),
  'service-worker.js': '// worker',
  'manifest.webmanifest': '{}',
  'sandbox/frame.html': '<script>1</script>',
};

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ files });
});
afterAll(() => server.close());
const get = (path: string, init?: RequestInit) => fetch(server.url + path, init);

describe('pages', () => {
  test.for(['/r/abc234', '/rooms', '/account', '/rooms/'])('%s is the shell', async (path) => {
    const answer = await get(path);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('<title>Shell</title>');
    expect(answer.headers.get('cache-control')).toBe('no-cache');
  });

  test.for([
    ['/', 'Landing'],
    ['/?utm=1', 'Landing'],
    ['/docs', 'Docs'],
    ['/docs/anything', 'Shell'],
  ] as const)('%s is %s', async ([path, title]) => {
    expect(await (await get(path)).text()).toContain(`<title>${title}</title>`);
  });

  test.for([
    '/nothing',
    '/r',
    '/r/',
    '/r/a/b',
    '/rooms.php',
    '/_app/immutable/gone.js',
    '/.env',
    '/__proto__',
    '/constructor',
  ])('%s is a plain 404', async (path) => {
    const answer = await get(path);
    expect([answer.status, await answer.text()]).toEqual([404, 'Not found\n']);
  });

  test('who types an address that leads nowhere reads a page, with the status of one that is not there', async () => {
    const headers = { accept: 'text/html,application/xhtml+xml;q=0.9' };
    for (const path of ['/nope', '/r/']) {
      const answer = await get(path, { headers });
      expect([answer.status, await answer.text()]).toEqual([
        404,
        expect.stringContaining('<title>Shell</title>'),
      ]);
    }
  });
});

describe('headers', () => {
  test('a page allows its own inline scripts by hash, and no others', async () => {
    const csp = (await get('/')).headers.get('content-security-policy') ?? '';
    const hash = createHash('sha256').update('globalThis.inlineRan = true;').digest('base64');
    expect(csp).toContain(`script-src 'self' 'wasm-unsafe-eval' 'sha256-${hash}';`);
    expect(csp).not.toMatch(/script-src[^;]*'unsafe-(inline|eval)'/);
    expect((await get('/rooms')).headers.get('content-security-policy')).not.toContain('sha256');
  });

  test('every file is isolated and is what its type says', async () => {
    for (const path of ['/', '/app.js', '/_app/immutable/a%20b.wasm', '/service-worker.js']) {
      const { headers } = await get(path);
      expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
      expect(headers.get('cross-origin-embedder-policy')).toBe('require-corp');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
    }
    expect((await get('/_app/immutable/a%20b.wasm')).headers.get('content-type')).toBe('application/wasm');
    expect((await get('/manifest.webmanifest')).headers.get('content-type')).toBe(
      'application/manifest+json',
    );
  });

  test('the sandbox document has its own policy, and can be embedded by an isolated page', async () => {
    const { headers } = await get(SANDBOX_FRAME_PATH);
    expect(headers.get('content-security-policy')).toBe(SANDBOX_CSP);
    expect(headers.get('cross-origin-embedder-policy')).toBe('require-corp');
    expect(headers.get('cross-origin-resource-policy')).toBe('cross-origin');
  });

  test('only hashed names are kept for ever', async () => {
    expect((await get('/_app/immutable/a%20b.wasm')).headers.get('cache-control')).toContain('immutable');
    expect((await get('/service-worker.js')).headers.get('cache-control')).toBe('no-cache');
  });
});

describe('conditions', () => {
  test('an ETag that still holds is answered with 304 and no body', async () => {
    const etag = (await get('/app.js')).headers.get('etag') ?? '';
    for (const tag of [etag, `W/${etag}`, `"other", ${etag}`])
      expect((await get('/app.js', { headers: { 'if-none-match': tag } })).status).toBe(304);
    expect((await get('/app.js', { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
  });

  test.for([
    ['br, gzip', 'br', 'brotli bytes'],
    ['gzip;q=0.5, br;q=0', 'gzip', 'gzip bytes'],
    ['identity', null, 'export {};'],
  ] as const)('Accept-Encoding: %s', async ([accept, encoding, body]) => {
    const answer = await server.raw(
      `GET /app.js HTTP/1.1\r\nHost: x\r\nAccept-Encoding: ${accept}\r\nConnection: close\r\n\r\n`,
    );
    expect(/^content-encoding: (.*)\r$/m.exec(answer)?.[1] ?? null).toBe(encoding);
    expect(answer.endsWith(`\r\n\r\n${body}`)).toBe(true);
    expect(answer).toContain('vary: accept-encoding');
  });

  test('HEAD has the headers of GET and no body', async () => {
    const head = await get('/app.js', { method: 'HEAD', headers: { 'accept-encoding': 'identity' } });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '10', '']);
  });

  test.for(['POST', 'PUT', 'DELETE', 'PATCH'])('%s is not allowed', async (method) => {
    const answer = await get('/', { method });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });
});

test.for([
  '/../package.json',
  '/..%2fpackage.json',
  '/%2e%2e/package.json',
  '/_app/../../package.json',
  '/..\\package.json',
  '//etc/passwd',
  '/etc/passwd%00.html',
  '/%c0%ae%c0%ae/package.json',
  '/%',
  'http://x/app.js',
  '*',
])('%s reaches no file', async (target) => {
  const answer = await server.raw(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 40[04] /);
});
