// The clients of one signaling server, in a process of their own: rooms of subscribers, who publish, count what arrives and say
// how long it took. y-webrtc's wire format, which both servers speak. Nothing is parsed here, so that the server is what is measured.
import { randomBytes } from 'node:crypto';
import { WebSocket } from 'ws';
import { openDoor } from './door.ts';

/** Loopback addresses in use: each counts as a household of its own under our limits for an address (`signaling/limits.ts`). */
const ADDRESSES = 8;
/** Handshakes at a time. */
const CONNECTING = 64;
/** What our clients publish is sealed and base64, an announcement about so long. */
const DATA_CHARS = 300;
/** A burst takes a second or two. */
const BURST_LIMIT_MS = 60_000;
/** Steady publishing goes on in ticks, not in a timer a message. */
const TICK_MS = 10;

interface Client {
  readonly socket: WebSocket;
  received: number;
}

interface Room {
  readonly publication: string;
  readonly clients: readonly Client[];
  sent: number;
  onReceived: () => void;
  onClosed: (code: number) => void;
}

const data = randomBytes(DATA_CHARS).toString('base64').slice(0, DATA_CHARS);
const rooms: Room[] = [];
let steady: NodeJS.Timeout | undefined;

const door = {
  /** Opens further rooms, each with so many subscribers. Resolves when the server has heard of all of them. */
  async openRooms(url: string, count: number, subscribers: number): Promise<void> {
    const seats = Array.from({ length: count }, openRoom).flatMap((room) =>
      Array.from({ length: subscribers }, () => room),
    );
    const take = async (): Promise<void> => {
      for (let room = seats.shift(); room; room = seats.shift()) await enter(url, room);
    };
    await Promise.all(Array.from({ length: CONNECTING }, take));
  },

  /**
   * Every room publishes so often, its subscribers in turns, and has no more than `inFlight` publications that not everybody
   * has. Milliseconds until all have arrived everywhere. Throws where one has not.
   */
  async burst(publications: number, inFlight: number): Promise<number> {
    const startedAt = performance.now();
    await Promise.all(rooms.map((room) => burstIn(room, publications, inFlight)));
    const ms = performance.now() - startedAt;
    const counts = rooms.flatMap(({ clients }) => clients.map(({ received }) => received));
    if (counts.some((count) => count !== publications)) throw new Error('a publication was lost or doubled');
    return ms;
  },

  /** Publishes at an even pace, all rooms and subscribers in turns, until `rest`. */
  publishSteadily(perSecond: number): void {
    let turn = 0;
    steady = setInterval(() => {
      for (let i = 0; i < (perSecond * TICK_MS) / 1000; i++) {
        const room = rooms[turn++ % rooms.length];
        if (room) publish(room);
      }
    }, TICK_MS);
  },

  rest(): void {
    clearInterval(steady);
  },

  /** Milliseconds from publishing to each arrival, one publication after another, in the first room: by one, to everyone else. */
  async probe(count: number, gapMs: number): Promise<number[]> {
    const [room] = rooms;
    const [publisher, subscriber] = room?.clients ?? [];
    if (!room || !publisher || !subscriber) throw new Error('a probe needs a room of two');
    const delays: number[] = [];
    for (let i = 0; i < count; i++) {
      const publishedAt = performance.now();
      const arrived = new Promise((resolve) => subscriber.socket.once('message', resolve));
      publisher.socket.send(room.publication);
      await arrived;
      delays.push(performance.now() - publishedAt);
      await new Promise((resolve) => setTimeout(resolve, gapMs));
    }
    return delays;
  },

  /** Sends one frame that is no JSON: the answer, or 'nothing' when the connection ends without one. */
  async sendMalformed(): Promise<string> {
    const socket = rooms[0]?.clients[0]?.socket;
    return new Promise((resolve) => {
      socket?.once('message', (said: Buffer) => resolve(said.toString()));
      socket?.once('close', () => resolve('nothing'));
      socket?.send('no JSON');
    });
  },

  /** Connections that are open now. */
  connections: (): number =>
    rooms.flatMap(({ clients }) => clients).filter(({ socket }) => socket.readyState === WebSocket.OPEN)
      .length,
};

export type LoadDoor = typeof door;

openDoor(door);

function openRoom(): Room & { clients: Client[] } {
  // 64 characters, as our topics have.
  const topic = randomBytes(32).toString('hex');
  const room = {
    publication: JSON.stringify({ type: 'publish', topic, data }),
    clients: [],
    sent: 0,
    onReceived: () => {},
    onClosed: () => {},
  };
  rooms.push(room);
  return room;
}

let connected = 0;

async function enter(url: string, room: Room & { clients: Client[] }): Promise<void> {
  const localAddress = `127.0.0.${2 + (connected++ % ADDRESSES)}`;
  const socket = new WebSocket(url, { localAddress, perMessageDeflate: false, skipUTF8Validation: true });
  await new Promise((opened, failed) => socket.once('open', opened).once('error', failed));
  const { topic } = JSON.parse(room.publication) as { topic: string };
  socket.send(JSON.stringify({ type: 'subscribe', topics: [topic] }));
  // Messages of one connection are handled in order: with the answer to this one it is subscribed.
  const answered = new Promise((resolve) => socket.once('message', resolve));
  socket.send(JSON.stringify({ type: 'ping' }));
  await answered;
  const client = { socket, received: 0 };
  socket.on('close', (code) => room.onClosed(code));
  socket.on('message', (message: Buffer) => {
    // A refusal is shorter than any publication.
    if (message.length < room.publication.length) return;
    client.received += 1;
    room.onReceived();
  });
  room.clients.push(client);
}

function publish(room: Room): void {
  room.clients[room.sent % room.clients.length]?.socket.send(room.publication);
  room.sent += 1;
}

async function burstIn(room: Room, publications: number, inFlight: number): Promise<void> {
  const subscribers = room.clients.length;
  room.sent = 0;
  for (const client of room.clients) client.received = 0;
  let awaited = 0;
  const fill = (): void => {
    while (room.sent < publications && awaited <= (inFlight - 1) * subscribers) {
      awaited += subscribers;
      publish(room);
    }
  };
  await new Promise<void>((resolve, reject) => {
    room.onClosed = (code) => reject(new Error(`a connection was closed with ${code}`));
    const limit = setTimeout(() => reject(new Error(`${awaited} messages are missing`)), BURST_LIMIT_MS);
    room.onReceived = () => {
      awaited -= 1;
      fill();
      if (awaited > 0) return;
      clearTimeout(limit);
      resolve();
    };
    fill();
  });
}
