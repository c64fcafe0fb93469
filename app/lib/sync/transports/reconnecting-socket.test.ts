import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import { until } from '../../../testing/transport-end.ts';
import { ReconnectingSocket, type SocketOptions } from './reconnecting-socket.ts';

/** Long enough for a dial to open on a loaded machine first, short enough to wait for. */
const ESTABLISH_LIMIT_MS = 300;

describe('a socket that comes back', () => {
  it('NET-20 gives up a dial that hangs, though the device says meanwhile that it is online', async () => {
    const { dials, url } = await silentServer();
    const connectivity = new EventTarget();
    const { socket, losses } = dialled({ url, connectivity });
    await until(() => dials.length === 1 && socket.isOpen, 'the dial to open');
    connectivity.dispatchEvent(new Event('online'));
    await until(() => losses.length > 0, 'the end of the dial', undefined, 10 * ESTABLISH_LIMIT_MS);
    expect(losses).toEqual(['the server does not answer']);
  });

  it('NET-20 begins a dial again when the device comes online in the middle of it', async () => {
    const { dials, url } = await silentServer();
    const connectivity = new EventTarget();
    const { socket, losses } = dialled({ url, connectivity, establishLimitMs: 60_000 });
    await until(() => dials.length === 1 && socket.isOpen, 'the dial to open');
    connectivity.dispatchEvent(new Event('online'));
    await until(() => dials.length === 2, 'a second dial');
    expect(losses).toEqual([]);
  });

  it('NET-20 leaves an established socket alone when the device says that it is online', async () => {
    const { dials, url } = await silentServer();
    const connectivity = new EventTarget();
    const { socket, losses } = dialled({ url, connectivity }, (each) => each.established());
    await until(() => dials.length === 1 && socket.isOpen, 'the dial to open');
    connectivity.dispatchEvent(new Event('online'));
    expect([socket.isOpen, losses]).toEqual([true, []]);
  });
});

/** Takes connections and says nothing on them, as a half-dead proxy does. `dials` lists those that came. */
async function silentServer(): Promise<{ readonly dials: readonly unknown[]; readonly url: string }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  const dials: unknown[] = [];
  server.on('connection', (ws) => dials.push(ws));
  await new Promise((listening) => server.once('listening', listening));
  onTestFinished(async () => {
    for (const ws of server.clients) ws.terminate();
    await new Promise((closed) => server.close(closed));
  });
  return { dials, url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function dialled(options: SocketOptions, onOpen: (socket: ReconnectingSocket) => void = () => undefined) {
  const losses: string[] = [];
  const socket: ReconnectingSocket = new ReconnectingSocket(
    { establishLimitMs: ESTABLISH_LIMIT_MS, ...options },
    {
      onOpen: () => onOpen(socket),
      onMessage: () => undefined,
      probe: () => undefined,
      onLost: (why) => losses.push(why),
    },
  );
  onTestFinished(() => socket.close());
  socket.dial();
  return { socket, losses };
}
