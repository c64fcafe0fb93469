/**
 * The archive's way to PocketBase: one call for each route of pocketbase/hooks/archive.pb.js. What the hook calls an outcome is passed
 * on; every other answer, and none, is `later`. It knows nothing of HTTP requests of visitors.
 */
import { z } from 'zod';
import {
  ARCHIVE_COMMENT_SHARE,
  ARCHIVE_PAGE_BYTES,
  ARCHIVE_PAGE_SEGMENTS,
  ARCHIVE_REFUSALS,
  ARCHIVE_SEGMENT_OVERHEAD_BYTES,
  ARCHIVE_STORED_QUOTAS,
  type ArchiveAppended,
  type ArchiveCheckpointed,
  type ArchiveRefusal,
  type ArchiveRefusalReason,
  type ArchiveStatus,
} from '../../app/lib/core/archive-wire.ts';
import type { OwnersAfter } from './owner-proof.ts';
import type { ArchiveDeletion, ArchiveRegistration } from '../../app/lib/core/archive-statement.ts';
import type {
  ArchiveRevert,
  ArchiveSuperseded,
  SupersedingGroup,
} from '../../app/lib/core/archive-superseding.ts';
import { fromHex, randomBytes, toHex, type Bytes } from '../../app/lib/core/bytes.ts';
import { err, ok, type Result } from '../../app/lib/core/result.ts';
import { POCKETBASE_TIMEOUT_MS } from '../limits.ts';

/** Where the archive is kept. */
export interface ArchiveHost {
  /** PocketBase's address while it is up. */
  url(): string | undefined;
  /** What its hook knows our server by; undefined where there is no archive. */
  readonly archiveSecret: string | undefined;
}

/** Whose request it is, for which room, and the SHA-256 of the key that came with it, in hex. */
export interface Caller {
  readonly room: string;
  readonly address: string;
  readonly keyHash?: string;
}

/** Who signed a statement: the key, in hex, and whether the room is named by it. */
export interface Signer {
  readonly owner: string;
  readonly founder: boolean;
}

/** A segment to keep, and its SHA-256. */
export interface HashedSegment {
  readonly bytes: Bytes;
  readonly hash: Bytes;
}

/** A segment on a page: its bytes are here, or in a file still to be fetched. */
export type PagedSegment = { readonly size: number } & ({ readonly data: Bytes } | { readonly file: string });

export interface StoredPage {
  readonly instance: Bytes;
  readonly next: number;
  readonly more: boolean;
  readonly segments: readonly PagedSegment[];
}

export type Answer<T> = Promise<Result<T, ArchiveRefusal>>;

/** Above this a segment is a file: small ones would cost a folder and two files each, large ones slow the database down. */
const FILE_ABOVE_BYTES = 64 * 1024;
/** A segment of 20 MiB that goes to an S3 bucket. */
const UPLOAD_TIMEOUT_MS = 120_000;
/** How often the checkpoint may be replaced between being named and being read. */
const CHECKPOINT_TRIES = 4;
/** VACUUM rewrites about 150 MB a second. */
const PURGE_TIMEOUT_MS = 30 * 60_000;

const COUNT = z.int().nonnegative();
const INSTANCE = z.hash('md5', { enc: 'hex' }).transform(fromHex);
const ROOM = z.object({
  instance: INSTANCE,
  counter: COUNT,
  epoch: COUNT,
  segments: COUNT,
  bytes: COUNT,
  cursor: COUNT,
  blob: z.base64().transform((text) => new Uint8Array(Buffer.from(text, 'base64'))),
});
const APPENDED = z.object({ stored: COUNT, cursor: COUNT, bytes: COUNT });
const PAGE = z.object({
  instance: INSTANCE,
  next: COUNT,
  more: z.boolean(),
  segments: z.array(z.object({ size: COUNT, data: z.string(), file: z.string().regex(/^[0-9a-f]{32}$|^$/) })),
});
const OWNERS = z.object({
  owners: z
    .string()
    .regex(/^([0-9a-f]{2})*$/)
    .transform(fromHex),
});
const DELETED = z.object({ segments: COUNT, bytes: COUNT });
const SUPERSEDED = z.object({
  instance: INSTANCE,
  counter: COUNT,
  reverted: z.boolean(),
  segments: COUNT,
  bytes: COUNT,
  /** Seconds since 1970; 0 where nothing waits. */
  since: COUNT,
});
const FILE = /^[0-9a-f]{32}$/;
const CHECKPOINTED = z.object({
  size: COUNT,
  /** Empty where there is none. */
  file: z.string().regex(FILE).or(z.literal('')),
  history: COUNT,
  covered: COUNT,
});
const SWEPT = z.object({ removed: COUNT, after: COUNT });
const TIDIED = z.object({ due: z.boolean(), purged: z.boolean() });
const REFUSED = z.object({
  outcome: z.custom<ArchiveRefusalReason>(
    (word) => typeof word === 'string' && Object.hasOwn(ARCHIVE_REFUSALS, word),
  ),
  counter: COUNT.optional(),
});

