/**
 * Somebody who knows a room's id and has no link of it: on `/signal`, on `/relay` and at the archive's door, with all that the id
 * gives, and with the topic itself, which who runs the server sees.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { makeRoom, replicasOfATest, until } from '../../testing/replicas.ts';
import {
  ArchiveClient,
  pocketbasePath,
  registeredRoom,
  signedDeletion,
  startArchiveServer,
} from '../../../signaling/testing/archive-client.ts';
import {
  joinedClient,
  newTopic,
  relayClient,
  signalClient,
} from '../../../signaling/testing/socket-client.ts';
import { startTestServer, type TestServer } from '../../../signaling/testing/test-server.ts';
import { concat, randomBytes, toHex, utf8, type Bytes } from '../core/bytes.ts';
import type { PeerId } from '../core/ids.ts';
import { encodeToRelay, relayJoinMessage } from '../core/relay-wire.ts';
import { archiveKeys, deriveRoomKeys, type RoomKeys } from '../crypto/room-keys.ts';
import { sign } from '../crypto/signatures.ts';
import { topicOf } from './topic.ts';
import { relayTransport } from './transports/relay.ts';
import { Signaling, type SignalMessage } from './transports/signaling.ts';

if (pocketbasePath === undefined)
  console.log('The archive’s door is not tried: POCKETBASE_PATH is not set (npm test sets it).');

let server: TestServer;
beforeAll(async () => {
  server = await (pocketbasePath === undefined ? startTestServer() : startArchiveServer());
}, 60_000);
afterAll(() => server.close());
const { join, leave } = replicasOfATest();
afterEach(leave);

/** Keys of that room from seeds that the id gives, or that are nobody's. */
const guessed = ({ roomId }: RoomKeys): Promise<RoomKeys[]> =>
  Promise.all(
    [sha256(utf8(roomId)), utf8(roomId).slice(0, 32), new Uint8Array(32), randomBytes(32)].map((seed) =>
      deriveRoomKeys('e', seed, 0, roomId),
    ),
  );

async function membersOf(room: Awaited<ReturnType<typeof makeRoom>>) {
  const transport = () =>
    relayTransport({ url: server.socketUrl('/relay'), connectivity: new EventTarget(), random: () => 0 });
  const ann = await join(room, { makesFile: true, transports: [transport()] });
  const bob = await join(room, { transports: [transport()], knowsGenesis: false });
  await until('they met', () => bob.project.list().length === 1);
  return { ann, bob };
}

