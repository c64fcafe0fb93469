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
  decodeRevert,
  decodeSuperseding,
  type ArchiveRevert,
  type ArchiveSuperseded,
} from '../lib/core/archive-superseding.ts';
import {
  ARCHIVE_BATCH_BYTES,
  ARCHIVE_BATCH_SEGMENTS,
  ARCHIVE_CHECKPOINT_BYTES,
  ARCHIVE_INSTANCE_BYTES,
  ARCHIVE_PAGE_BYTES,
  ARCHIVE_PAGE_SEGMENTS,
  ARCHIVE_SEGMENT_OVERHEAD_BYTES,
  ARCHIVE_SPARE_BYTES,
  ARCHIVE_SUPERSEDED_MS,
  type ArchiveCheckpointed,
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

export type ArchiveRequest =
  | 'status'
  | 'register'
  | 'append'
  | 'page'
  | 'delete'
  | 'owners'
  | 'live'
  | 'superseded'
  | 'supersede'
  | 'checkpoint'
  | 'checkpointed'
  | 'keepCheckpoint';
/**
 * `later`: refused before anything happened. `lost`: done, and the answer never came. `never`: not even heard, and no
 * answer until the tab closes; `unheard`: done, and then the same.
 */
export type ArchiveFault = 'later' | 'lost' | 'never' | 'unheard';

interface KeptRoom {
  readonly instance: Bytes;
  readonly statement: Bytes;
  readonly epoch: number;
  /** Who was the first to register it. */
  readonly owner: Bytes;
  readonly hashes: { readonly read: Bytes; readonly edit: Bytes; readonly comment: Bytes };
  readonly blob: Bytes;
  readonly segments: readonly Kept[];
  /** The newest cursor: it never goes back, whatever is removed. */
  readonly head: number;
  /** Of the newest superseding or revert, and whether that was a revert. */
  readonly superseding: { readonly counter: number; readonly reverted: boolean };
  readonly checkpoint?: { readonly bytes: Bytes; readonly covered: number };
}

interface Kept {
  readonly bytes: Bytes;
  readonly cursor: number;
  /** Since when, by the archive's clock, and the cursor of the one that stays for it. */
  readonly superseded?: { readonly at: number; readonly by: number };
}

/** Nothing is ever full here, unless a test wants it. */
const QUOTA_BYTES = 2 ** 40;

export class MemoryArchive {
  #rooms = new Map<RoomId, KeptRoom>();
  #counters = new Map<RoomId, number>();
  #owners = new Map<RoomId, { readonly statements: readonly Bytes[]; readonly keys: readonly Bytes[] }>();
  readonly #roomsBefore: Map<RoomId, KeptRoom>[] = [];
  #now = 1;
  readonly #quota: number;

  constructor(quotaBytes = QUOTA_BYTES) {
    this.#quota = quotaBytes;
  }

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
      append: (segments, squashed) =>
        keys.edit === undefined && keys.comment === undefined
          ? Promise.resolve(err({ reason: 'no-key' }))
          : ask('append', async () =>
              this.#append(roomId, keys, segments, squashed ? ARCHIVE_SPARE_BYTES : 0),
            ),
      page: (since) => ask('page', async () => this.#page(roomId, keys.read, since)),
      livePage: (since) => ask('live', async () => this.#page(roomId, keys.read, since, true)),
      superseded: () => ask('superseded', async () => this.#superseded(roomId, keys.read)),
      supersede: (statement) => ask('supersede', () => this.#supersede(roomId, statement)),
      revert: (statement) => ask('supersede', () => this.#revert(roomId, statement)),
      delete: (statement) => ask('delete', () => this.#delete(roomId, statement)),
      owners: (claim) => ask('owners', () => this.#claim(roomId, claim)),
      checkpoint: () => ask('checkpoint', async () => this.#checkpoint(roomId, keys.read)),
      checkpointed: () => ask('checkpointed', async () => this.#checkpointed(roomId, keys.read)),
      keepCheckpoint: (sealed) =>
        keys.edit === undefined
          ? Promise.resolve(err({ reason: 'no-key' }))
          : ask('keepCheckpoint', async () => this.#keepCheckpoint(roomId, keys, sealed)),
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
    return this.#rooms.get(roomId)?.segments.map(({ bytes }) => bytes) ?? [];
  }

  /** Time passes, and what has waited long enough goes (ARCH-28). */
  pass(ms: number): void {
    this.#now += ms;
    for (const [id, room] of this.#rooms) {
      const live = new Set(room.segments.flatMap((one) => (one.superseded ? [] : [one.cursor])));
      const stays = ({ superseded }: Kept): boolean =>
        superseded === undefined ||
        this.#now - superseded.at < ARCHIVE_SUPERSEDED_MS ||
        !live.has(superseded.by);
      this.#rooms.set(id, { ...room, segments: room.segments.filter(stays) });
    }
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
    const { ownerPublicKey, counter, epoch, readKeyHash, editKeyHash, commentKeyHash, blob } =
      decoded.value.statement;
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
      owner: before && before.epoch >= epoch ? before.owner : ownerPublicKey,
      hashes: { read: readKeyHash, edit: editKeyHash, comment: commentKeyHash },
      blob,
      segments: before?.segments ?? [],
      head: before?.head ?? 0,
      superseding: before?.superseding ?? { counter: 0, reverted: false },
      ...(before?.checkpoint &&
        equalBytes(before.hashes.read, readKeyHash) && { checkpoint: before.checkpoint }),
    };
    this.#rooms.set(roomId, room);
    return ok(this.#statusOf(roomId, room));
  }

  #append(roomId: RoomId, { edit, comment }: ArchiveKeys, segments: readonly Bytes[], spare: number) {
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
    const have = new Set(room.segments.map(({ bytes }) => nameOf(bytes)));
    const fresh = segments.filter((one) => !have.has(nameOf(one)) && have.add(nameOf(one)));
    const rows = fresh.map((one, i) => ({ bytes: one.slice(), cursor: room.head + i + 1 }));
    const after = { ...room, segments: [...room.segments, ...rows], head: room.head + rows.length };
    const { cursor, bytes, quota } = this.#statusOf(roomId, after);
    if (fresh.length > 0 && bytes > quota + spare) return err({ reason: 'room-full' } as const);
    this.#rooms.set(roomId, after);
    return ok({ stored: fresh.length, known: segments.length - fresh.length, cursor, bytes, quota });
  }

  #page(roomId: RoomId, read: Bytes, since: number, live = false): Result<ArchivePage, ArchiveProblem> {
    const room = this.#rooms.get(roomId);
    if (room === undefined) return err({ reason: 'unknown-room' });
    if (!isKey(room.hashes.read, read)) return err({ reason: 'wrong-key' });
    const above = room.segments.filter(
      ({ cursor, superseded }) => cursor > since && (!live || superseded === undefined),
    );
    let size = 0;
    const end = above.findIndex(({ bytes }, i) => {
      size += bytes.length;
      return i >= ARCHIVE_PAGE_SEGMENTS || (i > 0 && size > ARCHIVE_PAGE_BYTES);
    });
    const page = end < 0 ? above : above.slice(0, end);
    return ok({
      instance: room.instance,
      next: page.at(-1)?.cursor ?? room.head,
      more: page.length < above.length,
      segments: page.map(({ bytes }) => bytes),
    });
  }

  #superseded(roomId: RoomId, read: Bytes): Result<ArchiveSuperseded, ArchiveProblem> {
    const room = this.#rooms.get(roomId);
    if (room === undefined) return err({ reason: 'unknown-room' });
    return isKey(room.hashes.read, read) ? ok(this.#waitingOf(room)) : err({ reason: 'wrong-key' });
  }

  async #supersede(roomId: RoomId, bytes: Bytes): Promise<Result<ArchiveSuperseded, ArchiveProblem>> {
    const decoded = decodeSuperseding(bytes);
    if (!decoded.ok) return err({ reason: decoded.error.kind });
    return this.#change(roomId, decoded.value, (room) => {
      let { segments } = room;
      for (const { by, names } of decoded.value.statement.groups) {
        const isNamed = new Set(names.map(toHex));
        const stays = segments.find((one) => one.superseded === undefined && nameOf(one.bytes) === toHex(by));
        if (stays === undefined) return undefined;
        const gone = new Set(segments.flatMap((one) => (isNamed.has(nameOf(one.bytes)) ? [one.cursor] : [])));
        const superseded = { at: this.#now, by: stays.cursor };
        segments = segments.map((one) => {
          if (one.superseded === undefined) return gone.has(one.cursor) ? { ...one, superseded } : one;
          // What they stood for is in this one too.
          return gone.has(one.superseded.by)
            ? { ...one, superseded: { ...one.superseded, by: stays.cursor } }
            : one;
        });
      }
      return { ...room, segments };
    });
  }

  async #revert(roomId: RoomId, bytes: Bytes): Promise<Result<ArchiveSuperseded, ArchiveProblem>> {
    const decoded = decodeRevert(bytes);
    if (!decoded.ok) return err({ reason: decoded.error.kind });
    return this.#change(
      roomId,
      decoded.value,
      (room) => ({
        ...room,
        segments: room.segments.map(({ superseded: _, ...one }) => one),
      }),
      true,
    );
  }

  async #change(
    roomId: RoomId,
    signed: SignedStatement<ArchiveRevert>,
    change: (room: KeptRoom) => KeptRoom | undefined,
    reverted = false,
  ): Promise<Result<ArchiveSuperseded, ArchiveProblem>> {
    if (!(await this.#isOwners(roomId, signed))) return err({ reason: 'bad-proof' });
    const room = this.#rooms.get(roomId);
    if (room === undefined) return err({ reason: 'unknown-room' });
    const { counter, instance } = signed.statement;
    if (!equalBytes(instance, room.instance)) return err({ reason: 'bad-proof' });
    const last = room.superseding.counter;
    if (counter <= last) return err({ reason: 'old-counter', counter: last });
    const changed = change(room);
    if (changed === undefined) return err({ reason: 'not-kept' });
    const { checkpoint } = changed;
    const after = {
      ...changed,
      superseding: { counter, reverted },
      ...(checkpoint && {
        checkpoint: { ...checkpoint, covered: Math.min(checkpoint.covered, historyOf(changed)) },
      }),
    };
    this.#rooms.set(roomId, after);
    return ok(this.#waitingOf(after));
  }

  #waitingOf({ instance, superseding, segments }: KeptRoom): ArchiveSuperseded {
    const waiting = segments.filter(({ superseded }) => superseded !== undefined);
    const since = Math.min(...waiting.map(({ superseded }) => superseded?.at ?? Infinity));
    return {
      instance,
      ...superseding,
      segments: waiting.length,
      bytes: costOf(waiting),
      goesAt: waiting.length === 0 ? 0 : since + ARCHIVE_SUPERSEDED_MS,
    };
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
    return ok({
      segments: room.segments.length,
      bytes: sum(room.segments.map(({ bytes: one }) => one)) + (room.checkpoint?.bytes.length ?? 0),
      purged: true,
    });
  }

  #checkpoint(roomId: RoomId, read: Bytes): Result<Bytes, ArchiveProblem> {
    const room = this.#rooms.get(roomId);
    if (room === undefined) return err({ reason: 'unknown-room' });
    if (!isKey(room.hashes.read, read)) return err({ reason: 'wrong-key' });
    return ok(room.checkpoint?.bytes ?? new Uint8Array());
  }

  #checkpointed(roomId: RoomId, read: Bytes): Result<ArchiveCheckpointed, ArchiveProblem> {
    const room = this.#rooms.get(roomId);
    if (room === undefined) return err({ reason: 'unknown-room' });
    if (!isKey(room.hashes.read, read)) return err({ reason: 'wrong-key' });
    const { bytes = new Uint8Array(), covered = 0 } = room.checkpoint ?? {};
    return ok({ length: bytes.length, history: historyOf(room), covered });
  }

  #keepCheckpoint(
    roomId: RoomId,
    { read, edit }: ArchiveKeys,
    sealed: Bytes,
  ): Result<ArchiveCheckpointed, ArchiveProblem> {
    const room = this.#rooms.get(roomId);
    if (room === undefined) return err({ reason: 'unknown-room' });
    if (!edit || !isKey(room.hashes.edit, edit)) return err({ reason: 'wrong-key' });
    if (sealed.length === 0) return err({ reason: 'malformed' });
    if (sealed.length > ARCHIVE_CHECKPOINT_BYTES) return err({ reason: 'too-large' });
    const after = { ...room, checkpoint: { bytes: sealed.slice(), covered: historyOf(room) } };
    const { bytes, quota } = this.#statusOf(roomId, after);
    if (bytes > quota) return err({ reason: 'room-full' });
    this.#rooms.set(roomId, after);
    return this.#checkpointed(roomId, read);
  }

  /** Verified by the server's own check: this is about what tabs make of the answers. */
  async #claim(roomId: RoomId, claim: OwnersClaim): Promise<Result<readonly Bytes[], ArchiveProblem>> {
    const after = await ownersIn(claim, roomId);
    if (after === undefined) return err({ reason: 'bad-proof' });
    const { keys, epoch } = after;
    const { statements: kept = [] } = this.#owners.get(roomId) ?? {};
    const { statements } = claim;
    const goesOn = kept.every((one, i) => equalBytes(one, statements[i] ?? new Uint8Array()));
    if (!goesOn || statements.length === kept.length) return ok(kept);
    const room = this.#rooms.get(roomId);
    const isBehind = room !== undefined && epoch < room.epoch;
    if (isBehind && !keys.some((key) => equalBytes(key, room.owner))) return ok(kept);
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

  #statusOf(roomId: RoomId, room: KeptRoom): ArchiveStatus {
    const { instance, epoch, segments, blob, head, checkpoint } = room;
    const live = segments.filter(({ superseded }) => superseded === undefined);
    return {
      instance,
      counter: this.#counters.get(roomId) ?? 0,
      epoch,
      segments: live.length,
      bytes: historyOf(room) + (checkpoint ? checkpoint.bytes.length + ARCHIVE_SEGMENT_OVERHEAD_BYTES : 0),
      quota: this.#quota,
      cursor: head,
      blob,
    };
  }
}

const isKey = (hash: Bytes, key: Bytes): boolean => equalBytes(hash, sha256(key));
const nameOf = (segment: Bytes): string => toHex(sha256(segment));
const costOf = (rows: readonly Kept[]): number =>
  sum(rows.map(({ bytes }) => bytes)) + rows.length * ARCHIVE_SEGMENT_OVERHEAD_BYTES;
/** What counts besides the checkpoint. */
const historyOf = ({ segments }: KeptRoom): number =>
  costOf(segments.filter(({ superseded }) => superseded === undefined));
const sum = (segments: readonly Bytes[]): number => segments.reduce((bytes, { length }) => bytes + length, 0);
/** Not a timer that a test may have taken over. */
const realTimeout = globalThis.setTimeout;
const turn = (): Promise<void> => new Promise((resolve) => realTimeout(resolve));
const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
