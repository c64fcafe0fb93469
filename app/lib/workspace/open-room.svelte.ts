/** From a link to an open room: keys, this device, its store, the replica, and the transports that meet others. */
import { fromHex, type Bytes } from '../core/bytes.ts';
import { systemClock } from '../core/clock.ts';
import { err, ok, type Result } from '../core/result.ts';
import { generateDeviceKeyPair, deviceIdOf } from '../crypto/device-keys.ts';
import { formatLink, type RoomLink } from '../crypto/links.ts';
import type { RoomKeys, SeedKind } from '../crypto/room-keys.ts';
import type { SigningKeyPair } from '../crypto/signatures.ts';
import type { OwnWords } from '../document/own-words.ts';
import type { PickedFiles } from '../files/picked.ts';
import { issueSession } from '../log/certificate.ts';
import type { LogStore } from '../log/log-store.ts';
import type { Member } from '../log/roster-codec.ts';
import type { Roster } from '../log/roster.ts';
import { openDeviceStore, type DeviceStore, type OwnerKey } from '../storage/device.ts';
import type { ClosedBy } from '../storage/open-database.ts';
import type { StorageProblem } from '../storage/storage-problem.ts';
import { openIndexedDbStore } from '../storage/stores/indexeddb.ts';
import type { Owner } from '../sync/archive/registration.ts';
import { topicOf } from '../sync/topic.ts';
import { workerFolder } from '../sync/folder.ts';
import { toCarry } from '../sync/move-on.ts';
import { sharedByTabs, transportsTo } from '../sync/registry.ts';
import type { ArchiveWay } from '../sync/replica-events.ts';
import { Replica } from '../sync/replica.ts';
import { keepGenesis } from './keep-genesis.ts';
import { lateEvents } from './late-events.ts';
import { oneAtATime } from './one-at-a-time.ts';
import type { Moved } from './epoch-messages.ts';
import { ownerBy } from './owner-key.ts';
import { OwnershipState } from './ownership-state.svelte.ts';
import { recentRoomOf } from './recent-room.ts';
import { nextEpoch } from './next-epoch.ts';
import type { RoomModel, ShareLinks } from './room-model.ts';
import { RoomState, type Doubt, type Forked } from './room-state.svelte.ts';
import { rosterIn, wayIn, type WrongKey } from './way-in.ts';

export type OpenProblem =
  /** What is stored here was written by a newer version of the app. */
  | { readonly kind: 'stale-app' }
  | WrongKey
  /** The room's owner has replaced this link, and nothing of the room is on this device. */
  | { readonly kind: 'link-replaced' };

/** The room is to be opened again: it has new keys, or someone turned out to have signed two stories. */
export interface Move {
  readonly link: RoomLink;
  readonly moved?: Moved;
  readonly forked?: Forked;
  readonly doubt?: Doubt;
  /** What was shown first was not so: where the disk keeps nothing it would be shown again, and not be so again. */
  readonly byLog?: true;
  /** What was written and could not be signed. */
  readonly words?: readonly OwnWords[];
  /** Where this browser keeps nothing: what must not go with the page that is closed. */
  readonly memory?: Memory;
}

interface Memory {
  readonly store: LogStore;
  readonly notKept: StorageProblem;
  readonly ownerKey: OwnerKey | undefined;
  /** Where the device's own keys are in memory as well. */
  readonly device?: DeviceStore;
}

