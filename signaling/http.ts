/**
 * The one origin: which request goes where, and the life of the process's listener. What each route does is in its own file.
 *
 *   GET  /healthz     how the server and PocketBase are
 *   ANY  /pb/*        PocketBase, allow-listed           pocketbase-proxy.ts
 *   ANY  /archive/*   sealed segments, kept              archive/archive-door.ts
 *   GET  /ice         TURN credentials that end          turn.ts
 *   WS   /signal      y-webrtc signaling                 signal.ts
 *   WS   /relay       sealed frames                      relay.ts
 *   GET  everything   the built app                      static-files.ts
 */
import {
  createServer,
  STATUS_CODES,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { WebSocketServer } from 'ws';
import { dataHeaders } from '../app/lib/core/security-headers.ts';
import { admission } from './admission.ts';
import { archiveService } from './archive/archive-service.ts';
import { memoryBus } from './bus/memory.ts';
import { budgetKey, clientAddress } from './client-address.ts';
import {
  ARCHIVE_ROOM_BYTES,
  CLOSE_TIMEOUT_MS,
  HEADERS_TIMEOUT_MS,
  HEARTBEAT_MS,
  LIMITS,
  REQUEST_TIMEOUT_MS,
  type Limits,
} from './limits.ts';
import { startPocketBase, type PocketBaseChoice } from './pocketbase-process.ts';
import { proxyToPocketBase } from './pocketbase-proxy.ts';
import { relayService, type RelayService } from './relay.ts';
import { signalService, type SignalService } from './signal.ts';
import { staticFiles } from './static-files.ts';
import { iceAnswer, type TurnSettings } from './turn.ts';

export interface ServerOptions {
  readonly host: string;
  /** 0 takes a free one: read it from the result. */
  readonly port: number;
  /** The built app. */
  readonly buildDir: string;
  readonly pocketbase: PocketBaseChoice;
  readonly logger: Logger;
  /** Where people reach the server, when that is not its own address: then a reverse proxy is in front. */
  readonly publicUrl?: string | undefined;
  readonly turn?: TurnSettings | undefined;
  /** What the archive keeps of one room at most. */
  readonly archiveRoomBytes?: number;
  readonly limits?: Limits;
}

export interface RunningServer {
  /** Without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Resolves when PocketBase is up or known not to be; nothing needs to wait for it. */
  readonly pocketbaseSettled: Promise<void>;
  /** Closes sockets with 1001, ends PocketBase; resolves within 3 s, when nothing of it is left. */
  close(): Promise<void>;
}

/** What `/healthz` says. */
export interface Health {
  /** 'degraded': something that should be there is not; rooms work. */
  readonly status: 'ok' | 'degraded';
  readonly pocketbase: 'up' | 'down' | 'off';
  /** Relay topics with somebody in them. */
  readonly rooms: number;
  readonly connections: { readonly relay: number; readonly signal: number };
}

/** Listens, or rejects with the system's error (EADDRINUSE, EACCES …) or ENOENT when there is no build. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { logger, limits = LIMITS } = options;
  const app = await staticFiles(options.buildDir);
  const bus = memoryBus(limits);
  const sockets: Record<string, Gate> = {
    '/signal': gate(signalService(bus, limits.signal, logger), limits.signal.maxMessageBytes),
    '/relay': gate(relayService(bus, limits.relay, logger), limits.relay.maxMessageBytes),
  };
  const connections = () => ({
    relay: sockets['/relay']?.service.connections ?? 0,
    signal: sockets['/signal']?.service.connections ?? 0,
  });
  const behindProxy = options.publicUrl !== undefined;

  const http = createServer({
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // An `Upgrade` for anything else is answered as a plain request.
    shouldUpgradeCallback: (request) => isWebSocket(request) && sockets[socketPath(request)] !== undefined,
  });
  await listen(http, options.host, options.port);
  const { port } = http.address() as AddressInfo;
  const url = `http://${urlHost(options.host)}:${port}`;
  const pocketbase = startPocketBase(options.pocketbase, options.publicUrl ?? url, logger);

  const archive = archiveService(
    pocketbase,
    options.archiveRoomBytes ?? ARCHIVE_ROOM_BYTES,
    limits.archive,
    logger,
  );

  const health = (): Health => ({
    status:
      pocketbase.status === 'down' || (options.pocketbase.kind === 'off' && options.pocketbase.why)
        ? 'degraded'
        : 'ok',
    pocketbase: pocketbase.status,
    rooms: bus.topics,
    connections: connections(),
  });

  const iceAsked = new RateLimiterMemory({ points: limits.icePerMinute, duration: 60 });
  const answerIce = (request: IncomingMessage, response: ServerResponse): Promise<void> =>
    iceAsked.consume(budgetKey(clientAddress(request, behindProxy))).then(
      () => answerJson(response, iceAnswer(options.turn, Date.now())),
      () => answerPlain(response, 429, { 'retry-after': '60' }),
    );

  const route = (request: IncomingMessage, response: ServerResponse): void | Promise<void> => {
    const target = request.url ?? '';
    if (target === '/healthz') return answerJson(response, health());
    if (target === '/ice') return answerIce(request, response);
    if (target === '/pb' || target.startsWith('/pb/'))
      return proxyToPocketBase(pocketbase, clientAddress(request, behindProxy), request, response);
    if (target === '/archive' || target.startsWith('/archive/'))
      return archive.answer(clientAddress(request, behindProxy), request, response);
    if (sockets[socketPath(request)]) return answerPlain(response, 426, { upgrade: 'websocket' });
    return app.serve(request, response);
  };

  http.on('request', (request, response) => {
    response.on('error', () => response.destroy());
    void Promise.resolve()
      .then(() => route(request, response))
      .catch((cause: unknown) => {
        logger.error({ err: cause }, 'a request could not be answered');
        response.destroy();
      });
  });
  http.on('clientError', (cause: NodeJS.ErrnoException, socket) => refuseRaw(socket, statusOf(cause)));
  const admit = admission(limits, connections);
  http.on('upgrade', (request, socket, head) => {
    // Bound: it stays on the socket, and a closure would keep the whole handshake for as long.
    socket.on('error', socket.destroy.bind(socket));
    const { service, wss } = sockets[socketPath(request)] as Gate;
    const address = budgetKey(clientAddress(request, behindProxy));
    void admit(address).then((admitted) => {
      if (!admitted) return refuseRaw(socket, 429);
      wss.handleUpgrade(request, socket, head, (ws) => {
        admitted.enter();
        ws.on('close', admitted.leave);
        service.accept(ws, address);
      });
    });
  });

  const heartbeat = setInterval(() => {
    for (const each of Object.values(sockets)) each.service.beat();
  }, HEARTBEAT_MS);

  let closing: Promise<void> | undefined;
  return {
    url,
    port,
    pocketbaseSettled: pocketbase.settled,
    close: () =>
      (closing ??= (async () => {
        clearInterval(heartbeat);
        for (const each of Object.values(sockets)) each.service.close();
        archive.close();
        await Promise.all([closeHttp(http), pocketbase.close()]);
      })()),
  };
}

interface Gate {
  readonly service: SignalService | RelayService;
  readonly wss: WebSocketServer;
}

function gate(service: Gate['service'], maxPayload: number): Gate {
  // No compression: sealed frames don't shrink, and each compressor holds some 300 KB.
  // (`closeTimeout` is newer than the types of `ws`; a variable may carry it.)
  const options = {
    noServer: true,
    maxPayload,
    perMessageDeflate: false,
    clientTracking: false,
    closeTimeout: CLOSE_TIMEOUT_MS,
  };
  return { service, wss: new WebSocketServer(options) };
}

const isWebSocket = (request: IncomingMessage): boolean =>
  request.headers.upgrade?.toLowerCase() === 'websocket';

/** The exact path of a request, its query cut off. No Origin check: there are no cookies a foreign page could ride on. */
const socketPath = (request: IncomingMessage): string => (request.url ?? '').split('?', 1)[0] ?? '';

function answerJson(response: ServerResponse, body: object): void {
  response
    .writeHead(200, { ...dataHeaders(), 'content-type': 'application/json', 'cache-control': 'no-store' })
    .end(JSON.stringify(body));
}

function answerPlain(response: ServerResponse, status: number, headers: Record<string, string>): void {
  response
    .writeHead(status, { ...dataHeaders(), 'content-type': 'text/plain', ...headers })
    .end(`${STATUS_CODES[status]}\n`);
}

/** For a connection that never became a request. */
function refuseRaw(socket: Duplex, status: number): void {
  if (!socket.writable) return void socket.destroy();
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
    () => socket.destroy(),
  );
}

function statusOf(cause: NodeJS.ErrnoException): number {
  if (cause.code === 'HPE_HEADER_OVERFLOW') return 431;
  return cause.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
}

const urlHost = (host: string): string => (host.includes(':') ? `[${host}]` : host);

async function listen(http: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((listening, failed) => http.once('error', failed).listen(port, host, listening));
}

async function closeHttp(http: Server): Promise<void> {
  const closed = new Promise((done) => http.close(done));
  http.closeIdleConnections();
  const last = setTimeout(() => http.closeAllConnections(), CLOSE_TIMEOUT_MS);
  await closed;
  clearTimeout(last);
}
