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

  it('NET-65 looked at, gives up a server that does not answer now', async () => {
    const { heard, url } = await silentServer();
    const { socket, losses } = dialled({ url }, (each) => each.established());
    await until(() => socket.isOpen, 'the dial to open');
    socket.check();
    socket.check();
    await until(() => losses.length > 0, 'the end of it');
    expect([losses, heard]).toEqual([['the server does not answer'], ['are you there']]);
  });

  it('NET-65 looked at, keeps a server that answers', async () => {
    const { heard, url } = await silentServer('here');
    const { socket, losses, answers } = dialled({ url }, (each) => each.established());
    await until(() => socket.isOpen, 'the dial to open');
    for (let looks = 1; looks <= 3; looks++) {
      socket.check();
      await until(() => answers.length === looks, 'an answer');
    }
    expect([losses, heard.length, socket.isOpen]).toEqual([[], 3, true]);
  });

  it('NET-65 looked at, dials now where it would wait', async () => {
    const { dials, url, dropAll } = await silentServer();
    // Left alone it would wait for hours.
    const { socket, losses } = dialled({ url, random: () => 1e5 }, (each) => each.established());
    await until(() => socket.isOpen, 'the dial to open');
    dropAll();
    await until(() => losses.length === 1, 'the loss');
    socket.check();
    await until(() => dials.length === 2 && socket.isOpen, 'the second dial');
  });
});

/** Takes connections and says nothing on them, as a half-dead proxy does, or one thing. `dials` lists those that came. */
async function silentServer(answer?: string) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  const dials: unknown[] = [];
  const heard: string[] = [];
  server.on('connection', (ws) => {
    dials.push(ws);
    ws.on('message', (data: Buffer) => {
      heard.push(data.toString());
      if (answer !== undefined) ws.send(answer);
    });
  });
  await new Promise((listening) => server.once('listening', listening));
  const dropAll = (): void => {
    for (const ws of server.clients) ws.terminate();
  };
  onTestFinished(async () => {
    dropAll();
    await new Promise((closed) => server.close(closed));
  });
  return { dials, heard, dropAll, url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function dialled(options: SocketOptions, onOpen: (socket: ReconnectingSocket) => void = () => undefined) {
  const losses: string[] = [];
  const answers: unknown[] = [];
  const socket: ReconnectingSocket = new ReconnectingSocket(
    { establishLimitMs: ESTABLISH_LIMIT_MS, ...options },
    {
      onOpen: () => onOpen(socket),
      onMessage: (answer) => answers.push(answer),
      probe: () => 'are you there',
      onLost: (why) => losses.push(why),
    },
  );
  onTestFinished(() => socket.close());
  socket.dial();
  return { socket, losses, answers };
}
