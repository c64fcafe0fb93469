/** Whole replicas of people who go through epochs: each has a device with keys, a disk, and a link; topics are networks of their own. */
import * as Y from 'yjs';
import { fromHex, toHex, type Bytes } from '../lib/core/bytes.ts';
import { deviceIdOf, generateDeviceKeyPair } from '../lib/crypto/device-keys.ts';
import type { RoomLink } from '../lib/crypto/links.ts';
import { createRoom, deriveRoomKeys, type RoomKeys, type SeedKind } from '../lib/crypto/room-keys.ts';
import { generateSigningKeyPair, sign, type SigningKeyPair } from '../lib/crypto/signatures.ts';
import { Project } from '../lib/document/project.ts';
import { issueSession, type OwnSession } from '../lib/log/certificate.ts';
import { makeGenesis } from '../lib/log/genesis.ts';
import type { LogStore } from '../lib/log/log-store.ts';
import type { Accepted } from '../lib/log/receipt.ts';
import type { Member } from '../lib/log/roster-codec.ts';
import type { Roster } from '../lib/log/roster.ts';
import type { DeviceKeys, RecentRoom } from '../lib/storage/device.ts';
import { memoryStore } from '../lib/storage/stores/memory.ts';
import type { ArchiveServer } from '../lib/sync/archive/archive-server.ts';
import type { RoomWaits } from '../lib/sync/archive/room-at-rest.ts';
import { topicOf } from '../lib/sync/topic.ts';
import { stateHash } from '../lib/sync/fold-session.ts';
import { inPlaceFolder } from '../lib/sync/folder.ts';
import { toCarry } from '../lib/sync/move-on.ts';
import { Replica, type ReplicaNotice } from '../lib/sync/replica.ts';
import type { Transport } from '../lib/sync/transport.ts';
import { admit } from '../lib/workspace/admit.ts';
import { beginEpoch } from '../lib/workspace/change-epoch.ts';
import { waitToComeBack } from '../lib/workspace/come-back.ts';
import { nextEpoch, type NextEpoch } from '../lib/workspace/next-epoch.ts';
import { newCode, recover, useFirstCode } from '../lib/workspace/change-owners.ts';
import { ownerBy } from '../lib/workspace/owner-key.ts';
import type { OwnershipProblem, Recovery } from '../lib/workspace/room-model.ts';
import type { OwnersStatement } from '../lib/log/owners.ts';
import type { Owner } from '../lib/sync/archive/registration.ts';
import { rosterIn, wayIn, type KnownRoster, type WayIn } from '../lib/workspace/way-in.ts';
import { MemoryNetwork, type NetworkFaults } from './memory-network.ts';
import { wayTo } from './replicas.ts';

/** One room, its owner's key, and a network for each of its topics. */
export class EpochRoom {
  readonly #networks = new Map<string, MemoryNetwork>();
  readonly owner: SigningKeyPair;
  readonly genesis: Bytes;
  readonly link: RoomLink;
  /** A tab's way to the room's archive; absent: there is none. */
  archive: ((keys: RoomKeys) => ArchiveServer) | undefined;
  /** When an owner's tab makes room there; absent: as in the app. */
  archiveRoom: RoomWaits | undefined;
  /** Whether people meet at all, or have the archive alone. */
  meets = true;
  readonly #chance: () => number;
  #faults: NetworkFaults = { loss: 0, repeat: 0, reorder: 0 };

  private constructor(owner: SigningKeyPair, genesis: Bytes, link: RoomLink, chance: () => number) {
    this.owner = owner;
    this.genesis = genesis;
    this.link = link;
    this.#chance = chance;
  }

  /** `chance`: for the weather, numbers from 0 to 1. */
  static async make(chance: () => number = Math.random): Promise<EpochRoom> {
    const { owner, roomId, editSeed } = await createRoom();
    const keys = await deriveRoomKeys('e', editSeed, 0, roomId);
    const { bytes } = await makeGenesis(owner, keys);
    return new EpochRoom(owner, bytes, { roomId, seedKind: 'e', epoch: 0, seed: editSeed }, chance);
  }

  /** The link of that kind which the edit link gives. */
  async linkTo(kind: SeedKind, { roomId, seed, epoch }: RoomLink = this.link): Promise<RoomLink> {
    const { seeds } = await deriveRoomKeys('e', seed, epoch, roomId);
    return { roomId, epoch, seedKind: kind, seed: seeds[kind] ?? seeds.v };
  }

