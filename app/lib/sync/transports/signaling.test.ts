import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RecordedEnd, until } from '../../../testing/transport-end.ts';
import { makeTransportRoom } from '../../../testing/transport-room.ts';
import { TransportServer } from '../../../testing/transport-server.ts';
import { toHex, utf8 } from '../../core/bytes.ts';
import type { PeerId } from '../../core/ids.ts';
import { Signaling, readSignalMessage, type SignalMessage } from './signaling.ts';
import { webrtcTransport } from './webrtc.ts';

const A = 'a'.repeat(32) as PeerId;
const B = 'b'.repeat(32) as PeerId;
const TOKEN = 'c'.repeat(32);
const candidate = { candidate: 'candidate:1 1 udp 1 127.0.0.1 9 typ host', sdpMLineIndex: 0, sdpMid: '0' };

describe('signaling', () => {
  it.each<SignalMessage>([
    { type: 'announce', from: A },
    { type: 'announce', from: A, to: B },
    { type: 'bye', from: A },
    { type: 'signal', from: A, to: B, token: TOKEN, signal: { type: 'offer', sdp: 'v=0' } },
    { type: 'signal', from: A, to: B, token: TOKEN, signal: { type: 'answer', sdp: 'v=0' } },
    { type: 'signal', from: A, to: B, token: TOKEN, signal: { type: 'candidate', candidate } },
  ])('NET-51 reads %j', (message) => {
    expect(readSignalMessage(utf8(JSON.stringify(message)))).toEqual(message);
  });

  it.each([
    null,
    [],
    { type: 'announce' },
    { type: 'announce', from: 'A'.repeat(32) },
    { type: 'announce', from: A, to: 7 },
    { type: 'other', from: A },
    { type: 'signal', from: A, token: TOKEN, signal: { type: 'offer', sdp: 'v=0' } },
    { type: 'signal', from: A, to: B, token: 'short', signal: { type: 'offer', sdp: 'v=0' } },
    { type: 'signal', from: A, to: B, token: TOKEN, signal: { type: 'offer', sdp: 7 } },
    { type: 'signal', from: A, to: B, token: TOKEN, signal: { type: 'offer', sdp: 'x'.repeat(40_000) } },
    { type: 'signal', from: A, to: B, token: TOKEN, signal: { type: 'renegotiate', renegotiate: true } },
    {
      type: 'signal',
      from: A,
      to: B,
      token: TOKEN,
      signal: { type: 'transceiverRequest', transceiverRequest: {} },
    },
    {
      type: 'signal',
      from: A,
      to: B,
      token: TOKEN,
      signal: { type: 'candidate', candidate: { candidate: 7 } },
    },
    {
      type: 'signal',
      from: A,
      to: B,
      token: TOKEN,
      signal: { type: 'candidate', candidate: { ...candidate, sdpMid: 7 } },
    },
  ])('NET-51 refuses %j', (message) => {
    expect(readSignalMessage(utf8(JSON.stringify(message)))).toBeUndefined();
  });

  it('NET-51 anything at all is read or refused, never a throw', () => {
    const property = fc.property(fc.oneof(fc.json().map(utf8), fc.uint8Array()), (bytes) => {
      readSignalMessage(new Uint8Array(bytes));
    });
    fc.assert(property, { seed: 51, numRuns: 1000 });
  });

  it('NET-50 speaks the y-webrtc format, sealed, and hears only what is for it', async () => {
    const { server, makeRoom } = await start();
    const seen: Record<string, unknown>[] = [];
    const listener = new WebSocket(server.url('/signal'));
    onTestFinished(() => listener.close());
    listener.onmessage = (event: MessageEvent<string>) =>
      seen.push(JSON.parse(event.data) as Record<string, unknown>);
    const rooms = [makeRoom(), makeRoom(), makeRoom()] as const;
    const heard = rooms.map(() => [] as SignalMessage[]);
    const ends = await Promise.all(
      rooms.map((room, i) => opened(room, server, (message) => heard[i]?.push(message))),
    );
    await until(() => listener.readyState === WebSocket.OPEN, 'the listener');
    listener.send(JSON.stringify({ type: 'subscribe', topics: [toHex(rooms[0].topic)] }));
    listener.send(JSON.stringify({ type: 'ping' }));
    await until(() => seen.length > 0, 'the subscription');
    // Junk on the topic stops nobody.
    for (const data of ['not base64 !', 'AAAA', 7, null, { type: 'announce', from: A }])
      listener.send(JSON.stringify({ type: 'publish', topic: toHex(rooms[0].topic), data }));

    const [first, second, third] = rooms;
    ends[0]?.publish({ type: 'announce', from: first.self });
    ends[0]?.publish({ type: 'announce', from: first.self, to: second.self });
    ends[1]?.publish({ type: 'announce', from: second.self, to: first.self });
    await until(
      () => heard[0]?.length === 1 && heard[1]?.length === 2 && heard[2]?.length === 1,
      'the messages',
    );
    expect(heard[2]).toEqual([{ type: 'announce', from: first.self }]);
    const published = seen.filter(({ type, data }) => type === 'publish' && String(data).length > 40);
    expect(published.length).toBeGreaterThan(0);
    for (const { topic, data } of published) {
      expect(topic).toBe(toHex(third.topic));
      expect(atob(String(data))).not.toContain('announce');
    }
  });

  it('NET-20 asks a silent server for a sign of life, and dials again when none comes', async () => {
    const { server, makeRoom } = await start();
    let lost = '';
    let opens = 0;
    const signaling = new Signaling(
      makeRoom(),
      { url: server.url('/signal'), probeEveryMs: 20, random: () => 0 },
      { onOpen: () => opens++, onMessage: () => undefined, onLost: (why) => (lost = why) },
    );
    onTestFinished(() => signaling.close());
    signaling.dial();
    await until(() => server.heard('ping') > 2, 'pings that are answered');
    expect([opens, lost]).toEqual([1, '']);
    server.freeze();
    await until(() => lost !== '', 'the loss');
    expect(lost).toBe('the server does not answer');
  });

  it('NET-60 knows 32 others at a time: a room of more, or one link’s many names, cost no more', async () => {
    const { server, makeRoom } = await start();
    const room = makeRoom();
    const highest = { ...room, self: 'f'.repeat(32) as PeerId };
    const answered = new Set<PeerId>();
    const ids = Array.from({ length: 40 }, (_, i) => i.toString(16).padStart(32, '0') as PeerId);
    const others = await Promise.all(
      ids.map((self) =>
        opened({ ...room, self }, server, (message) => {
          if (message.type === 'announce' && message.to === self) answered.add(self);
        }),
      ),
    );
    // The highest id never offers: it answers whom it knows, and needs no WebRTC for that.
    const end = new RecordedEnd(
      webrtcTransport({ signalUrl: server.url('/signal'), wrtc: {} as never }),
      highest,
    );
    onTestFinished(() => end.connection.close());
    await until(() => server.heard('"subscribe"') > ids.length, 'the highest');
    // By one socket, so that they come in this order. Who leaves makes room for the last, who announces again.
    const [first = A, last = A] = [ids[0], ids.at(-1)];
    for (const from of ids) others[0]?.publish({ type: 'announce', from });
    others[0]?.publish({ type: 'bye', from: first });
    others[0]?.publish({ type: 'announce', from: last });
    await until(() => answered.has(last) && answered.size >= 33, 'answers to 32, and to the last');
    expect([...answered].sort()).toEqual([...ids.slice(0, 32), last]);
  });

  it('NET-58 says so where there is no WebRTC', async () => {
    const { server, makeRoom } = await start();
    const end = new RecordedEnd(webrtcTransport({ signalUrl: server.url('/signal') }), makeRoom());
    onTestFinished(() => end.connection.close());
    await until(() => end.statuses.length > 0, 'a status');
    expect(end.connection.status).toEqual({ kind: 'down', why: 'no WebRTC in this browser' });
  });
});

async function start() {
  const server = new TransportServer();
  await server.start();
  onTestFinished(() => server.kill());
  return { server, makeRoom: await makeTransportRoom() };
}

async function opened(
  room: ConstructorParameters<typeof Signaling>[0],
  server: TransportServer,
  onMessage: (message: SignalMessage) => void,
): Promise<Signaling> {
  return new Promise((resolve) => {
    const signaling: Signaling = new Signaling(
      room,
      { url: server.url('/signal') },
      { onOpen: () => resolve(signaling), onMessage, onLost: () => undefined },
    );
    onTestFinished(() => signaling.close());
    signaling.dial();
  });
}
