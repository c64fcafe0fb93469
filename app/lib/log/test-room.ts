/** For tests only: a room with keys, authors who type into real Y.Docs, and a forge that signs whatever it is told to. */
import { createEncoder, toUint8Array, writeUint8, writeVarString, writeVarUint } from 'lib0/encoding';
import * as Y from 'yjs';
import { sha256 } from '@noble/hashes/sha2.js';
import { toHex, type Bytes } from '../core/bytes.ts';
import type { Channel } from '../core/ids.ts';
import { deviceKeyPairFromSeed } from '../crypto/device-keys.ts';
import { createRoom, deriveRoomKeys, type RoomKeys } from '../crypto/room-keys.ts';
import type { SigningKeyPair } from '../crypto/signatures.ts';
import type { BranchStart } from './branches.ts';
import { issueSession, type OwnSession } from './certificate.ts';
import { chainHashes, chainStart, segmentMessage, type Entry } from './entry.ts';
import { makeGenesis, type Genesis } from './genesis.ts';
import { RoomLog, type Accepted, type Receipt } from './room-log.ts';
import { seal } from './seal.ts';
import { encodeSegment } from './segment.ts';

export interface TestRoom {
  readonly owner: SigningKeyPair;
  readonly keys: RoomKeys;
  readonly viewKeys: RoomKeys;
  readonly genesis: Genesis;
  newLog(branches?: readonly BranchStart[]): RoomLog;
  newSession(): Promise<OwnSession>;
}

export async function testRoom(): Promise<TestRoom> {
  const { owner, roomId, editSeed } = await createRoom();
  const keys = await deriveRoomKeys('e', editSeed, 0, roomId);
  const viewKeys = await deriveRoomKeys('v', keys.seeds.v, 0, roomId);
  const genesis = await makeGenesis(owner, keys);
  return {
    owner,
    keys,
    viewKeys,
    genesis,
    newLog: (branches = []) => new RoomLog({ roomId, keys, genesis, branches }),
    newSession: async () => issueSession(keys, await deviceKeyPairFromSeed(new Uint8Array(32).fill(7))),
  };
}

/** Somebody who edits one text through a log of their own. */
export class Author {
  readonly session: OwnSession;
  readonly log: RoomLog;
  readonly doc = new Y.Doc();
  /** Own entries' segments, one entry each. */
  readonly sealed: Bytes[] = [];
  #updates: Bytes[] = [];

  constructor(room: TestRoom, session: OwnSession) {
    this.session = session;
    this.log = room.newLog();
    this.doc.clientID = session.clientId;
    this.doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== 'log') this.#updates.push(update.slice());
    });
  }

  get text(): Y.Text {
    return this.doc.getText('files');
  }

  /** Edits in one transaction and appends what that made, if anything. */
  async edit(change: (text: Y.Text) => void, time = 1_000): Promise<Accepted | undefined> {
    this.doc.clientID = this.session.clientId;
    this.doc.transact(() => change(this.text));
    const [update] = this.#updates.splice(0);
    if (update === undefined) return undefined;
    const appended = await this.log.append(this.session, 'project', update, time);
    if (!appended.ok) throw new Error(`${appended.error.code}: ${appended.error.detail}`);
    this.sealed.push(appended.value.sealed);
    return appended.value;
  }

  async receive(sealed: Bytes): Promise<Receipt> {
    const receipt = await this.log.receive(sealed);
    applyTo(this.doc, receipt);
    return receipt;
  }
}

export function applyTo(doc: Y.Doc, { accepted }: Pick<Receipt, 'accepted'>): void {
  for (const { channel, entries } of accepted)
    if (channel === 'project') for (const { payload } of entries) Y.applyUpdate(doc, payload, 'log');
}

/** SHA-256 of the state as a fresh doc encodes it. */
export function stateHash(doc: Y.Doc): string {
  const fresh = new Y.Doc();
  Y.applyUpdate(fresh, Y.encodeStateAsUpdate(doc));
  return toHex(sha256(Y.encodeStateAsUpdate(fresh)));
}

