/**
 * What this device keeps besides rooms: its key pair, its person's name, and the rooms it has been in.
 * The landing page loads this file alone: it imports idb and core, nothing else. Where storage is refused everything
 * works from memory, and `kind` says so.
 */
import type { DBSchema, IDBPDatabase } from 'idb';
import { higherRole, type DeviceId, type Role, type RoomId } from '../core/ids.ts';
import { openDatabase, type Migration, type OpenOptions } from './open-database.ts';
import type { StorageProblem } from './storage-problem.ts';

/** The X25519 pair that a device is known by. The private key is not extractable; the browser stores it as it is. */
export interface ReceivingKeys {
  /** The public key, in hex. */
  readonly deviceId: DeviceId;
  readonly privateKey: CryptoKey;
}

/** What this device receives with, and what it proves itself by. */
export interface DeviceKeys extends ReceivingKeys {
  /** The same key as Ed25519, no more extractable. */
  readonly signing: { readonly publicKey: Uint8Array<ArrayBuffer>; readonly privateKey: CryptoKey };
  /** What it was known by before devices proved themselves: what was given to that name is still its own. */
  readonly former?: ReceivingKeys;
}

export type NewDeviceKeys = Omit<DeviceKeys, 'former'>;

/** A room this device has opened, with what its link held. */
export interface RecentRoom {
  readonly roomId: RoomId;
  readonly name: string;
  readonly role: Role;
  /** What the link's fragment says: 'e' edits, 'c' comments, 'v' views. */
  readonly link: { readonly kind: string; readonly epoch: number; readonly seed: Uint8Array };
  /** ms since 1970 */
  readonly lastOpenedAt: number;
  /** Only where this device made the room, or came to own it by a recovery code. */
  readonly ownerKey?: CryptoKey;
  /** Absent: the key that the room is named by. */
  readonly ownerPublicKey?: Uint8Array;
}

/** The key by which this device owns a room, or owned it. It can't be exported. */
export interface OwnerKey {
  readonly privateKey: CryptoKey;
  /** Absent: the key that the room is named by. */
  readonly publicKey?: Uint8Array;
}

export interface DeviceStore {
  /** 'memory': this browser refuses storage, and everything here goes with the tab. */
  readonly kind: 'device' | 'memory';
  /** Why it is memory. */
  readonly problem: StorageProblem | undefined;
  /**
   * The device's keys; the first time they are made, and of two tabs doing so at once the first one's are kept. Keys that can't
   * sign, of an earlier version, become the `former` ones of new ones.
   */
  loadDevice(makeKeys: () => Promise<NewDeviceKeys>): Promise<DeviceKeys>;
  /** The name this device's person chose, if they did. */
  loadName(): Promise<string | undefined>;
  saveName(name: string): Promise<void>;
  /** Newest first. */
  listRecentRooms(): Promise<RecentRoom[]>;
  /** Adds or renews a room. An owner key, and a link that allows more, are kept when the renewal lacks them. */
  rememberRoom(room: RecentRoom): Promise<void>;
  /** Removes a room from the list, its keys included. The room's log is the room store's to destroy. */
  forgetRoom(roomId: RoomId): Promise<void>;
  ownerKeyOf(roomId: RoomId): Promise<OwnerKey | undefined>;
  /** What the room was opened with here last. */
  linkOf(roomId: RoomId): Promise<RecentRoom['link'] | undefined>;
  close(): void;
}

interface DeviceSchema extends DBSchema {
  rooms: { key: RoomId; value: RecentRoom };
  keys: { key: 'device'; value: DeviceKeys | ReceivingKeys };
  person: { key: 'name'; value: string };
}

const DATABASE_NAME = 'codeface-device';

/** Never edit a step that was released: add the next. */
const MIGRATIONS: readonly Migration<DeviceSchema>[] = [
  (db) => {
    db.createObjectStore('rooms', { keyPath: 'roomId' });
    db.createObjectStore('keys');
    db.createObjectStore('person');
  },
];

const STRICT = { durability: 'strict' } as const;

/** Opens this device's store; never fails, but may give one in memory. */
export async function openDeviceStore(options: OpenOptions = {}): Promise<DeviceStore> {
  const opened = await openDatabase<DeviceSchema>(DATABASE_NAME, MIGRATIONS, options);
  return opened.ok ? new StoredDevice(opened.value) : new MemoryDevice(opened.error);
}

class StoredDevice implements DeviceStore {
  readonly kind = 'device';
  readonly problem = undefined;
  readonly #db: IDBPDatabase<DeviceSchema>;

  constructor(db: IDBPDatabase<DeviceSchema>) {
    this.#db = db;
  }

