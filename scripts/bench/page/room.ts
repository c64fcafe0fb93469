/** A room as the app opens it, without the page around it: real keys, IndexedDB, the fold worker, real transports. */
import type * as Y from 'yjs';
import { fromHex, toHex } from '../../../app/lib/core/bytes.ts';
import { systemClock } from '../../../app/lib/core/clock.ts';
import type { RoomId } from '../../../app/lib/core/ids.ts';
import { generateDeviceKeyPair } from '../../../app/lib/crypto/device-keys.ts';
import { createRoom, deriveRoomKeys, type RoomKeys } from '../../../app/lib/crypto/room-keys.ts';

import { Project } from '../../../app/lib/document/project.ts';
import { issueSession } from '../../../app/lib/log/certificate.ts';
import { decodeGenesis, makeGenesis, type Genesis } from '../../../app/lib/log/genesis.ts';
import type { LogStore } from '../../../app/lib/log/log-store.ts';

import { openIndexedDbStore } from '../../../app/lib/storage/stores/indexeddb.ts';
import type { Worth } from '../../../app/lib/sync/checkpoints.ts';
import { workerFolder } from '../../../app/lib/sync/folder.ts';
import { Replica } from '../../../app/lib/sync/replica.ts';
import { topicOf } from '../../../app/lib/sync/topic.ts';
import type { Transport } from '../../../app/lib/sync/transport.ts';

/** What a link holds, and what the room's first tab knows besides. Hex, to pass through the bench. */
export interface RoomTicket {
  readonly roomId: string;
  readonly editSeed: string;
  readonly genesis?: string;
}

export interface OpenRoom {
  readonly replica: Replica;
  readonly project: Project;
  readonly keys: RoomKeys;
  readonly store: LogStore;
}

export async function makeRoom(): Promise<Required<RoomTicket>> {
  const { owner, roomId, editSeed } = await createRoom();
  const keys = await deriveRoomKeys('e', editSeed, 0, roomId);
  const genesis = await makeGenesis(owner, keys);
  return { roomId, editSeed: toHex(editSeed), genesis: toHex(genesis.bytes) };
}

/** From a link to a room that is open on this device, the way `workspace/open-room.svelte.ts` does it. */
export async function openRoom(
  { roomId, editSeed, genesis: given }: RoomTicket,
  transports: readonly Transport[] = [],
  worth?: Worth,
): Promise<OpenRoom> {
  const keys = await deriveRoomKeys('e', fromHex(editSeed), 0, roomId as RoomId);
  const opened = await openIndexedDbStore(keys.roomId);
  if (!opened.ok) throw new Error(`this browser refuses storage: ${opened.error.kind}`);
  const store = opened.value;
  const session = await issueSession(keys, await generateDeviceKeyPair());
  const replica = await Replica.open({
    roomId: keys.roomId,
    keys,
    session,
    genesis: await loadGenesis(store, keys.roomId, given),
    store,
    folder: workerFolder(),
    transports,
    clock: systemClock,
    ...(worth && { worth }),
    events: {
      onMessages: () => undefined,
      onSaved: () => undefined,
      onPeers: () => undefined,
      onNotice: (notice) => {
        if (notice.kind !== 'catching-up' && notice.kind !== 'caught-up' && notice.kind !== 'genesis')
          console.error(JSON.stringify(notice), 'error' in notice ? String(notice.error) : '');
      },
    },
  });
  return { replica, project: new Project(replica.doc), keys, store };
}

export function connect({ replica, keys }: OpenRoom): void {
  replica.connect(topicOf(keys));
}

/** The text of the room's one file; undefined while it is not here. */
export function fileText({ project }: OpenRoom): Y.Text | undefined {
  return project.list().flatMap(({ id }) => project.text(id) ?? [])[0];
}

async function loadGenesis(store: LogStore, roomId: RoomId, given?: string): Promise<Genesis | undefined> {
  const { genesis: stored } = await store.loadFacts();
  const bytes = stored ?? (given === undefined ? undefined : fromHex(given));
  if (bytes === undefined) return undefined;
  const read = await decodeGenesis(bytes, roomId);
  if (!read.ok) throw new Error(`the genesis statement: ${read.error.kind}`);
  if (stored === undefined) await store.saveFacts({ genesis: bytes });
  return read.value;
}
