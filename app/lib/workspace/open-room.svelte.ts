/** From a link to an open room: keys, this device, its store, the replica, and the transports that meet others. */
import { fromHex, type Bytes } from '../core/bytes.ts';
import { systemClock } from '../core/clock.ts';
import { err, ok, type Result } from '../core/result.ts';
import { generateDeviceKeyPair, deviceIdOf } from '../crypto/device-keys.ts';
import { formatLink, type RoomLink } from '../crypto/links.ts';
import { archiveKeys, deriveRoomKeys, type RoomKeys, type SeedKind } from '../crypto/room-keys.ts';
import { sign, type SigningKeyPair } from '../crypto/signatures.ts';
import { issueSession } from '../log/certificate.ts';
import type { PickedFiles } from '../files/picked.ts';
import type { LogStore } from '../log/log-store.ts';
import { openSealed, seal } from '../log/seal.ts';
import { openDeviceStore, type DeviceStore } from '../storage/device.ts';
import type { ClosedBy } from '../storage/open-database.ts';
import type { StorageProblem } from '../storage/storage-problem.ts';
import { openIndexedDbStore } from '../storage/stores/indexeddb.ts';
import { memoryStore } from '../storage/stores/memory.ts';
import { archiveServer } from '../sync/archive/archive-server.ts';
import { workerFolder } from '../sync/folder.ts';
import { transportsTo } from '../sync/registry.ts';
import type { ArchiveDoor } from '../sync/replica-events.ts';
import { Replica, type ReplicaEvents } from '../sync/replica.ts';
import { keepGenesis, loadGenesis, type WrongKey } from './load-genesis.ts';
import type { RoomModel, ShareLinks } from './room-model.ts';
import { RoomState } from './room-state.svelte.ts';

export type OpenProblem =
  /** What is stored here was written by a newer version of the app. */
  { readonly kind: 'stale-app' } | WrongKey;

export interface OpenRoomOptions {
  readonly link: RoomLink;
  /** Where the thin server is: `location.origin`. */
  readonly origin: string;
  /** Where this tab has just made the room: its name, its owner, their statement, and what it begins with. */
  readonly newRoom?: NewRoom;
  /** An older version in another tab holds the room's database; opening goes on for a few seconds. */
  readonly onBlocked?: () => void;
}

export interface NewRoom {
  readonly name: string;
  /** Also on this device, unless it refuses storage: then the archive is all that keeps the room. */
  readonly owner: SigningKeyPair;
  readonly genesis: Bytes;
  /** Absent: the starter project. */
  readonly picked?: PickedFiles;
}

/** Opens a room; what the person can do about a problem is in its kind. */
export async function openRoom(options: OpenRoomOptions): Promise<Result<RoomModel, OpenProblem>> {
  const { roomId, seedKind, seed, epoch } = options.link;
  const keys = await deriveRoomKeys(seedKind, seed, epoch, roomId);
  let onClosed = (_: ClosedBy): void => undefined;
  const storeClosed = new Promise<ClosedBy>((resolve) => (onClosed = resolve));
  // Each may take its time limit; together they take it once.
  const [device, opened] = await Promise.all([
    openDeviceStore(),
    openIndexedDbStore(roomId, { onClosed, ...(options.onBlocked && { onBlocked: options.onBlocked }) }),
  ]);
  const notKept = opened.ok ? await refusesNewRoom(opened.value, options.newRoom) : opened.error;
  if (opened.ok && notKept !== undefined) opened.value.close();
  const store = opened.ok && notKept === undefined ? opened.value : memoryStore();
  const stale = [notKept, device.problem].some((problem) => problem?.kind === 'newer-version');
  const letGo = (): void => {
    store.close();
    device.close();
  };
  try {
    const room = stale
      ? err({ kind: 'stale-app' } as const)
      : await openWith(options, { keys, device, store, notKept, storeClosed });
    if (!room.ok) letGo();
    return room;
  } catch (error) {
    letGo();
    throw error;
  }
}

/** A full disk may give a new room its database and then not take what it begins with. */
const refusesNewRoom = async (store: LogStore, newRoom: NewRoom | undefined) =>
  newRoom && (await keepGenesis(store, newRoom.genesis));

