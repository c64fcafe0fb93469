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
  /** What `encodeRoster` made of all that is known. */
  readonly roster: Bytes;
  readonly onError: (what: string, error: unknown) => void;
}

export class Doors {
  readonly #connections: TransportConnection[] = [];

  /** Opens the doors of the last few of these epochs. */
  constructor(former: readonly RoomKeys[], options: DoorsOptions) {
    for (const keys of former.slice(-MAX_DOORS)) this.#open(keys, options);
  }

  async close(): Promise<void> {
    await Promise.all(this.#connections.splice(0).map((connection) => connection.close()));
  }

  #open(keys: RoomKeys, { roomId, self, transports, roster, onError }: DoorsOptions): void {
    const answer = seal(keys, 'roster', roster).then((sealed) => writeFrame('roster', sealed));
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
      connection.send(link, await answer, 'live');
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
    }
  }
}