describe('a stranger who knows the room’s id', () => {
  it('NET-50 hears of nobody on /signal; with the topic itself they hear what does not open, and are not heard', async () => {
    const room = await makeRoom();
    const keys = await room.keys('v');
    const topic = toHex(keys.topic.publicKey);
    const stranger = await signalClient(server.socketUrl('/signal'));
    onTestFinished(() => stranger.ws.close());
    const say = (message: object): void => stranger.ws.send(JSON.stringify(message));
    const guesses = (await guessed(keys)).map((one) => toHex(one.topic.publicKey));
    say({ type: 'subscribe', topics: [keys.roomId, toHex(sha256(utf8(keys.roomId))), ...guesses] });

    const heard: SignalMessage[][] = [[], []];
    const [ann, bob] = ['a', 'b'].map((name, i) => {
      const self = name.repeat(32) as PeerId;
      const signaling = new Signaling(
        { self, roomId: keys.roomId, ...topicOf(keys) },
        { url: server.socketUrl('/signal') },
        { onOpen: () => undefined, onMessage: (message) => heard[i]?.push(message), onLost: () => undefined },
      );
      signaling.dial();
      onTestFinished(() => signaling.close());
      return signaling;
    }) as [Signaling, Signaling];
    await until('both are there', () => ann.isOpen && bob.isOpen);
    const announce = (): void => ann.publish({ type: 'announce', from: 'a'.repeat(32) as PeerId });
    await until('Bob hears Ann', () => {
      if (heard[1]?.length === 0) announce();
      return heard[1]?.length !== 0;
    });
    say({ type: 'ping' });
    expect(await stranger.next(), 'nothing came before it').toEqual({ type: 'pong' });

    say({ type: 'subscribe', topics: [topic] });
    say({ type: 'ping' });
    expect(await stranger.next()).toEqual({ type: 'pong' });
    announce();
    const publication = await stranger.next();
    expect(publication).toMatchObject({ type: 'publish', topic });
    const sealed = Uint8Array.from(atob(String(publication['data'])), (char) => char.charCodeAt(0));
    for (const one of await guessed(keys)) expect(await topicOf(one).openSignal(sealed)).toBeUndefined();
    // What they say there, sealed by what they have, is nobody's word.
    const before = [heard[0]?.length, heard[1]?.length];
    for (const one of await guessed(keys)) {
      const words = utf8(JSON.stringify({ type: 'announce', from: 'c'.repeat(32) }));
      const data = btoa(String.fromCharCode(...(await topicOf(one).sealSignal(words))));
      say({ type: 'publish', topic, data });
    }
    say({ type: 'publish', topic, data: btoa('{"type":"announce"}') });
    bob.publish({ type: 'announce', from: 'b'.repeat(32) as PeerId });
    await until('Ann hears Bob, who spoke last', () => heard[0]?.at(-1)?.from === 'b'.repeat(32));
    expect(heard[0]?.slice(before[0])).toHaveLength(1);
    expect(heard.flat().map(({ from }) => from)).not.toContain('c'.repeat(32));
  });

  it('NET-21, KEY-6 joins no topic on /relay by the id, nor by the topic without its key, and hears no frame', async () => {
    const room = await makeRoom();
    const keys = await room.keys('v');
    const { ann, bob } = await membersOf(room);
    const url = server.socketUrl('/relay');
    for (const one of await guessed(keys)) {
      const alone = await joinedClient(url, {
        publicKey: one.topic.publicKey,
        sign: (message) => sign(one.topic.privateKey, message),
      });
      expect(alone.others).toEqual([]);
      alone.ws.close();
    }
    const stranger = await newTopic();
    const proofs: ((nonce: Bytes) => Promise<Bytes>)[] = [
      (nonce) => stranger.sign(relayJoinMessage(nonce, keys.topic.publicKey)),
      // By the right key, of another socket: as who runs the server could have kept it.
      () => sign(keys.topic.privateKey, relayJoinMessage(randomBytes(32), keys.topic.publicKey)),
      () => Promise.resolve(concat(Uint8Array.of(1), new Uint8Array(63))),
    ];
    for (const proof of proofs) {
      const client = await relayClient(url);
      const challenge = await client.next();
      if (challenge.kind !== 'challenge') throw new Error('no challenge');
      const signature = await proof(challenge.nonce);
      client.ws.send(encodeToRelay({ kind: 'join', topic: keys.topic.publicKey, signature }));
      ann.text.insert(0, 'x');
      expect(await client.next()).toEqual({ kind: 'refused', reason: 'bad-proof' });
      expect(await client.closed).toEqual({ code: 1008, reason: 'bad-proof' });
    }
    await until('the members go on', () => bob.read() === 'xxx');
    expect([ann, bob].map(({ replica }) => replica.others.length)).toEqual([1, 1]);
  });

  it.skipIf(pocketbasePath === undefined)(
    'ARCH-3, ARCH-4 neither reads nor writes at the archive, nor says whose the room is',
    async () => {
      const archive = new ArchiveClient(server.url);
      const room = await registeredRoom(archive);
      const theirs = await makeRoom();
      const segment = randomBytes(100);
      const keysOf = await guessed({ ...(await theirs.keys('v')), roomId: room.id as RoomKeys['roomId'] });
      expect(await archive.status(room.id)).toBe('401 no-key');
      expect(await archive.page(room.id, undefined, 0)).toBe('401 no-key');
      expect(await archive.append(room.id, undefined, [segment])).toBe('401 no-key');
      for (const keys of keysOf) {
        const { read, edit } = archiveKeys(keys);
        if (edit === undefined) throw new Error('keys of an edit seed');
        expect(await archive.status(room.id, read)).toBe('403 wrong-key');
        expect(await archive.page(room.id, read, 0)).toBe('403 wrong-key');
        expect(await archive.append(room.id, edit, [segment])).toBe('403 wrong-key');
      }
      const before = await archive.status(room.id, room.keys.read);
      if (typeof before === 'string') throw new Error(before);
      const stranger = await registeredRoom(archive);
      const deletion = await signedDeletion({ ...stranger, id: room.id }, 9, before.instance);
      expect(await archive.delete(room.id, deletion)).toBe('403 bad-proof');
      expect(await archive.status(room.id, room.keys.read)).toEqual(before);
    },
  );
});
