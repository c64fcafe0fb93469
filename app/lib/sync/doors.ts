/**
 * The doors of former epochs: who was away when the room got new keys looks for it under the old topic, and is answered
 * there with the owner's statements and nothing else (ROST-22). Who has no place in the room any more learns so as well.
 */
import type { Bytes } from '../core/bytes.ts';
import type { PeerId, RoomId } from '../core/ids.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import { openSealed, seal } from '../log/seal.ts';
import { readFrame, writeFrame } from './frames.ts';
import { topicOf } from './topic.ts';
import type { LinkId, Transport, TransportConnection } from './transport.ts';

/** Each is a connection to the relay: who was away longer finds the way by a new link. */
const MAX_DOORS = 3;

export interface DoorsOptions {
  readonly roomId: RoomId;
  readonly self: PeerId;
  readonly transports: readonly Transport[];
  /** What `encodeRoster` makes of all that is known now. */
  readonly roster: () => Bytes | undefined;
  readonly onError: (what: string, error: unknown) => void;
}

export class Doors {
  readonly #connections: TransportConnection[] = [];
  /** Tells everybody who knocked and still stands there. */
  readonly #tellers: (() => void)[] = [];

  /** Opens the doors of the last few of these epochs. */
  constructor(former: readonly RoomKeys[], options: DoorsOptions) {
    for (const keys of former.slice(-MAX_DOORS)) this.#open(keys, options);
  }

  /** More is known than when they were answered: somebody may have been let in since. */
  tell(): void {
    for (const tell of this.#tellers) tell();
  }

  async close(): Promise<void> {
    await Promise.all(this.#connections.splice(0).map((connection) => connection.close()));
  }

  #open(keys: RoomKeys, { roomId, self, transports, roster, onError }: DoorsOptions): void {
    const send = async (connection: TransportConnection, links: Iterable<LinkId>): Promise<void> => {
      const known = roster();
      if (known === undefined) return;
      const frame = writeFrame('roster', await seal(keys, 'roster', known));
      for (const link of links) connection.send(link, frame, 'live');
    };
    const onFrame = async (
      connection: TransportConnection,
      answered: Set<LinkId>,
      link: LinkId,
      frame: Bytes,
    ): Promise<void> => {
      const read = readFrame(frame);
      if (!read.ok || read.value.kind !== 'hello' || answered.has(link)) return;
      // Others stand at this door as well, and say nothing; who knocks has a key of that epoch.
      if (!(await openSealed(keys, 'hello', read.value.body)).ok || answered.has(link)) return;
      answered.add(link);
      await send(connection, [link]);
    };
    const room = { ...topicOf(keys), roomId, self };
    for (const transport of transports) {
      // A direct channel takes longer to make than the one frame that would go over it.
      if (transport.id === 'webrtc') continue;
      const answered = new Set<LinkId>();
      const connection = transport.connect(room, {
        onLink: () => undefined,
        onFrame: (link, frame) => {
          onFrame(connection, answered, link, frame).catch((error: unknown) =>
            onError('the door of a former epoch', error),
          );
        },
        onLinkClosed: (link) => answered.delete(link),
        onStatus: () => undefined,
      });
      this.#connections.push(connection);
      this.#tellers.push(() => {
        send(connection, [...answered]).catch((error: unknown) =>
          onError('the door of a former epoch', error),
        );
      });
    }
  }
}
