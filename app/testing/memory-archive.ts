/**
 * An archive in memory that answers as docs/spec-archive.md has it (archive-contract.ts tries both it and the real server),
 * for tests in which requests and answers are lost and the server forgets.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import {
  decodeDeletion,
  decodeRegistration,
  type OwnersClaim,
  type SignedStatement,
} from '../lib/core/archive-statement.ts';
import {
  ARCHIVE_BATCH_BYTES,
  ARCHIVE_BATCH_SEGMENTS,
  ARCHIVE_INSTANCE_BYTES,
  ARCHIVE_PAGE_BYTES,
  ARCHIVE_PAGE_SEGMENTS,
  ARCHIVE_SEGMENT_OVERHEAD_BYTES,
  type ArchivePage,
  type ArchiveStatus,
} from '../lib/core/archive-wire.ts';
import { equalBytes, randomBytes, toHex, type Bytes } from '../lib/core/bytes.ts';
import type { RoomId } from '../lib/core/ids.ts';
import { err, ok, type Result } from '../lib/core/result.ts';
import { roomIdOf, type ArchiveKeys } from '../lib/crypto/room-keys.ts';
import { verifySignature } from '../lib/crypto/signatures.ts';
import { ownersIn } from '../../signaling/archive/owner-proof.ts';
import type { ArchiveProblem, ArchiveServer } from '../lib/sync/archive/archive-server.ts';

export type ArchiveRequest = 'status' | 'register' | 'append' | 'page' | 'delete' | 'owners';
/**
 * `later`: refused before anything happened. `lost`: done, and the answer never came. `never`: not even heard, and no
 * answer until the tab closes; `unheard`: done, and then the same.
 */
export type ArchiveFault = 'later' | 'lost' | 'never' | 'unheard';

interface KeptRoom {
  readonly instance: Bytes;
  readonly statement: Bytes;
  readonly epoch: number;
  readonly hashes: { readonly read: Bytes; readonly edit: Bytes; readonly comment: Bytes };
  readonly blob: Bytes;
  readonly segments: readonly Bytes[];
}

/** Nothing is ever full here. */
const QUOTA_BYTES = 2 ** 40;

export class MemoryArchive {
  #rooms = new Map<RoomId, KeptRoom>();
  #counters = new Map<RoomId, number>();
  #owners = new Map<RoomId, { readonly statements: readonly Bytes[]; readonly keys: readonly Bytes[] }>();
  readonly #roomsBefore: Map<RoomId, KeptRoom>[] = [];

