import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import type { TransportFixture } from '../../../testing/transport-case.ts';
import { describeTransport } from '../../../testing/transport-contract.ts';
import { RecordedEnd, until } from '../../../testing/transport-end.ts';
import { makeTransportRoom } from '../../../testing/transport-room.ts';
import { TransportServer } from '../../../testing/transport-server.ts';
import { concat, fromHex, randomBytes, toHex, utf8, type Bytes } from '../../core/bytes.ts';
import {
  RELAY_ID_BYTES,
  RELAY_MAX_MESSAGE_BYTES,
  decodeFromRelay,
  encodeFromRelay,
  encodeToRelay,
  relayJoinMessage,
} from '../../core/relay-wire.ts';
import type { TransportRoom } from '../transport.ts';
import { singleChunk } from './credit-link.ts';
import { relayTransport } from './relay.ts';

describe('relay, by the contract of transports', () => {
  describeTransport(it, relayFixture);
});

describe('relay', () => {
  it('NET-20 says why it is down, and comes up when the server does', async () => {
    const server = new TransportServer();
    await server.start();
    await server.kill();
    const connectivity = new EventTarget();
    const room = (await makeTransportRoom())();
    const end = new RecordedEnd(
      relayTransport({ url: server.url('/relay'), connectivity, random: () => 0.999 }),
      room,
    );
    onTestFinished(() => end.connection.close());
    onTestFinished(() => server.kill());
    await until(() => end.connection.status.kind === 'down', 'down');
    expect(end.connection.status).toEqual({ kind: 'down', why: 'the server cannot be reached' });
    await server.start();
    connectivity.dispatchEvent(new Event('online'));
    await until(() => end.connection.status.kind === 'up', 'up');
  });

  it('NET-20 dials at once when the device is online again, and says that it was offline', async () => {
    const { server, connectivity, end } = await oneEnd();
    connectivity.dispatchEvent(new Event('offline'));
    expect(end.connection.status).toEqual({ kind: 'down', why: 'this device is offline' });
    connectivity.dispatchEvent(new Event('online'));
    await until(() => end.connection.status.kind === 'up', 'up again');
    expect(server.url('/relay')).toContain('ws:');
  });

  it('NET-65 notices a server that is silently gone when it is asked about what it carries', async () => {
    const { server, end } = await oneEnd();
    await until(() => end.connection.status.kind === 'up', 'up');
    server.freeze();
    // Left alone it would look after twenty seconds, and give up after forty.
    end.connection.ask?.('any');
    await until(() => end.connection.status.kind === 'down', 'down');
    expect(end.connection.status).toEqual({ kind: 'down', why: 'the server does not answer' });
  });

  it('NET-22 says the word of a server that refuses, and keeps trying', async () => {
    const { end } = await oneEnd({ signTopic: async () => new Uint8Array(64) });
    await until(() => end.statuses.filter(({ kind }) => kind === 'down').length === 2, 'two refusals');
    expect(end.connection.status).toEqual({ kind: 'down', why: 'the server refused: bad-proof' });
  });

  it('NET-24 a tab that sent what no tab sends gets and says nothing more, until it comes back under a new id', async () => {
    const server = await startServer();
    const room = (await makeTransportRoom())();
    const end = await endAt(server.url('/relay'), room);
    await until(() => end.connection.status.kind === 'up', 'up');
    const heard: string[] = [];
    const raw = (name: string) =>
      rawPeer(server.url('/relay'), room, (payload) => heard.push(name + payload[0]));
    const [faulty, honest, third] = [await raw('faulty '), await raw('honest '), await raw('third ')];
    for (const each of [honest, third]) onTestFinished(() => each.close());
    await end.linked(3);
    const [faultyLink] = end.opened;
    faulty.sendToAll(Uint8Array.of(0xff), 1);
    await end.linked(2);
    expect(end.closed.map(({ link }) => link)).toEqual([faultyLink]);

    faulty.sendToAll(singleChunk(utf8('let me in'), 'live'), 1);
    end.connection.broadcast(utf8('for honest tabs'), 'live');
    await until(() => heard.includes('honest 2'), 'the frame at the honest tab');
    // Whatever was to reach the other is on its way before this.
    honest.sendToAll(singleChunk(utf8('after'), 'live'), 2);
    await until(() => heard.includes('faulty 2'), 'a message from tab to tab');
    await end.received(1);
    expect(end.frames.map(({ frame }) => new TextDecoder().decode(frame))).toEqual(['after']);
    expect(heard.filter((each) => each.startsWith('faulty'))).toEqual(['faulty 5', 'faulty 2']);

    faulty.close();
    const again = await raw('again ');
    onTestFinished(() => again.close());
    await end.linked(3);
  });

  it('NET-22 repeats nothing that a server says in words of its own', async () => {
    const words = utf8('\u202e<b>call 0900</b> '.repeat(RELAY_MAX_MESSAGE_BYTES)).slice(0, 900_000);
    const end = await endAt(await oddServer([concat(Uint8Array.of(0x15), words)]));
    await until(() => end.connection.status.kind === 'down', 'down');
    expect(end.connection.status).toEqual({ kind: 'down', why: 'the server refused this connection' });
  });

  it('NET-22 links to 256 others at most, whatever the server says who is there', async () => {
    const id = (): Bytes => randomBytes(RELAY_ID_BYTES);
    const others = Array.from({ length: 300 }, id);
    const joined = encodeFromRelay({ kind: 'joined', self: id(), others });
    const entered = encodeFromRelay({ kind: 'entered', id: id() });
    const left = encodeFromRelay({ kind: 'left', id: others[0] as Bytes });
    const end = await endAt(await oddServer([joined, entered, left, entered]));
    await until(() => end.closed.length === 1, 'the one that left');
    await until(() => end.opened.length === 257, 'the one that took its place');
    expect(end.connection.links().length).toBe(256);
  });

  it('NET-7 has at most 256 KiB unacknowledged on a link whose far end takes nothing in', async () => {
    const server = await startServer();
    const room = (await makeTransportRoom())();
    const end = new RecordedEnd(relayTransport({ url: server.url('/relay') }), room);
    onTestFinished(() => end.connection.close());
    await until(() => end.connection.status.kind === 'up', 'up');
    let taken = 0;
    const silent = await rawPeer(server.url('/relay'), room, (payload) => (taken += payload.length));
    onTestFinished(() => silent.close());
    await end.linked(1);
    end.connection.send(end.link, new Uint8Array(1024 * 1024), 'bulk');
    await until(() => taken > 128 * 1024, 'the first window');
    // A live frame still fits, and comes after all bulk that was let out: nothing more follows it.
    end.connection.send(end.link, new Uint8Array(1000), 'live');
    const before = taken;
    await until(() => taken >= before + 1000, 'the live frame');
    expect(taken).toBeLessThanOrEqual(256 * 1024);
    expect(end.connection.queuedBytes(end.link)).toBeGreaterThan(768 * 1024);
  });

  it('NET-23 what goes up once for everyone counts in every window', async () => {
    const server = await startServer();
    const room = (await makeTransportRoom())();
    const end = new RecordedEnd(relayTransport({ url: server.url('/relay') }), room);
    onTestFinished(() => end.connection.close());
    await until(() => end.connection.status.kind === 'up', 'up');
    const taken = [0, 0];
    for (const i of [0, 1]) {
      const silent = await rawPeer(server.url('/relay'), room, (payload) => {
        taken[i] = (taken[i] ?? 0) + payload.length;
      });
      onTestFinished(() => silent.close());
    }
    await end.linked(2);
    for (let i = 0; i < 20; i++) end.connection.broadcast(new Uint8Array(50_000), 'live');
    await until(() => taken.every((bytes) => bytes > 200_000), 'both windows');
    for (const link of end.connection.links())
      await until(() => end.connection.queuedBytes(link) <= 1_000_000 - 200_000, 'what has left');
    expect(Math.max(...taken)).toBeLessThanOrEqual(256 * 1024);
    for (const link of end.connection.links())
      expect(end.connection.queuedBytes(link)).toBeGreaterThan(700_000);
  });
});

