/**
 * Serves the built app. The table of files is made once at start, so a request path is only ever a key: nothing a client sends
 * reaches the file system. Precompressed siblings (`x.br`, `x.gz`) are sent to clients that take them.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import {
  dataHeaders,
  headersForPath,
  inlineScriptHashes,
  type Headers,
} from '../app/lib/core/security-headers.ts';

/** Pages that the client routes itself: they get the app's shell. Anything else that is no file is a 404. */
const PAGE_ROUTES = [/^\/r\/[^/]+\/?$/, /^\/rooms\/?$/, /^\/account\/?$/, /^\/docs(\/[^/]+)*\/?$/];
const SHELL = '/200.html';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
  '.zip': 'application/zip',
};

/** Names under here carry a hash of their content. */
const IMMUTABLE_PREFIX = '/_app/immutable/';
const YEAR_SECONDS = 31_536_000;

/** One read's worth while hashing. */
const READ_BYTES = 256 * 1024;

type Encoding = 'br' | 'gzip';
const ENCODINGS: readonly { readonly encoding: Encoding; readonly suffix: string }[] = [
  { encoding: 'br', suffix: '.br' },
  { encoding: 'gzip', suffix: '.gz' },
];

interface Variant {
  readonly file: string;
  readonly bytes: number;
}

interface StaticFile {
  readonly etag: string;
  readonly headers: Headers;
  readonly plain: Variant;
  readonly encoded: ReadonlyMap<Encoding, Variant>;
}

export interface StaticFiles {
  /** Answers any request: with a file, the shell, 304, 404 or 405. */
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/** Reads `buildDir` into a table. Throws ENOENT when there is no such folder. */
export async function staticFiles(buildDir: string): Promise<StaticFiles> {
  const files = await readTable(buildDir);
  return {
    async serve(request, response) {
      if (request.method !== 'GET' && request.method !== 'HEAD')
        return refuse(response, 405, 'Method not allowed', { allow: 'GET, HEAD' });
      const path = pathOf(request.url);
      if (path === undefined) return refuse(response, 400, 'Bad request');
      const file = find(files, path);
      if (file) return send(file, request, response);
      // Who typed an address reads a page; what asks for a file gets no page in its place.
      const shell = request.headers.accept?.includes('text/html') ? files.get(SHELL) : undefined;
      if (!shell) return refuse(response, 404, 'Not found');
      await send(shell, request, response, 404);
    },
  };
}

/** The decoded path of an origin-form target; undefined for every other form and for broken escapes. */
function pathOf(target = ''): string | undefined {
  if (!target.startsWith('/')) return undefined;
  try {
    return decodeURIComponent(target.split('?', 1)[0] ?? '');
  } catch {
    return undefined;
  }
}

function find(files: ReadonlyMap<string, StaticFile>, path: string): StaticFile | undefined {
  if (path === '/') return files.get('/index.html');
  const page = path.replace(/\/$/, '');
  const found = files.get(path) ?? files.get(`${page}.html`) ?? files.get(`${page}/index.html`);
  return found ?? (PAGE_ROUTES.some((route) => route.test(path)) ? files.get(SHELL) : undefined);
}

async function send(
  file: StaticFile,
  request: IncomingMessage,
  response: ServerResponse,
  status = 200,
): Promise<void> {
  const accepted = acceptedEncodings(request.headers['accept-encoding']);
  const encoding = ENCODINGS.find(
    (each) => accepted.has(each.encoding) && file.encoded.has(each.encoding),
  )?.encoding;
  const variant = (encoding && file.encoded.get(encoding)) ?? file.plain;
  const etag = encoding ? `"${file.etag}-${encoding}"` : `"${file.etag}"`;
  const headers: Record<string, string | number> = { ...file.headers, etag };
  if (file.encoded.size > 0) headers['vary'] = 'accept-encoding';
  if (status === 200 && matches(request.headers['if-none-match'], etag))
    return void response.writeHead(304, headers).end();
  if (encoding) headers['content-encoding'] = encoding;
  response.writeHead(status, { ...headers, 'content-length': variant.bytes });
  if (request.method === 'HEAD') return void response.end();
  try {
    await pipeline(createReadStream(variant.file), response);
  } catch {
    // The client left, or the build was replaced under us: the length no longer holds, so the connection is cut.
    response.destroy();
  }
}

function acceptedEncodings(header = ''): ReadonlySet<string> {
  const accepted = header.split(',').map((part) =>
    part
      .trim()
      .toLowerCase()
      .split(/\s*;\s*q=/),
  );
  return new Set(accepted.filter(([, q]) => Number(q ?? 1) > 0).map(([name = '']) => name));
}

const matches = (ifNoneMatch: string | undefined, etag: string): boolean =>
  ifNoneMatch?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag) ?? false;

function refuse(response: ServerResponse, status: number, words: string, extra: Headers = {}): void {
  response
    .writeHead(status, {
      ...dataHeaders(),
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      ...extra,
    })
    .end(`${words}\n`);
}

async function readTable(buildDir: string): Promise<ReadonlyMap<string, StaticFile>> {
  const entries = await readdir(buildDir, { recursive: true, withFileTypes: true });
  const names = new Set(
    entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)),
  );
  const table = new Map<string, StaticFile>();
  const buffer = new Uint8Array(READ_BYTES);
  for (const file of names) {
    if (ENCODINGS.some(({ suffix }) => file.endsWith(suffix) && names.has(file.slice(0, -suffix.length))))
      continue;
    const path = `/${relative(buildDir, file).split(sep).join('/')}`;
    table.set(path, await readEntry(path, file, names, buffer));
  }
  return table;
}

async function readEntry(
  path: string,
  file: string,
  names: ReadonlySet<string>,
  buffer: Uint8Array,
): Promise<StaticFile> {
  const encoded = new Map<Encoding, Variant>();
  for (const { encoding, suffix } of ENCODINGS)
    if (names.has(file + suffix))
      encoded.set(encoding, { file: file + suffix, bytes: (await stat(file + suffix)).size });
  const scripts = path.endsWith('.html') ? await inlineScriptHashes(await readFile(file, 'utf8')) : [];
  return {
    ...(await readContent(file, buffer)),
    headers: {
      ...headersForPath(path, scripts),
      'content-type': CONTENT_TYPES[extname(path)] ?? 'application/octet-stream',
      'cache-control': path.startsWith(IMMUTABLE_PREFIX)
        ? `public, max-age=${YEAR_SECONDS}, immutable`
        : 'no-cache',
    },
    encoded,
  };
}

/** Hashed through one small buffer: the runtimes are tens of megabytes, and nothing of them need be in memory. */
async function readContent(file: string, buffer: Uint8Array): Promise<Pick<StaticFile, 'etag' | 'plain'>> {
  const hash = createHash('sha256');
  await using handle = await open(file);
  let bytes = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    bytes += bytesRead;
  }
  return { etag: hash.digest('base64url').slice(0, 22), plain: { file, bytes } };
}
