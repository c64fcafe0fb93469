/**
 * Standing at the door of an epoch that has ended: a device that is out of the room asks there what its owners have said since
 * (ROST-44). It tells nothing but that it is there, and reads nothing but statements.
 */
import { concat, randomBytes, type Bytes } from '../core/bytes.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import type { OwnSession } from '../log/certificate.ts';
import { encodeFrontier } from '../log/frontier.ts';
import { openSealed, seal } from '../log/seal.ts';
import { encodeHello, NONCE_BYTES, readFrame, writeFrame } from './frames.ts';
import { HELLO_LABEL, peerIdOf } from './meeting.ts';
import { topicOf } from './topic.ts';
import type { LinkId, Transport, TransportConnection } from './transport.ts';

export interface KnockOptions {
  /** Of the epoch that has ended. */
  readonly keys: RoomKeys;
  readonly session: OwnSession;
  readonly transports: readonly Transport[];
  /** A roster that somebody brought: not looked at yet. Of several that come at once the next one waits. */
  readonly onRoster: (roster: Bytes) => Promise<void>;
  readonly onError: (what: string, error: unknown) => void;
}

/** Knocks whenever somebody comes to the door, until it is told to stop. */
export function knock({ keys, session, transports, onRoster, onError }: KnockOptions): () => Promise<void> {
  const room = { ...topicOf(keys), roomId: keys.roomId, self: peerIdOf(session.id) };
  const failed = (error: unknown): void => onError('knocking at the door of a former epoch', error);
  let turn = Promise.resolve();
  const onFrame = (frame: Bytes): void => {
    const read = readFrame(frame);
    if (!read.ok || read.value.kind !== 'roster') return;
    const { body } = read.value;
    turn = turn
      .then(async () => {
        const opened = await openSealed(keys, 'roster', body);
        if (opened.ok) await onRoster(opened.value);
      })
      .catch(failed);
  };
  const connections: TransportConnection[] = [];
  for (const transport of transports) {
    // As at the other side of the door.
    if (transport.id === 'webrtc') continue;
    const greet = async (link: LinkId): Promise<void> => {
      const frame = await hello(keys, session);
      connection.send(link, frame, 'live');
    };
    const connection = transport.connect(room, {
      onLink: (link) => void greet(link).catch(failed),
      onFrame: (_, frame) => onFrame(frame),
      onLinkClosed: () => undefined,
      onStatus: () => undefined,
    });
    connections.push(connection);
  }
  return async () => {
    await Promise.all(connections.splice(0).map((connection) => connection.close()));
  };
}

/** A HELLO that names nothing: who it is sent to needs only to see that it was sealed with these keys. */
async function hello(keys: RoomKeys, session: OwnSession): Promise<Bytes> {
  const signed = encodeHello({
    nonce: randomBytes(NONCE_BYTES),
    echo: new Uint8Array(NONCE_BYTES),
    wantsReply: true,
    certificate: session.certificate,
    genesis: new Uint8Array(),
    frontier: encodeFrontier([]),
  });
  const signature = await session.sign(concat(HELLO_LABEL, signed));
  return writeFrame('hello', await seal(keys, 'hello', concat(signed, signature)));
}
