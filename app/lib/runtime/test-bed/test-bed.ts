/** Builds the test page, serves it as the app is served, opens it in a real Chromium; and a server that must hear nothing. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { Readable } from 'node:stream';
import path from 'node:path';
import { chromium, type Browser, type Page } from 'playwright';
import { build } from 'vite';
import { WebSocketServer } from 'ws';
import { type Headers, headersForPath, SANDBOX_FRAME_PATH } from '../../core/security-headers.ts';
import type { RunLimits } from '../limits.ts';
import { sandboxBundlePlugin } from '../bundle-plugin.ts';
import type { HostileParts, HostileReport, ProgramReport, ProgramRequest, TestBed } from './page.ts';

const HERE = import.meta.dirname;
const FRAME_FILE = path.resolve(HERE, '../../../../static/sandbox/frame.html');
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
};

export interface Bed {
  readonly origin: string;
  readonly page: Page;
  readonly browser: Browser;
  run(request: ProgramRequest, page?: Page): Promise<ProgramReport>;
  /** Like `run`, for a program whose end the test tool takes for the end of the page; and another one on the same page. */
  runToDeath(request: ProgramRequest, next: ProgramRequest): Promise<readonly ProgramReport[]>;
  /** Runs against the app's real side of the sandbox, in a frame or a worker whose code is the enemy's own. */
  hostile(parts: HostileParts, runs?: number, limits?: Partial<RunLimits>): Promise<HostileReport[]>;
  /** Paths the page asked the server for, in order; what it had already is not asked for. */
  readonly asked: string[];
  /** A page of its own; `isolated: false` serves it without the headers SharedArrayBuffer needs. */
  open(options?: { readonly isolated?: boolean }): Promise<Page>;
  close(): Promise<void>;
}

/** Throws with the reason when there is no browser: these tests mean nothing without one. */
export async function openBed(entry = 'page.ts'): Promise<Bed> {
  const executablePath = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
  if (!existsSync(executablePath)) {
    throw new Error(
      `No Chromium at ${executablePath}: set CHROMIUM_PATH. The sandbox can only be tested in a real browser.`,
    );
  }
  const folder = await mkdtemp(path.join(tmpdir(), 'codeface-sandbox-'));
  await buildPage(folder, entry);
  const reports = new EventTarget();
  const asked: string[] = [];
  const onRequest = (pathname: string): void => void asked.push(pathname);
  const servers = [
    await serve(folder, true, reports, onRequest),
    await serve(folder, false, reports, onRequest),
  ] as const;
  const [origin, plainOrigin] = servers.map(originOf) as [string, string];
  const browser = await chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // What eats memory shall not take a minute for it.
      '--js-flags=--max-old-space-size=400',
    ],
  });
  const open: Bed['open'] = async ({ isolated = true } = {}) => {
    const page = await browser.newPage();
    await page.goto(`${isolated ? origin : plainOrigin}/`);
    await page.waitForFunction(() => 'bed' in globalThis);
    return page;
  };
  const page = await open();
  return {
    origin,
    page,
    browser,
    open,
    asked,
    run: (request, on = page) =>
      on.evaluate((given) => (globalThis as unknown as { bed: TestBed }).bed.runProgram(given), request),
    async runToDeath(request, next) {
      const reported = new Promise<readonly ProgramReport[]>((resolve) => {
        reports.addEventListener(
          'report',
          (event) => resolve((event as CustomEvent<readonly ProgramReport[]>).detail),
          {
            once: true,
          },
        );
      });
      const doomed = await open();
      doomed
        .evaluate(
          ([given, after]) =>
            (globalThis as unknown as { bed: TestBed }).bed.reportTo('/report', given, after),
          [request, next] as const,
        )
        .catch(() => undefined);
      return reported;
    },
    hostile: (parts, runs = 1, limits = {}) =>
      page.evaluate((given) => (globalThis as unknown as { bed: TestBed }).bed.runHostile(...given), [
        parts,
        runs,
        limits,
      ] as [HostileParts, number, Partial<RunLimits>]),
    async close() {
      await browser.close();
      for (const server of servers) await closed(server);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function buildPage(outDir: string, entry: string): Promise<void> {
  await build({
    configFile: false,
    root: HERE,
    logLevel: 'error',
    plugins: [sandboxBundlePlugin()],
    build: {
      outDir,
      target: 'esnext',
      minify: false,
      assetsInlineLimit: 0,
      rolldownOptions: { input: path.join(HERE, entry), output: { entryFileNames: 'page.js' } },
    },
  });
}

async function serve(
  folder: string,
  isolated: boolean,
  reports: EventTarget,
  onRequest: (pathname: string) => void,
): Promise<Server> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (request.method === 'POST') {
      void new Response(Readable.toWeb(request) as ReadableStream).json().then((detail: unknown) => {
        reports.dispatchEvent(new CustomEvent('report', { detail }));
        response.end();
      });
      return;
    }
    onRequest(pathname);
    const file = pathname === SANDBOX_FRAME_PATH ? FRAME_FILE : path.join(folder, path.normalize(pathname));
    const body =
      pathname === '/'
        ? Promise.resolve('<!doctype html><script type="module" src="/page.js"></script>')
        : readFile(file);
    const headers: Headers = headersForPath(pathname);
    for (const [name, value] of Object.entries(headers)) {
      if (isolated || !/^cross-origin-(opener|embedder)/.test(name)) response.setHeader(name, value);
    }
    response.setHeader('cache-control', 'max-age=3600');
    body.then(
      (bytes) =>
        response
          .setHeader('content-type', TYPES[path.extname(pathname) || '.html'] ?? 'application/octet-stream')
          .end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** A server on loopback that counts whatever reaches it, over HTTP or WebSocket. */
export async function openListener(): Promise<{
  origin: string;
  heard: string[];
  connections: () => number;
  close(): Promise<void>;
}> {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    heard.push(`${request.method ?? ''} ${request.url ?? ''}`);
    response.setHeader('access-control-allow-origin', '*').end('heard');
  });
  let connections = 0;
  server.on('connection', () => connections++);
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', () => heard.push('websocket'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: originOf(server),
    heard,
    connections: () => connections,
    async close() {
      sockets.close();
      await closed(server);
    },
  };
}

const originOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