  async loadDevice(makeKeys: () => Promise<NewDeviceKeys>): Promise<DeviceKeys> {
    const stored = await this.#db.get('keys', 'device');
    if (canSign(stored)) return stored;
    // Making keys outlasts a transaction, so whether someone was faster is asked again inside one.
    const made = await makeKeys();
    const transaction = this.#db.transaction('keys', 'readwrite', STRICT);
    const before = await transaction.store.get('device');
    const kept = canSign(before) ? before : { ...made, ...(before && { former: before }) };
    if (kept !== before) await transaction.store.put(kept, 'device');
    await transaction.done;
    return kept;
  }

  loadName(): Promise<string | undefined> {
    return this.#db.get('person', 'name');
  }

  async saveName(name: string): Promise<void> {
    const transaction = this.#db.transaction('person', 'readwrite', STRICT);
    await Promise.all([transaction.store.put(name, 'name'), transaction.done]);
  }

  async listRecentRooms(): Promise<RecentRoom[]> {
    return newestFirst(await this.#db.getAll('rooms'));
  }

  async rememberRoom(room: RecentRoom): Promise<void> {
    const transaction = this.#db.transaction('rooms', 'readwrite', STRICT);
    await transaction.store.put(renewed(await transaction.store.get(room.roomId), room));
    await transaction.done;
  }

  async forgetRoom(roomId: RoomId): Promise<void> {
    const transaction = this.#db.transaction('rooms', 'readwrite', STRICT);
    await Promise.all([transaction.store.delete(roomId), transaction.done]);
  }

  async ownerKeyOf(roomId: RoomId): Promise<OwnerKey | undefined> {
    return ownerKeyIn(await this.#db.get('rooms', roomId));
  }

  async linkOf(roomId: RoomId): Promise<RecentRoom['link'] | undefined> {
    return (await this.#db.get('rooms', roomId))?.link;
  }

  close(): void {
    this.#db.close();
  }
}

class MemoryDevice implements DeviceStore {
  readonly kind = 'memory';
  readonly problem: StorageProblem;
  readonly #rooms = new Map<RoomId, RecentRoom>();
  #keys: Promise<DeviceKeys> | undefined;
  #name: string | undefined;

  constructor(problem: StorageProblem) {
    this.problem = problem;
  }

  async loadDevice(makeKeys: () => Promise<NewDeviceKeys>): Promise<DeviceKeys> {
    try {
      return await (this.#keys ??= makeKeys());
    } catch (error) {
      this.#keys = undefined;
      throw error;
    }
  }

  async loadName(): Promise<string | undefined> {
    return this.#name;
  }

  async saveName(name: string): Promise<void> {
    this.#name = name;
  }

  async listRecentRooms(): Promise<RecentRoom[]> {
    return newestFirst([...this.#rooms.values()]);
  }

  async rememberRoom(room: RecentRoom): Promise<void> {
    this.#rooms.set(room.roomId, renewed(this.#rooms.get(room.roomId), room));
  }

  async forgetRoom(roomId: RoomId): Promise<void> {
    this.#rooms.delete(roomId);
  }

  async ownerKeyOf(roomId: RoomId): Promise<OwnerKey | undefined> {
    return ownerKeyIn(this.#rooms.get(roomId));
  }

  async linkOf(roomId: RoomId): Promise<RecentRoom['link'] | undefined> {
    return this.#rooms.get(roomId)?.link;
  }

  close(): void {
    // Nothing is held open.
  }
}

const canSign = (keys: DeviceKeys | ReceivingKeys | undefined): keys is DeviceKeys =>
  keys !== undefined && 'signing' in keys;

const newestFirst = (rooms: RecentRoom[]): RecentRoom[] =>
  rooms.sort((a, b) => b.lastOpenedAt - a.lastOpenedAt);

/** Opening a room by a lesser link, or one of an epoch that has ended, must not take from this device what it could do before. */
function renewed(before: RecentRoom | undefined, room: RecentRoom): RecentRoom {
  if (before === undefined) return room;
  const allowsMore = before.role !== room.role && higherRole(before.role, room.role) === before.role;
  const older = before.link.epoch > room.link.epoch || (before.link.epoch === room.link.epoch && allowsMore);
  const { ownerKey, ownerPublicKey } = room.ownerKey === undefined ? before : room;
  return {
    ...room,
    ...(older && { role: before.role, link: before.link }),
    ...(ownerKey !== undefined && { ownerKey }),
    ...(ownerPublicKey !== undefined && { ownerPublicKey }),
  };
}

function ownerKeyIn(room: RecentRoom | undefined): OwnerKey | undefined {
  if (room?.ownerKey === undefined) return undefined;
  const { ownerKey: privateKey, ownerPublicKey: publicKey } = room;
  return { privateKey, ...(publicKey && { publicKey }) };
}