  /** A tab's way to it. `fault` is asked before each request. */
  open(
    roomId: RoomId,
    keys: ArchiveKeys,
    fault: (request: ArchiveRequest) => ArchiveFault | undefined = () => undefined,
  ): ArchiveServer {
    const closed = new AbortController();
    const ask = async <T>(
      request: ArchiveRequest,
      answer: () => Promise<Result<T, ArchiveProblem>>,
    ): Promise<Result<T, ArchiveProblem>> => {
      const happens = fault(request);
      // A request and its answer take turns of the event loop, as they would on a wire.
      await turn();
      if (happens === 'later' || closed.signal.aborted) return err({ reason: 'later' });
      const said = happens === 'never' ? undefined : await answer();
      if (happens === 'never' || happens === 'unheard') await untilAborted(closed.signal);
      await turn();
      return said === undefined || happens === 'lost' || closed.signal.aborted
        ? err({ reason: 'later' })
        : said;
    };
    return {
      status: () => ask('status', async () => this.#status(roomId, keys.read)),
      register: (statement) => ask('register', () => this.#register(roomId, statement)),
      append: (segments) =>
        keys.edit === undefined && keys.comment === undefined
          ? Promise.resolve(err({ reason: 'no-key' }))
          : ask('append', async () => this.#append(roomId, keys, segments)),
      page: (since) => ask('page', async () => this.#page(roomId, keys.read, since)),
      delete: (statement) => ask('delete', () => this.#delete(roomId, statement)),
      owners: (claim) => ask('owners', () => this.#claim(roomId, claim)),
      close: () => closed.abort(),
    };
  }

  /** Another server at the same address: it knows no room. */
  replace(): void {
    this.#rooms = new Map();
    this.#counters = new Map();
    this.#owners = new Map();
  }

  /** Remembers how it is now. */
  backUp(): void {
    this.#roomsBefore.push(new Map(this.#rooms));
  }

  /** Is again as it was at the last `backUp`: what came since is gone, and nothing tells. */
  restore(): void {
    const before = this.#roomsBefore.pop();
    if (before !== undefined) this.#rooms = before;
  }

  instance(roomId: RoomId): Bytes | undefined {
    return this.#rooms.get(roomId)?.instance;
  }

  segments(roomId: RoomId): readonly Bytes[] {
    return this.#rooms.get(roomId)?.segments ?? [];
  }

  #status(roomId: RoomId, read: Bytes): Result<ArchiveStatus, ArchiveProblem> {
    const room = this.#rooms.get(roomId);
    if (room === undefined) return err({ reason: 'unknown-room' });
    if (!isKey(room.hashes.read, read)) return err({ reason: 'wrong-key' });
    return ok(this.#statusOf(roomId, room));
  }

  async #register(roomId: RoomId, bytes: Bytes): Promise<Result<ArchiveStatus, ArchiveProblem>> {
    const decoded = decodeRegistration(bytes);
    if (!decoded.ok) return err({ reason: 'malformed' });
    if (!(await this.#isOwners(roomId, decoded.value))) return err({ reason: 'bad-proof' });
    const { counter, epoch, readKeyHash, editKeyHash, commentKeyHash, blob } = decoded.value.statement;
    const before = this.#rooms.get(roomId);
    if (before !== undefined && equalBytes(before.statement, bytes))
      return ok(this.#statusOf(roomId, before));
    const last = this.#counters.get(roomId) ?? 0;
    if (counter <= last) return err({ reason: 'old-counter', counter: last });
    const rival = epoch === before?.epoch && !equalBytes(before.hashes.read, readKeyHash);
    if (rival || (before && epoch < before.epoch)) return err({ reason: 'other-roster' });
    this.#counters.set(roomId, counter);
    const room: KeptRoom = {
      instance: before?.instance ?? randomBytes(ARCHIVE_INSTANCE_BYTES),
      statement: bytes.slice(),
      epoch,
      hashes: { read: readKeyHash, edit: editKeyHash, comment: commentKeyHash },
      blob,
      segments: before?.segments ?? [],
    };
    this.#rooms.set(roomId, room);
    return ok(this.#statusOf(roomId, room));
  }

  #append(roomId: RoomId, { edit, comment }: ArchiveKeys, segments: readonly Bytes[]) {
    const room = this.#rooms.get(roomId);
    if (room === undefined) return err({ reason: 'unknown-room' } as const);
    const may = edit ? isKey(room.hashes.edit, edit) : isKey(room.hashes.comment, comment as Bytes);
    if (!may) return err({ reason: 'wrong-key' } as const);
    if (segments.length === 0 || segments.some(({ length }) => length === 0))
      return err({ reason: 'malformed' } as const);
    if (
      segments.length > ARCHIVE_BATCH_SEGMENTS ||
      (segments.length > 1 && sum(segments) > ARCHIVE_BATCH_BYTES)
    )
      return err({ reason: 'too-large' } as const);
    const have = new Set(room.segments.map(nameOf));
    const fresh = segments.filter((one) => !have.has(nameOf(one)) && have.add(nameOf(one)));
    const after = { ...room, segments: [...room.segments, ...fresh.map((one) => one.slice())] };
    this.#rooms.set(roomId, after);
    const { cursor, bytes, quota } = this.#statusOf(roomId, after);
    return ok({ stored: fresh.length, known: segments.length - fresh.length, cursor, bytes, quota });
  }

  #page(roomId: RoomId, read: Bytes, since: number): Result<ArchivePage, ArchiveProblem> {
    const room = this.#rooms.get(roomId);
    if (room === undefined) return err({ reason: 'unknown-room' });
    if (!isKey(room.hashes.read, read)) return err({ reason: 'wrong-key' });
    const above = room.segments.slice(since);
    let bytes = 0;
    const end = above.findIndex((segment, i) => {
      bytes += segment.length;
      return i >= ARCHIVE_PAGE_SEGMENTS || (i > 0 && bytes > ARCHIVE_PAGE_BYTES);
    });
    const segments = end < 0 ? above : above.slice(0, end);
    const next = segments.length === 0 ? room.segments.length : since + segments.length;
    return ok({ instance: room.instance, next, more: next < room.segments.length, segments });
  }

  async #delete(roomId: RoomId, bytes: Bytes) {
    const decoded = decodeDeletion(bytes);
    if (!decoded.ok) return err({ reason: 'malformed' } as const);
    if (!(await this.#isOwners(roomId, decoded.value))) return err({ reason: 'bad-proof' } as const);
    const room = this.#rooms.get(roomId);
    if (room === undefined) return err({ reason: 'unknown-room' } as const);
    const { counter, instance } = decoded.value.statement;
    if (!equalBytes(instance, room.instance)) return err({ reason: 'bad-proof' } as const);
    const last = this.#counters.get(roomId) ?? 0;
    if (counter <= last) return err({ reason: 'old-counter', counter: last } as const);
    this.#counters.set(roomId, counter);
    this.#rooms.delete(roomId);
    return ok({ segments: room.segments.length, bytes: sum(room.segments), purged: true });
  }

  /** Verified by the server's own check: this is about what tabs make of the answers. */
  async #claim(roomId: RoomId, claim: OwnersClaim): Promise<Result<readonly Bytes[], ArchiveProblem>> {
    const keys = await ownersIn(claim, roomId);
    if (keys === undefined) return err({ reason: 'bad-proof' });
    const { statements: kept = [] } = this.#owners.get(roomId) ?? {};
    const { statements } = claim;
    const goesOn = kept.every((one, i) => equalBytes(one, statements[i] ?? new Uint8Array()));
    if (!goesOn || statements.length === kept.length) return ok(kept);
    this.#owners.set(roomId, { statements: statements.map((one) => one.slice()), keys });
    return ok(statements);
  }

  async #isOwners<T extends { readonly ownerPublicKey: Bytes }>(
    roomId: RoomId,
    { statement, message, signature }: SignedStatement<T>,
  ): Promise<boolean> {
    const { ownerPublicKey } = statement;
    const keys = this.#owners.get(roomId)?.keys;
    const owns = keys
      ? keys.some((one) => equalBytes(one, ownerPublicKey))
      : roomIdOf(ownerPublicKey) === roomId;
    return owns && (await verifySignature(ownerPublicKey, signature, message));
  }

  #statusOf(roomId: RoomId, { instance, epoch, segments, blob }: KeptRoom): ArchiveStatus {
    return {
      instance,
      counter: this.#counters.get(roomId) ?? 0,
      epoch,
      segments: segments.length,
      bytes: sum(segments) + segments.length * ARCHIVE_SEGMENT_OVERHEAD_BYTES,
      quota: QUOTA_BYTES,
      cursor: segments.length,
      blob,
    };
  }
}

const isKey = (hash: Bytes, key: Bytes): boolean => equalBytes(hash, sha256(key));
const nameOf = (segment: Bytes): string => toHex(sha256(segment));
const sum = (segments: readonly Bytes[]): number => segments.reduce((bytes, { length }) => bytes + length, 0);
/** Not a timer that a test may have taken over. */
const realTimeout = globalThis.setTimeout;
const turn = (): Promise<void> => new Promise((resolve) => realTimeout(resolve));
const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