export class ArchiveStore {
  readonly #host: ArchiveHost;
  readonly #roomQuotaBytes: number;

  readonly #supersededMs: number;

  constructor(host: ArchiveHost, roomQuotaBytes: number, supersededMs: number) {
    this.#host = host;
    this.#roomQuotaBytes = roomQuotaBytes;
    this.#supersededMs = supersededMs;
  }

  async status(caller: Caller): Answer<ArchiveStatus> {
    return this.#withQuota(await this.#ask(`/${caller.room}`, ROOM, { caller }));
  }

  /** Whether the caller's key lets it append: asked before a body is read. */
  async mayAppend(caller: Caller): Answer<unknown> {
    return this.#ask(`/${caller.room}/append`, z.unknown(), { caller });
  }

  /** `spare`: what may be above the quota. */
  async append(caller: Caller, segments: readonly HashedSegment[], spare = 0): Answer<ArchiveAppended> {
    const form = new FormData();
    const files: string[] = [];
    const batch = segments.map(({ bytes, hash }) => {
      const row = { hash: toHex(hash), size: bytes.length };
      if (bytes.length <= FILE_ABOVE_BYTES) return { ...row, data: Buffer.from(bytes).toString('hex') };
      const file = toHex(randomBytes(16));
      files.push(file);
      form.append('part', new Blob([bytes]), 'segment');
      return { ...row, file };
    });
    form.set('batch', JSON.stringify(batch));
    form.set('files', JSON.stringify(files));
    form.set('overhead', String(ARCHIVE_SEGMENT_OVERHEAD_BYTES));
    form.set('quota', String(this.#roomQuotaBytes));
    form.set('spare', String(spare));
    form.set('stored', String(this.#roomQuotaBytes * ARCHIVE_STORED_QUOTAS));
    form.set('comments', String(Math.floor(this.#roomQuotaBytes * ARCHIVE_COMMENT_SHARE)));
    const answer = await this.#ask(`/${caller.room}/segments`, APPENDED, {
      caller,
      body: form,
      timeoutMs: UPLOAD_TIMEOUT_MS,
    });
    if (!answer.ok) return answer;
    const known = segments.length - answer.value.stored;
    return ok({ ...answer.value, known, quota: this.#roomQuotaBytes });
  }

  /** `live`: without what is superseded. */
  async page(caller: Caller, since: number, live = false): Answer<StoredPage> {
    const query = `since=${since}&segments=${ARCHIVE_PAGE_SEGMENTS}&bytes=${ARCHIVE_PAGE_BYTES}${live ? '&live=1' : ''}`;
    const page = await this.#ask(`/${caller.room}/segments?${query}`, PAGE, { caller });
    if (!page.ok) return page;
    const segments = page.value.segments.map(({ size, data, file }): PagedSegment =>
      file === '' ? { size, data: new Uint8Array(Buffer.from(data, 'hex')) } : { size, file },
    );
    const whole = segments.every((segment) => !('data' in segment) || segment.data.length === segment.size);
    return whole ? ok({ ...page.value, segments }) : err({ reason: 'later' });
  }

  /** A large segment of the room; undefined where it can't be had now. */
  async file(caller: Caller, name: string, size: number): Promise<Bytes | undefined> {
    try {
      const answer = await this.#request(`/${caller.room}/files/${name}`, {
        caller,
        timeoutMs: UPLOAD_TIMEOUT_MS,
      });
      const bytes = answer?.status === 200 ? new Uint8Array(await answer.arrayBuffer()) : undefined;
      return bytes?.length === size ? bytes : undefined;
    } catch {
      return undefined;
    }
  }

  /** `statementHash` tells a repetition from another statement. The caller has verified that `signer` signed it. */
  async register(
    caller: Caller,
    statement: ArchiveRegistration,
    statementHash: Bytes,
    signer: Signer,
  ): Answer<ArchiveStatus> {
    const body = JSON.stringify({
      ...signer,
      statement: toHex(statementHash),
      counter: statement.counter,
      epoch: statement.epoch,
      read: toHex(statement.readKeyHash),
      edit: toHex(statement.editKeyHash),
      comment: toHex(statement.commentKeyHash),
      blob: Buffer.from(statement.blob).toString('base64'),
      instance: toHex(randomBytes(16)),
    });
    return this.#withQuota(await this.#ask(`/${caller.room}/register`, ROOM, { caller, body }));
  }

  /** The caller has verified that `signer` signed it. Rows go at once, files and free pages with `tidy`. */
  async delete(
    caller: Caller,
    { counter, instance }: ArchiveDeletion,
    signer: Signer,
  ): Answer<z.infer<typeof DELETED>> {
    const body = JSON.stringify({ ...signer, counter, instance: toHex(instance) });
    return this.#ask(`/${caller.room}/delete`, DELETED, { caller, body });
  }

  /** Takes verified owners statements, if they go on from those that are kept; gives what is kept then, each sized. */
  async owners(caller: Caller, statements: Bytes, { keys, epoch }: OwnersAfter): Answer<Bytes> {
    const body = JSON.stringify({ owners: toHex(statements), keys: keys.map(toHex).join(','), epoch });
    const answer = await this.#ask(`/${caller.room}/owners`, OWNERS, { caller, body });
    return answer.ok ? ok(answer.value.owners) : answer;
  }

  /** What of the room waits to be removed. */
  async superseded(caller: Caller): Answer<ArchiveSuperseded> {
    return this.#withTime(await this.#ask(`/${caller.room}/superseded`, SUPERSEDED, { caller }));
  }

  /** The caller has verified that `signer` signed it. Without groups it takes back all that waits. */
  async supersede(
    caller: Caller,
    { counter, instance }: ArchiveRevert,
    groups: readonly SupersedingGroup[] | undefined,
    signer: Signer,
  ): Answer<ArchiveSuperseded> {
    const body = JSON.stringify({
      ...signer,
      counter,
      instance: toHex(instance),
      ...(groups && { groups: groups.map(({ by, names }) => ({ by: toHex(by), names: names.map(toHex) })) }),
    });
    return this.#withTime(await this.#ask(`/${caller.room}/supersede`, SUPERSEDED, { caller, body }));
  }

  /** How long the room's checkpoint is, and what it covers. */
  async checkpointed(caller: Caller): Answer<ArchiveCheckpointed> {
    return checkpointedIn(await this.#ask(`/${caller.room}/checkpoint`, CHECKPOINTED, { caller }));
  }

  /** The room's checkpoint, whole; empty where there is none. */
  async checkpoint(caller: Caller): Answer<Bytes> {
    for (let i = 0; i < CHECKPOINT_TRIES; i++) {
      const named = await this.#ask(`/${caller.room}/checkpoint`, CHECKPOINTED, { caller });
      if (!named.ok) return named;
      const { file, size } = named.value;
      if (file === '') return ok(new Uint8Array());
      const bytes = await this.file(caller, file, size);
      if (bytes !== undefined) return ok(bytes);
    }
    return err({ reason: 'later' });
  }

  /** Whether a checkpoint may come with the caller's key: asked before a body is read. */
  async mayKeepCheckpoint(caller: Caller): Answer<unknown> {
    return this.#ask(`/${caller.room}/checkpoint/append`, z.unknown(), { caller });
  }

  /** Puts it in the place of the one before, whose file is left to `tidy`, like its own where it was refused. */
  async keepCheckpoint(caller: Caller, bytes: Bytes): Answer<ArchiveCheckpointed> {
    const form = new FormData();
    form.append('part', new Blob([bytes]), 'checkpoint');
    form.set('file', toHex(randomBytes(16)));
    form.set('size', String(bytes.length));
    form.set('overhead', String(ARCHIVE_SEGMENT_OVERHEAD_BYTES));
    form.set('quota', String(this.#roomQuotaBytes));
    form.set('stored', String(this.#roomQuotaBytes * ARCHIVE_STORED_QUOTAS));
    const call = { caller, body: form, timeoutMs: UPLOAD_TIMEOUT_MS };
    return checkpointedIn(await this.#ask(`/${caller.room}/checkpoint`, CHECKPOINTED, call));
  }

  /** Removes what has waited long enough; gives how many segments that were, in all rooms. */
  async sweep(): Answer<number> {
    const age = Math.ceil(this.#supersededMs / 1000);
    let removed = 0;
    for (let after = 0; ;) {
      const swept = await this.#ask(`/sweep?age=${age}&after=${after}`, SWEPT, { body: '' });
      if (!swept.ok) return swept;
      removed += swept.value.removed;
      ({ after } = swept.value);
      if (after === 0) return ok(removed);
    }
  }

  /** Removes files that no row names and, with `purge`, free pages. `due`: pages of a deletion are still there; `purged`: writers waited. */
  async tidy(purge: boolean): Answer<z.infer<typeof TIDIED>> {
    return this.#ask(`/tidy${purge ? '?purge=1' : ''}`, TIDIED, { body: '', timeoutMs: PURGE_TIMEOUT_MS });
  }

  #withQuota(room: Result<z.infer<typeof ROOM>, ArchiveRefusal>): Result<ArchiveStatus, ArchiveRefusal> {
    return room.ok ? ok({ ...room.value, quota: this.#roomQuotaBytes }) : room;
  }

  #withTime(
    said: Result<z.infer<typeof SUPERSEDED>, ArchiveRefusal>,
  ): Result<ArchiveSuperseded, ArchiveRefusal> {
    if (!said.ok) return said;
    const { since, ...rest } = said.value;
    return ok({ ...rest, goesAt: since === 0 ? 0 : since * 1000 + this.#supersededMs });
  }

  async #ask<T>(path: string, shape: z.ZodType<T>, call: Call): Answer<T> {
    if (this.#host.archiveSecret === undefined) return err({ reason: 'off' });
    try {
      const answer = await this.#request(path, call);
      if (answer?.status !== 200) {
        await answer?.body?.cancel();
        return err({ reason: 'later' });
      }
      const read: unknown = await answer.json();
      if ((read as { outcome?: unknown }).outcome === 'ok') return ok(shape.parse(read));
      const { outcome, counter } = REFUSED.parse(read);
      return err({ reason: outcome, ...(counter !== undefined && { counter }) });
    } catch {
      // Down, slow, or none of the hook's words.
      return err({ reason: 'later' });
    }
  }

  async #request(path: string, { caller, body, timeoutMs }: Call): Promise<Response | undefined> {
    const base = this.#host.url();
    if (base === undefined) return undefined;
    const headers: Record<string, string> = { 'x-archive-secret': this.#host.archiveSecret ?? '' };
    if (caller) headers['x-real-ip'] = caller.address;
    if (caller?.keyHash !== undefined) headers['x-room-key-hash'] = caller.keyHash;
    if (typeof body === 'string') headers['content-type'] = 'application/json';
    return fetch(`${base.replace(/\/$/, '')}/api/archive${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers,
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs ?? POCKETBASE_TIMEOUT_MS),
      ...(body !== undefined && { body }),
    });
  }
}

function checkpointedIn(
  said: Result<z.infer<typeof CHECKPOINTED>, ArchiveRefusal>,
): Result<ArchiveCheckpointed, ArchiveRefusal> {
  if (!said.ok) return said;
  const { size, history, covered } = said.value;
  return ok({ length: size, history, covered });
}

interface Call {
  readonly caller?: Caller;
  /** With one it is a POST. */
  readonly body?: string | FormData;
  readonly timeoutMs?: number;
}