interface Held {
  readonly keys: RoomKeys;
  readonly device: DeviceStore;
  readonly store: LogStore;
  readonly notKept: StorageProblem | undefined;
  readonly storeClosed: Promise<ClosedBy>;
}

async function openWith(
  { link, origin, newRoom }: OpenRoomOptions,
  { keys, device, store, notKept, storeClosed }: Held,
): Promise<Result<RoomModel, WrongKey>> {
  const genesis = await loadGenesis(store, keys, newRoom?.genesis);
  if (!genesis.ok) return genesis;
  const own = await loadDevice(device);
  const session = await issueSession(keys, fromHex(own.deviceId));
  const myName = await device.loadName();
  // The state listens to the replica and the replica is part of the state: events wait for both to exist.
  const events = lateEvents();
  const replica = await Replica.open({
    roomId: link.roomId,
    keys,
    session,
    genesis: genesis.value,
    store,
    folder: workerFolder(),
    transports: transportsTo(origin),
    archive: await archiveDoor(origin, keys, device, newRoom),
    clock: systemClock,
    events,
  });
  const room = new RoomState({
    keys,
    me: own.deviceId,
    session: session.id,
    myName,
    device,
    replica,
    notKept,
    storeClosed,
    links: linksOf(link, keys, origin),
  });
  events.deliverTo(room.listener);
  if (newRoom !== undefined) room.begin(newRoom);
  replica.connect({
    topic: keys.topic.publicKey,
    signTopic: (message) => sign(keys.topic.privateKey, message),
    sealSignal: (plain) => seal(keys, 'signal', plain),
    openSignal: async (sealed) => {
      const plain = await openSealed(keys, 'signal', sealed);
      return plain.ok ? plain.value : undefined;
    },
  });
  room.remember();
  return ok(room);
}

function linksOf(link: RoomLink, keys: RoomKeys, origin: string): ShareLinks {
  const { e, c, v } = keys.seeds;
  const to = (seedKind: SeedKind, seed: Bytes): string =>
    origin + formatLink({ roomId: link.roomId, epoch: link.epoch, seedKind, seed });
  return { view: to('v', v), ...(c && { comment: to('c', c) }), ...(e && { edit: to('e', e) }) };
}

async function archiveDoor(
  origin: string,
  keys: RoomKeys,
  device: DeviceStore,
  newRoom: NewRoom | undefined,
): Promise<ArchiveDoor> {
  const { roomId } = keys;
  const ownerKey = newRoom?.owner.privateKey ?? (await device.ownerKeyOf(roomId));
  return {
    server: archiveServer({ origin, roomId, keys: archiveKeys(keys) }),
    owner: ownerKey && { sign: (message) => sign(ownerKey, message) },
    // A browser without locks lets each tab ask: it costs more and changes nothing.
    alone: async (work) => {
      if ('locks' in navigator) await navigator.locks.request(`codeface-archive-${roomId}`, work);
      else await work();
    },
  };
}

const loadDevice = (device: DeviceStore) =>
  device.loadDevice(async () => {
    const { publicKey, privateKey } = await generateDeviceKeyPair();
    return { deviceId: deviceIdOf(publicKey), privateKey };
  });

/** Events that happen while the room opens are delivered when there is someone to hear them. */
function lateEvents(): ReplicaEvents & { deliverTo(target: ReplicaEvents): void } {
  let target: ReplicaEvents | undefined;
  const early: ((to: ReplicaEvents) => void)[] = [];
  const tell = (act: (to: ReplicaEvents) => void): void => {
    if (target === undefined) early.push(act);
    else act(target);
  };
  return {
    onMessages: (accepted) => tell((to) => to.onMessages(accepted)),
    onSaved: (state) => tell((to) => to.onSaved(state)),
    onPeers: () => tell((to) => to.onPeers()),
    onNotice: (notice) => tell((to) => to.onNotice(notice)),
    deliverTo(next) {
      target = next;
      for (const act of early.splice(0)) act(next);
    },
  };
}
