/**
 * The way from `/pb/*` to PocketBase: an allow-list on the raw request target. A block-list fails, because PocketBase answers to many
 * spellings of one path (collection ids, upper case, escapes, absolute targets) and each of them reaches the superuser's login.
 */
import {
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import { dataHeaders } from '../app/lib/core/security-headers.ts';
import { POCKETBASE_TIMEOUT_MS } from './limits.ts';

interface PassRule {
  readonly method: 'GET';
  readonly path: RegExp;
  readonly maxBodyBytes: number;
}

/** Everything that passes. */
const ALLOWED: readonly PassRule[] = [{ method: 'GET', path: /^\/api\/health$/, maxBodyBytes: 0 }];

/** Request and answer headers that pass; X-Real-IP is always ours. */
const REQUEST_HEADERS = [
  'accept',
  'accept-language',
  'content-length',
  'content-type',
  'user-agent',
] as const;
const ANSWER_HEADERS = ['cache-control', 'content-length', 'content-type'] as const;

/** No `%`, no dot, no `?`, no empty segment: one spelling for each path. */
const PLAIN_PATH = /^\/pb(\/[A-Za-z0-9_-]+)+$/;

/** The rule and PocketBase path for a raw target, or undefined: not ours to pass. */
export function passRule(
  method: string,
  target: string,
): { readonly path: string; readonly maxBodyBytes: number } | undefined {
  if (!PLAIN_PATH.test(target)) return undefined;
  const path = target.slice('/pb'.length);
  const rule = ALLOWED.find((each) => each.method === method && each.path.test(path));
  return rule && { path, maxBodyBytes: rule.maxBodyBytes };
}

export interface ProxyTarget {
  /** PocketBase's address now, undefined while it is down or off. */
  url(): string | undefined;
}

/** Passes one request on, or refuses it with 404, 413, 502, 503 or 504 as `{status}`. `address` is the client's. */
export function proxyToPocketBase(
  target: ProxyTarget,
  address: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const rule = passRule(request.method ?? '', request.url ?? '');
  if (!rule) return refuse(response, 404);
  if (bodyTooLarge(request, rule.maxBodyBytes)) return refuse(response, 413);
  const base = target.url();
  if (base === undefined) return refuse(response, 503);

  const headers: OutgoingHttpHeaders = { 'x-real-ip': address };
  for (const name of REQUEST_HEADERS)
    if (request.headers[name] !== undefined) headers[name] = request.headers[name];
  const url = new URL(base.replace(/\/$/, '') + rule.path);
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const upstream = send(
    url,
    { method: request.method, headers, timeout: POCKETBASE_TIMEOUT_MS },
    (answer) => {
      const passed: OutgoingHttpHeaders = { ...dataHeaders() };
      for (const name of ANSWER_HEADERS)
        if (answer.headers[name] !== undefined) passed[name] = answer.headers[name];
      response.writeHead(answer.statusCode ?? 502, passed);
      answer.on('error', () => response.destroy());
      answer.pipe(response);
    },
  );
  upstream.on('timeout', () => {
    refuse(response, 504);
    upstream.destroy();
  });
  upstream.on('error', () => refuse(response, 502));
  response.on('close', () => upstream.destroy());
  pipeCapped(request, upstream, rule.maxBodyBytes, () => refuse(response, 413));
}

function bodyTooLarge(request: IncomingMessage, maxBytes: number): boolean {
  const chunked = request.headers['transfer-encoding'] !== undefined;
  return Number(request.headers['content-length'] ?? 0) > maxBytes || (chunked && maxBytes === 0);
}

/** Counts what really comes: a length header is only a claim. */
function pipeCapped(
  request: IncomingMessage,
  upstream: ReturnType<typeof httpRequest>,
  maxBytes: number,
  onTooLarge: () => void,
) {
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= maxBytes) return;
    onTooLarge();
    upstream.destroy();
    request.destroy();
  });
  request.pipe(upstream);
}

/** An answer already begun can only be cut. */
function refuse(response: ServerResponse, status: number): void {
  if (response.headersSent) return void (response.writableEnded || response.destroy());
  response
    .writeHead(status, {
      ...dataHeaders(),
      'content-type': 'application/json',
      'cache-control': 'no-store',
      connection: 'close',
    })
    .end(JSON.stringify({ status }));
}
