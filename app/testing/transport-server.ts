/** The server's real `/signal` and `/relay` on a port of their own, for transport tests: it can die and come back. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { WebSocketServer, type WebSocket } from 'ws';
import { memoryBus } from '../../signaling/bus/memory.ts';
import { LIMITS } from '../../signaling/limits.ts';
import { relayService } from '../../signaling/relay.ts';
import { signalService } from '../../signaling/signal.ts';

export class TransportServer {
  #http: Server | undefined;
  #sockets = new Set<WebSocket>();
  #port = 0;
  #messages: string[] = [];

  /** Listens; a second start takes the port of the first. `page` is served at `/`, for tests in a browser. */
  async start(page = ''): Promise<void> {
    const bus = memoryBus(LIMITS);
    const logger = pino({ level: 'silent' });
    const services = {
      '/relay': relayService(bus, LIMITS.relay, logger),
      '/signal': signalService(bus, LIMITS.signal, logger),
    };
    const http = createServer((_, response) => response.setHeader('content-type', 'text/html').end(page));
    const sockets = new WebSocketServer({ noServer: true, maxPayload: LIMITS.relay.maxMessageBytes });
    http.on('upgrade', (request, socket, head) => {
      const service = services[request.url as keyof typeof services];
      if (!service) return socket.destroy();
      sockets.handleUpgrade(request, socket, head, (ws) => {
        this.#sockets.add(ws);
        ws.on('message', (data, isBinary) => !isBinary && this.#messages.push((data as Buffer).toString()));
        ws.on('close', () => this.#sockets.delete(ws));
        service.accept(ws, '127.0.0.1');
      });
    });
    await new Promise<void>((resolve) => http.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (http.address() as AddressInfo).port;
    this.#http = http;
  }

  url(path: '/' | '/relay' | '/signal'): string {
    return `${path === '/' ? 'http' : 'ws'}://127.0.0.1:${this.#port}${path}`;
  }

  /** How many text messages with this word have arrived. */
  heard(word: string): number {
    return this.#messages.filter((message) => message.includes(word)).length;
  }

  /** Stops reading every socket without closing it, as a network does that is silently gone. */
  freeze(): void {
    for (const socket of this.#sockets) socket.pause();
  }

  /** Dies as a killed process does: every socket is cut, nothing is said. */
  async kill(): Promise<void> {
    for (const socket of this.#sockets) socket.terminate();
    const http = this.#http;
    this.#http = undefined;
    http?.closeAllConnections();
    if (http) await new Promise((resolve) => http.close(resolve));
  }
}
