/**
 * Making a room: its keys, its owner's genesis statement, and this device's memory of both. Loaded when someone asks
 * for a room, so that the landing page shows without it.
 */
import { systemClock } from '../lib/core/clock.ts';
import { formatLink } from '../lib/crypto/links.ts';
import { createRoom, deriveRoomKeys } from '../lib/crypto/room-keys.ts';
import { makeGenesis } from '../lib/log/genesis.ts';
import { openDeviceStore } from '../lib/storage/device.ts';
import { openIndexedDbStore } from '../lib/storage/stores/indexeddb.ts';
import type { PickedFiles } from '../lib/files/picked.ts';
import { handOver } from './hand-over.ts';
import { roomNameFor } from './room-name.ts';

/**
 * Makes a room and leaves its keys and files for the room page (hand-over.ts); gives the link to go to.
 * The owner's key and the genesis statement are durable when it resolves; where storage is refused they live in the
 * hand-over alone. Rejects only where WebCrypto does (`missingSupport` tells beforehand).
 */
export async function makeRoom(picked?: PickedFiles): Promise<string> {
  const { owner, roomId, editSeed } = await createRoom();
  const keys = await deriveRoomKeys('e', editSeed, 0, roomId);
  const genesis = await makeGenesis(owner, keys);
  const name = roomNameFor(picked);

  const log = await openIndexedDbStore(roomId);
  if (log.ok) {
    await log.value.saveFacts({ genesis: genesis.bytes }).catch(notKept);
    log.value.close();
  }
  const device = await openDeviceStore();
  await device
    .rememberRoom({
      roomId,
      name,
      role: 'editor',
      link: { kind: 'e', epoch: 0, seed: editSeed },
      lastOpenedAt: systemClock.now(),
      ownerKey: owner.privateKey,
    })
    .catch(notKept);
  device.close();

  handOver({ roomId, name, owner, genesis: genesis.bytes, ...(picked && { picked }) });
  return formatLink({ roomId, seedKind: 'e', epoch: 0, seed: editSeed });
}

/** A full disk: the room still opens from the hand-over, and its own page says that nothing is kept. */
const notKept = (): void => undefined;