async function startServer(): Promise<TransportServer> {
  const server = new TransportServer();
  await server.start();
  onTestFinished(() => server.kill());
  return server;
}

/** A server of somebody else's making: says this to everyone who connects, and closes after a REFUSED. */
async function oddServer(messages: readonly Bytes[]): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (ws) => {
    for (const message of messages) ws.send(message);
    if (messages.some((message) => message[0] === 0x15)) ws.close();
  });
  await new Promise((listening) => server.once('listening', listening));
  onTestFinished(async () => {
    for (const ws of server.clients) ws.terminate();
    await new Promise((closed) => server.close(closed));
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function endAt(url: string, room?: TransportRoom): Promise<RecordedEnd> {
  const end = new RecordedEnd(
    relayTransport({ url, random: () => 0 }),
    room ?? (await makeTransportRoom())(),
  );
  onTestFinished(() => end.connection.close());
  return end;
}

async function oneEnd(room: Partial<TransportRoom> = {}) {
  const server = await startServer();
  const connectivity = new EventTarget();
  const transport = relayTransport({ url: server.url('/relay'), connectivity, random: () => 0 });
  const end = new RecordedEnd(transport, { ...(await makeTransportRoom())(), ...room });
  onTestFinished(() => end.connection.close());
  await until(() => end.statuses.length > 0, 'a first status');
  return { server, connectivity, end };
}

async function relayFixture(): Promise<TransportFixture> {
  const server = new TransportServer();
  await server.start();
  const makeRoom = await makeTransportRoom();
  const ends: RecordedEnd[] = [];
  const strangers: { close(): void }[] = [];
  return {
    join() {
      const end = new RecordedEnd(relayTransport({ url: server.url('/relay'), random: () => 0 }), makeRoom());
      ends.push(end);
      return end;
    },
    async hostile(victim) {
      const known = new Set(victim.connection.links());
      const stranger = await rawPeer(server.url('/relay'), makeRoom());
      strangers.push(stranger);
      await until(() => victim.connection.links().some((link) => !known.has(link)), 'a link to the stranger');
      const others = victim.connection.links().length;
      expect(others).toBe(known.size + 1);
      return { send: (bytes) => stranger.sendToAll(bytes, ends.length) };
    },
    breakPath: () => server.kill(),
    mendPath: () => server.start(),
    async end() {
      for (const stranger of strangers) stranger.close();
      for (const end of ends) await end.connection.close();
      await server.kill();
    },
  };
}

/** A far end without our client: joins the topic by hand and writes what it likes. */
async function rawPeer(
  url: string,
  room: TransportRoom,
  onPayload: (payload: Bytes) => void = () => undefined,
) {
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  let others: readonly Bytes[] | undefined;
  socket.onmessage = (event: MessageEvent<ArrayBuffer>) => {
    const message = decodeFromRelay(new Uint8Array(event.data));
    if (!message.ok) return;
    if (message.value.kind === 'challenge') void join(message.value.nonce);
    if (message.value.kind === 'joined') others = message.value.others;
    if (message.value.kind === 'message') onPayload(message.value.payload);
  };
  const join = async (nonce: Bytes): Promise<void> => {
    const signature = await room.signTopic(relayJoinMessage(nonce, room.topic));
    socket.send(encodeToRelay({ kind: 'join', topic: room.topic, signature }));
  };
  await until(() => others !== undefined, 'the raw peer to join');
  return {
    sendToAll: (payload: Bytes, count: number) => {
      expect(others?.length).toBeGreaterThanOrEqual(count);
      for (const id of others ?? [])
        socket.send(encodeToRelay({ kind: 'send', to: fromHex(toHex(id)), payload }));
    },
    close: () => socket.close(),
  };
}