export const isPending = ({ store }: Y.Doc): boolean =>
  store.pendingStructs !== null || store.pendingDs !== null;

/** A chain whose author signs anything, cut into segments as asked. */
export class Forge {
  readonly session: OwnSession;
  readonly channel: Channel;
  readonly entries: Entry[] = [];
  readonly #room: TestRoom;
  readonly #hashes: Bytes[] = [];

  constructor(room: TestRoom, session: OwnSession, channel: Channel = 'project') {
    this.#room = room;
    this.session = session;
    this.channel = channel;
  }

  add(payload: Bytes, heads: Bytes = new Uint8Array(), time = 1_000): this {
    this.entries.push({ payload, heads, time });
    return this;
  }

  /** Entries `first` to `last`, inclusive and from 1, as a sealed segment. */
  async segment(first: number, last: number): Promise<Bytes> {
    const { certificate, publicKey } = this.session;
    this.#hashes[0] ??= chainStart(certificate, this.channel);
    const hashes = this.#hashes;
    const from = hashes.length;
    const end = hashes[from - 1] as Bytes;
    hashes.push(...(await chainHashes(end, from, this.entries.slice(from - 1, last))));
    const [before, hash] = [hashes[first - 1], hashes[last]];
    if (before === undefined || hash === undefined) throw new Error('no such entries');
    const body = encodeSegment({
      publicKey,
      channel: this.channel,
      first,
      ...(first === 1 ? { certificate } : { before }),
      entries: this.entries.slice(first - 1, last),
      signature: await this.session.sign(segmentMessage(this.channel, hash)),
    });
    return seal(this.#room.keys, 'segment', body);
  }

  /** All entries, cut after each of the given seqs. */
  async cut(after: readonly number[]): Promise<Bytes[]> {
    const ends = [...new Set([...after, this.entries.length])].filter((end) => end <= this.entries.length);
    const segments: Bytes[] = [];
    let first = 1;
    for (const end of ends.sort((a, b) => a - b)) {
      if (end < first) continue;
      segments.push(await this.segment(first, end));
      first = end + 1;
    }
    return segments;
  }
}

export type Id = readonly [client: number, clock: number];

export interface RawStruct {
  readonly kind?: number;
  readonly origin?: Id;
  readonly rightOrigin?: Id;
  readonly parent?: string | Id;
  readonly text?: string;
  /** Written in the place of content, for kinds that have only a length (GC, Skip, deleted). */
  readonly length?: number;
}

/** A Yjs V1 update written by hand: what no honest Yjs would send. */
export function rawUpdate(
  client: number,
  clock: number,
  structs: readonly RawStruct[],
  deletes: readonly (readonly [client: number, clock: number, length: number])[] = [],
): Bytes {
  const encoder = createEncoder();
  writeVarUint(encoder, structs.length > 0 ? 1 : 0);
  if (structs.length > 0) {
    writeVarUint(encoder, structs.length);
    writeVarUint(encoder, client);
    writeVarUint(encoder, clock);
  }
  const writeId = ([idClient, idClock]: Id): void => {
    writeVarUint(encoder, idClient);
    writeVarUint(encoder, idClock);
  };
  for (const { kind = 4, origin, rightOrigin, parent = 'files', text = 'x', length } of structs) {
    writeUint8(encoder, kind | (origin ? 0x80 : 0) | (rightOrigin ? 0x40 : 0));
    if (kind !== 0 && kind !== 10) {
      if (origin) writeId(origin);
      if (rightOrigin) writeId(rightOrigin);
      if (!origin && !rightOrigin) {
        writeVarUint(encoder, typeof parent === 'string' ? 1 : 0);
        if (typeof parent === 'string') writeVarString(encoder, parent);
        else writeId(parent);
      }
    }
    if (length === undefined) writeVarString(encoder, text);
    else writeVarUint(encoder, length);
  }
  writeVarUint(encoder, deletes.length);
  for (const [deleteClient, from, length] of deletes) {
    writeVarUint(encoder, deleteClient);
    writeVarUint(encoder, 1);
    writeVarUint(encoder, from);
    writeVarUint(encoder, length);
  }
  return toUint8Array(encoder);
}
