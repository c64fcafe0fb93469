/** The topic of an epoch, as transports need it: whoever has the read seed meets the others there. */
import type { RoomKeys } from '../crypto/room-keys.ts';
import { sign } from '../crypto/signatures.ts';
import { openSealed, seal } from '../log/seal.ts';
import type { TransportRoom } from './transport.ts';

/** What transports need of the keys of an epoch. */
export function topicOf(keys: RoomKeys): Omit<TransportRoom, 'self' | 'roomId'> {
  return {
    topic: keys.topic.publicKey,
    signTopic: (message) => sign(keys.topic.privateKey, message),
    sealSignal: (plain) => seal(keys, 'signal', plain),
    openSignal: async (sealed) => {
      const plain = await openSealed(keys, 'signal', sealed);
      return plain.ok ? plain.value : undefined;
    },
  };
}