export interface OpenRoomOptions {
  readonly link: RoomLink;
  /** Where the thin server is: `location.origin`. */
  readonly origin: string;
  /** Where this tab has just made the room: its name, its owner, their statement, and what it begins with. */
  readonly newRoom?: NewRoom;
  /** Where it was open in this page a moment ago. */
  readonly move?: Move;
  /** The room has to be closed, and opened again with this. */
  readonly onMove: (move: Move) => void;
  /** Path and fragment of the newest link that opens the room here. */
  readonly onAddress: (address: string) => void;
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

/** So long may drawing the room keep its copy on the server waiting. */
const AT_REST_WITHIN_MS = 1000;

/** Opens a room; what the person can do about a problem is in its kind. */
export async function openRoom(options: OpenRoomOptions): Promise<Result<RoomModel, OpenProblem>> {
  const { roomId } = options.link;
  let onClosed = (_: ClosedBy): void => undefined;
  const storeClosed = new Promise<ClosedBy>((resolve) => (onClosed = resolve));
  // Each may take its time limit; together they take it once.
  const memory = options.move?.memory;
  const [device, opened] = await Promise.all([
    memory?.device ?? openDeviceStore(),
    memory
      ? err(memory.notKept)
      : openIndexedDbStore(roomId, { onClosed, ...(options.onBlocked && { onBlocked: options.onBlocked }) }),
  ]);
  const notKept = opened.ok ? await refusesNewRoom(opened.value, options.newRoom) : opened.error;
  if (opened.ok && notKept !== undefined) opened.value.close();
  const store = opened.ok && notKept === undefined ? opened.value : (memory?.store ?? (await inMemory()));
  const stale = [notKept, device.problem].some((problem) => problem?.kind === 'newer-version');
  const letGo = (): void => {
    store.close();
    device.close();
  };
  try {
    const room = stale
      ? err({ kind: 'stale-app' } as const)
      : await openWith(options, { device, store, notKept, storeClosed });
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
  readonly device: DeviceStore;
  readonly store: LogStore;
  readonly notKept: StorageProblem | undefined;
  readonly storeClosed: Promise<ClosedBy>;
}

async function openWith(options: OpenRoomOptions, held: Held): Promise<Result<RoomModel, OpenProblem>> {
  const { origin, newRoom, move } = options;
  const { device, store, notKept, storeClosed } = held;
  const { roomId } = options.link;
  const own = await loadDevice(device);
  const facts = await store.loadFacts();
  const known = await rosterIn(facts, roomId, newRoom?.genesis);
  const before = await device.linkOf(roomId);
  const way = await wayIn(options.link, known, own, before);
  if (!way.ok) return way;
  const { link, keys, roster, kind } = way.value;
  const { genesis, statements } = roster;
  if (kind === 'out' && (await store.chainEnds()).length === 0) return err({ kind: 'link-replaced' });
  options.onAddress(formatLink(link));

  const session = await issueSession(keys, { publicKey: fromHex(own.deviceId), signing: own.signing });
  const myName = await device.loadName();
  const made = newRoom && { privateKey: newRoom.owner.privateKey };
  const key = made ?? move?.memory?.ownerKey ?? (await device.ownerKeyOf(roomId));
  const sharing = sharedByTabs();
  // The state listens to the replica and the replica is part of the state: events wait for both to exist.
  const events = lateEvents();
  const replica = await Replica.open({
    roomId,
    keys,
    session,
    ...roster,
    ...(kind === 'in' && { carry: toCarry(facts, keys.role) }),
    // What rests here can't be read with keys of a later epoch before the statements come.
    ...(move?.byLog && { byLog: true }),
    store: kind === 'newcomer' ? await inMemory() : store,
    folder: workerFolder(),
    transports: transportsTo(origin),
    ...(sharing && { sharing }),
    ...(kind !== 'out' && {
      archive: archiveWay(origin, keys, ownerBy(key, roster.genesis, roster.owners), genesis === undefined),
    }),
    clock: systemClock,
    events,
  });
  const moveTo = async (
    to: RoomLink,
    why: Pick<Move, 'moved' | 'forked' | 'doubt' | 'byLog'>,
  ): Promise<void> => {
    const words = await room.unsigned();
    options.onMove({
      link: to,
      ...(move?.byLog && { byLog: true }),
      ...why,
      words,
      ...(notKept && {
        memory: { store, notKept, ownerKey: ownership.key, ...(device.kind === 'memory' && { device }) },
      }),
    });
  };

  const ownership: OwnershipState = new OwnershipState({
    roomId,
    replica,
    roster,
    key,
    keepsKeys: device.kind === 'device',
    load: () => device.ownerKeyOf(roomId),
    keep: ({ privateKey, publicKey }) =>
      device.rememberRoom({
        ...recentRoomOf(keys, room.name, Date.now()),
        ownerKey: privateKey,
        ownerPublicKey: publicKey,
      }),
    now: () => Date.now(),
  });
  let insists = false;
  let begun: Roster | undefined;
  const changeMembers = async (members: readonly Member[]): Promise<void> => {
    // The owner's alone, and seldom: not part of what everybody waits for.
    const { beginEpoch } = await import('./change-epoch.ts');
    await oneAtATime(roomId, async () => {
      const { owner } = ownership;
      const { roster: now } = replica.epochs;
      if (owner === undefined || now === undefined) return;
      // Another tab of this device was quicker: this one hears of it, and is opened again.
      if (((await store.loadFacts()).roster?.length ?? 0) > statements.length) return;
      const change = { replica, owner, keys, roster: now, me: own.deviceId, members, insists };
      // Who was told and asks again is not kept by what the server says.
      insists = true;
      begun = await beginEpoch({ ...change, now: Date.now() });
      await room.follow(begun);
    });
  };
  const letIn = async (members: readonly Member[]): Promise<void> => {
    const { admit } = await import('./admit.ts');
    await oneAtATime(roomId, async () => {
      const { owner } = ownership;
      const { roster: now } = replica.epochs;
      if (owner === undefined || now === undefined) return;
      await admit({ replica, owner, keys, roster: now, members, now: Date.now() });
    });
  };
  const room: RoomState = new RoomState({
    keys,
    me: own.deviceId,
    session: session.id,
    clientId: session.clientId,
    myName,
    device,
    replica,
    notKept,
    storeClosed,
    links: linksOf(link, keys, origin),
    out: kind === 'out',
    ...(move?.moved && { moved: move.moved }),
    ...(move?.forked && { forked: move.forked }),
    ...(move?.doubt && { doubt: move.doubt }),
    ...(move?.words && { words: move.words }),
    // What a newcomer finds before the statements come does not rest on this device.
    onForked: (forked) => kind === 'in' && void moveTo(link, { forked }),
    onFalse: (doubt) => void moveTo(link, { byLog: true, ...(doubt && { doubt }) }),
    ownership,
    changeMembers: kind === 'in' ? changeMembers : undefined,
    admit: kind === 'in' ? letIn : undefined,
    granted: () => [...(statements.at(-1)?.grants ?? []), ...replica.epochs.news.admissions],
    onRoster: async (newer) => {
      const remembered = await device.linkOf(roomId);
      const here = { store, device: own, remembered, link: options.link, known, way: way.value, replica };
      const { link: to, ...left } = await nextEpoch(here, newer);
      // Who never had the room has seen no change of it.
      const unknown = kind === 'newcomer' && !before;
      const moved: Moved = { from: keys.role, by: 'new-keys', mine: newer === begun };
      return { ...left, go: () => void moveTo(to, unknown ? {} : { moved }) };
    },
    onAdmissions: async (roster) => {
      const next = await wayIn(link, roster, own, await device.linkOf(roomId));
      if (kind !== 'in' || !next.ok || next.value.keys.role === keys.role) return undefined;
      await replica.settled();
      const { link: to } = next.value;
      const go = (): void => void moveTo(to, { moved: { from: keys.role, by: 'admission' } });
      return { behind: 0, unsaved: !replica.atRest, go };
    },
  });
  events.deliverTo(room.listener);
  if (newRoom !== undefined && move === undefined) room.begin(newRoom);
  if (kind === 'out') {
    const { waitToComeBack } = await import('./come-back.ts');
    const here = { store, device: own, remembered: await device.linkOf(roomId), link, known, way: way.value };
    const onIn = (to: RoomLink): void => void moveTo(to, { moved: { from: keys.role, by: 'return' } });
    room.waits(waitToComeBack({ ...here, session, transports: transportsTo(origin), onIn }));
    return ok(room);
  }
  replica.connect(topicOf(keys));
  // A link that nothing vouches for yet must not take the place of one that works.
  if (kind !== 'newcomer') room.remember();
  return ok(room);
}

function linksOf(link: RoomLink, keys: RoomKeys, origin: string): ShareLinks {
  const { e, c, v } = keys.seeds;
  const to = (seedKind: SeedKind, seed: Bytes): string =>
    origin + formatLink({ roomId: link.roomId, epoch: link.epoch, seedKind, seed });
  return { view: to('v', v), ...(c && { comment: to('c', c) }), ...(e && { edit: to('e', e) }) };
}

/** A room that is here is shown before its copy on the server is looked at; for a newcomer that copy may be all there is. */
function archiveWay(origin: string, keys: RoomKeys, owner: Owner | undefined, atOnce: boolean): ArchiveWay {
  return {
    owned: owner !== undefined,
    open: async () => {
      if (!atOnce) await pageAtRest();
      const { archiveDoor } = await import('./archive-door.ts');
      return archiveDoor(origin, keys, owner);
    },
  };
}

function pageAtRest(): Promise<unknown> {
  return new Promise((resolve) => {
    if ('requestIdleCallback' in globalThis) requestIdleCallback(resolve, { timeout: AT_REST_WITHIN_MS });
    else setTimeout(resolve, AT_REST_WITHIN_MS);
  });
}

/** Seldom needed: fetched only where the browser keeps nothing, or by a newcomer whose disk waits for the statements. */
const inMemory = async (): Promise<LogStore> => (await import('../storage/stores/memory.ts')).memoryStore();

const loadDevice = (device: DeviceStore) =>
  device.loadDevice(async () => {
    const { publicKey, ...keys } = await generateDeviceKeyPair();
    return { deviceId: deviceIdOf(publicKey), ...keys };
  });