  /** How many frames of that kind (their first byte) went over all topics together. */
  sent(kind: number): number {
    return [...this.#networks.values()].reduce((sum, network) => sum + (network.sent.get(kind) ?? 0), 0);
  }

  /** How all its topics carry frames from now on. */
  weather(faults: NetworkFaults): void {
    this.#faults = faults;
    for (const network of this.#networks.values()) network.faults = faults;
  }

  /** Grows with every frame, of whatever kind. */
  get frames(): number {
    return [...this.#networks.values()]
      .flatMap(({ sent }) => [...sent.values()])
      .reduce((sum, count) => sum + count, 0);
  }

  /** Everybody of one topic meets everybody. */
  transport(): Transport {
    return {
      id: 'relay',
      connect: (room, events) => {
        const topic = toHex(room.topic);
        const network = this.#networks.get(topic) ?? new MemoryNetwork(this.#chance);
        network.faults = this.#faults;
        this.#networks.set(topic, network);
        return network.transport(true, 'relay').connect(room, events);
      },
    };
  }
}

/** Somebody with one device. */
export class Person {
  readonly room: EpochRoom;
  readonly device: DeviceKeys;
  readonly store: LogStore = memoryStore();
  /** What the tab sees of the store: a test may put one there that dies. */
  disk: LogStore = this.store;
  readonly notices: ReplicaNotice[] = [];
  messages: Accepted[] = [];
  /** Whether something that was written here is not on the disk. */
  unsaved = false;
  link: RoomLink;
  way: WayIn | undefined;
  replica: Replica | undefined;
  project: Project | undefined;
  /** Whether this device has the key that the room is named by. */
  owner = false;
  /** A key of this device's own for the room, by a recovery code. */
  ownKey: SigningKeyPair | undefined;
  /** Where an owner let this device in again, since it was opened. */
  letIn: RoomLink | undefined;
  #stopWaiting: (() => Promise<void>) | undefined;
  /** What the list of rooms says on this device. */
  #remembered: RecentRoom['link'] | undefined;
  #known: KnownRoster = { genesis: undefined, statements: [], owners: [] };
  #online = true;

  private constructor(room: EpochRoom, device: DeviceKeys, link: RoomLink) {
    this.room = room;
    this.device = device;
    this.link = link;
  }

  static async of(room: EpochRoom, kind: SeedKind = 'e'): Promise<Person> {
    const { publicKey, ...device } = await generateDeviceKeyPair();
    return new Person(room, { deviceId: deviceIdOf(publicKey), ...device }, await room.linkTo(kind));
  }

  /** A session of this device, by whatever keys. */
  newSession(keys: RoomKeys): Promise<OwnSession> {
    const { deviceId, signing } = this.device;
    return issueSession(keys, { publicKey: fromHex(deviceId), signing });
  }

  /** Opens the room with what this device has of it, like the room page does. */
  async open(online = this.#online): Promise<this> {
    this.#online = online;
    const facts = await this.disk.loadFacts();
    const known = await rosterIn(facts, this.link.roomId);
    const way = await wayIn(this.link, known, this.device, this.#remembered);
    if (!way.ok) throw new Error(way.error.kind);
    this.way = way.value;
    const { keys, roster, kind, link } = way.value;
    this.#known = known;
    if (kind === 'in') {
      this.link = link;
      this.#remembered = { ...link, kind: link.seedKind };
    }
    this.messages = [];
    this.letIn = undefined;
    const session = await this.newSession(keys);
    this.replica = await Replica.open({
      roomId: keys.roomId,
      keys,
      session,
      ...roster,
      ...(kind === 'in' && { carry: toCarry(facts, keys.role) }),
      store: kind === 'newcomer' ? memoryStore() : this.disk,
      folder: inPlaceFolder(),
      transports: this.room.meets ? [this.room.transport()] : [],
      ...(this.room.archive && {
        archive: wayTo({
          server: this.room.archive(keys),
          owner: this.#ownerAfter(roster.owners),
          alone: (work) => work(),
          ...(this.room.archiveRoom && { room: this.room.archiveRoom }),
          waits: { ownMs: 5, othersMs: 20, jitterMs: 5, confirmMs: 20 },
        }),
      }),
      clock: { now: () => Date.now() },
      events: {
        onMessages: (accepted) => this.messages.push(...accepted),
        onSaved: ({ kind }) => void (this.unsaved = kind === 'unsaved'),
        onPeers: () => undefined,
        onNotice: (notice) => {
          this.notices.push(notice);
          if (notice.kind === 'same-keys') this.replica?.archive?.own(this.#ownerAfter(notice.roster.owners));
          if (notice.kind === 'genesis') void this.store.saveFacts({ genesis: notice.bytes });
        },
      },
    });
    this.project = new Project(this.replica.doc);
    if (online && kind !== 'out') this.replica.connect(topicOf(keys));
    if (online && kind === 'out') this.#waitAtTheDoor(way.value, session);
    return this;
  }

  /** The newest statements heard since the room was opened. */
  get heard(): Roster | undefined {
    const news = this.notices.filter((notice) => notice.kind === 'roster').at(-1);
    return news?.roster;
  }

  /** Goes where the statements lead, like the room page does; says what would be left behind. */
  async follow(): Promise<NextEpoch> {
    const { heard, replica, way, disk: store, device, link } = this;
    if (heard === undefined || replica === undefined || way === undefined)
      throw new Error('nothing was heard');
    const here = { store, device, remembered: this.#remembered, link, known: this.#known, way, replica };
    const next = await nextEpoch(here, heard);
    await this.reopen();
    return next;
  }

  async #leave(): Promise<void> {
    await this.#stopWaiting?.();
    this.#stopWaiting = undefined;
    await this.replica?.close();
  }

  #waitAtTheDoor(way: WayIn, session: OwnSession): void {
    const { disk: store, device } = this;
    const here = { store, device, remembered: this.#remembered, link: this.link, known: this.#known, way };
    const onIn = (link: RoomLink): void => void (this.letIn = link);
    this.#stopWaiting = waitToComeBack({ ...here, session, transports: [this.room.transport()], onIn });
  }

  async reopen(online = this.#online): Promise<void> {
    await this.#leave();
    this.notices.length = 0;
    await this.open(online);
  }

  /** As the owner: these people come along, everybody else does not. */
  async begin(members: readonly Member[], insists = false): Promise<void> {
    const { replica, way } = this;
    const roster = replica?.epochs.roster;
    if (replica === undefined || way === undefined || roster === undefined) throw new Error('not open');
    const { privateKey } = this.ownKey ?? this.room.owner;
    await beginEpoch({
      replica,
      owner: { sign: (message) => sign(privateKey, message) },
      keys: way.keys,
      roster,
      me: this.device.deviceId,
      insists,
      members,
      now: Date.now(),
    });
    await this.reopen();
  }

  /** As an owner: these people get at least that, and nothing changes for anybody else. */
  async admit(...members: readonly Member[]): Promise<void> {
    const { replica, way } = this;
    const roster = replica?.epochs.roster;
    if (replica === undefined || way === undefined || roster === undefined) throw new Error('not open');
    const { privateKey } = this.ownKey ?? this.room.owner;
    const owner = { sign: (message: Bytes) => sign(privateKey, message) };
    await admit({ replica, owner, keys: way.keys, roster, members, now: Date.now() });
  }

  /** Makes the room's first recovery code, with the key that it is named by. */
  async makeCode(): Promise<string> {
    const code = newCode();
    const root = { sign: (message: Bytes) => sign(this.room.owner.privateKey, message) };
    const problem = await useFirstCode(this.#here(), code, root);
    if (problem !== undefined) throw new Error(problem.kind);
    return code;
  }

  /** Makes this device an owner, like the dialog does. */
  async recover(typed: string, recovery: Recovery, insists = false): Promise<OwnershipProblem | undefined> {
    this.ownKey ??= await generateSigningKeyPair();
    return recover({ ...this.#here(), insists }, typed, this.ownKey.publicKey, recovery);
  }

  #here() {
    const { replica } = this;
    const roster = replica?.epochs.roster;
    if (replica === undefined || roster === undefined) throw new Error('not open');
    return { roomId: roster.genesis.roomId, replica, roster, now: Date.now() };
  }

  #ownerAfter(owners: readonly OwnersStatement[]): Owner | undefined {
    const made = this.owner ? { privateKey: this.room.owner.privateKey } : undefined;
    return ownerBy(
      this.ownKey ?? made,
      this.replica?.epochs.roster?.genesis ?? this.way?.roster.genesis,
      owners,
    );
  }

  write(text: string): void {
    const { project } = this;
    if (project === undefined) throw new Error('not open');
    if (project.list().length === 0) project.createText('file.txt', '');
    const [file] = project.list();
    const into = file && project.text(file.id);
    into?.insert(into.length, text);
  }

  read(): string {
    const [file] = this.project?.list() ?? [];
    return file === undefined ? '' : (this.project?.text(file.id)?.toString() ?? '');
  }

  hash(): string {
    if (this.replica === undefined) throw new Error('not open');
    return toHex(stateHash(Y.encodeStateAsUpdate(this.replica.doc)));
  }

  close(): Promise<void> {
    return this.#leave();
  }
}
