/** The archive over HTTP, as docs/spec-archive.md has it: one door, with a time limit and a cap on every answer. */
import {
  ARCHIVE_CHECKPOINT_BYTES,
  ARCHIVE_CONTENT_TYPE,
  ARCHIVE_KEY_HEADER,
  ARCHIVE_PAGE_BYTES,
  ARCHIVE_PAGE_SEGMENTS,
  ARCHIVE_SEGMENT_BYTES,
  archiveCheckpointedPath,
  archiveCheckpointPath,
  archiveDeletePath,
  archiveLivePath,
  archiveOwnersPath,
  archivePath,
  archiveRegisterPath,
  archiveRevertPath,
  archiveSegmentsPath,
  archiveSupersededPath,
  archiveSupersedePath,
  archiveSquashedPath,
  decodeAppended,
  decodeCheckpointed,
  decodeDeleted,
  decodePage,
  decodeRefusal,
  decodeStatus,
  decodeStatusOrAbsence,
  encodeBatch,
  type ArchiveAppended,
  type ArchiveCheckpointed,
  type ArchiveDeleted,
  type ArchivePage,
  type ArchiveRefusal,
  type ArchiveStatus,
} from '../../core/archive-wire.ts';
import {
  ARCHIVE_OWNERS_BYTES,
  decodeOwnersKept,
  encodeOwnersClaim,
  type OwnersClaim,
} from '../../core/archive-statement.ts';
import { decodeSuperseded, type ArchiveSuperseded } from '../../core/archive-superseding.ts';
import { toHex, type Bytes } from '../../core/bytes.ts';
import type { RoomId } from '../../core/ids.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { ArchiveKeys } from '../../crypto/room-keys.ts';

/** `retryAfterMs`: how long the server asks to be left alone. No answer at all is `later`. */
export interface ArchiveProblem extends ArchiveRefusal {
  readonly retryAfterMs?: number;
}

/** What an archive does for one room. */
export interface ArchiveServer {
  status(): Promise<Result<ArchiveStatus, ArchiveProblem>>;
  /** A signed registration (ARCH-4). */
  register(statement: Bytes): Promise<Result<ArchiveStatus, ArchiveProblem>>;
  /** At most ARCHIVE_BATCH_SEGMENTS, together at most ARCHIVE_BATCH_BYTES, or one. `squashed`: to supersede others (ARCH-8). */
  append(segments: readonly Bytes[], squashed?: 'squashed'): Promise<Result<ArchiveAppended, ArchiveProblem>>;
  page(since: number): Promise<Result<ArchivePage, ArchiveProblem>>;
  /** A page without what is superseded (ARCH-25). */
  livePage(since: number): Promise<Result<ArchivePage, ArchiveProblem>>;
  /** What waits to be removed (ARCH-26). */
  superseded(): Promise<Result<ArchiveSuperseded, ArchiveProblem>>;
  /** A signed superseding (ARCH-24). */
  supersede(statement: Bytes): Promise<Result<ArchiveSuperseded, ArchiveProblem>>;
  /** A signed revert (ARCH-27). */
  revert(statement: Bytes): Promise<Result<ArchiveSuperseded, ArchiveProblem>>;
  /** A signed deletion (ARCH-12). */
  delete(statement: Bytes): Promise<Result<ArchiveDeleted, ArchiveProblem>>;
  /** Tells who owns the room (ARCH-22), unless it is told otherwise: gives the statements that it keeps then. */
  owners(claim: OwnersClaim): Promise<Result<readonly Bytes[], ArchiveProblem>>;
  /** The room's checkpoint, one sealed record, as whoever has W left it there; empty where there is none (ARCH-31). */
  checkpoint(): Promise<Result<Bytes, ArchiveProblem>>;
  /** How long it is, and what it covers (ARCH-31). */
  checkpointed(): Promise<Result<ArchiveCheckpointed, ArchiveProblem>>;
  /** Puts one sealed record, of at most ARCHIVE_CHECKPOINT_BYTES, in its place (ARCH-30). Only with W. */
  keepCheckpoint(sealed: Bytes): Promise<Result<ArchiveCheckpointed, ArchiveProblem>>;
  /** Ends what is under way; nothing is asked any more. */
  close(): void;
}

export interface ArchiveServerOptions {
  /** Where the thin server is, `location.origin`. */
  readonly origin: string;
  readonly roomId: RoomId;
  readonly keys: ArchiveKeys;
}

/** A page of 4 MiB over a slow line; a server that says nothing for so long says nothing. */
const TIME_LIMIT_MS = 120_000;
/** Of a status, an append or a refusal: far more than any has. */
const SHORT_ANSWER_BYTES = 16 * 1024;
const PAGE_ANSWER_BYTES =
  Math.max(ARCHIVE_PAGE_BYTES, ARCHIVE_SEGMENT_BYTES) + 4 * ARCHIVE_PAGE_SEGMENTS + 64;
/** What a server may ask for at most: a mistyped header must not end archiving for a year. */
const RETRY_AFTER_MOST_S = 3600;

export function archiveServer({ origin, roomId, keys }: ArchiveServerOptions): ArchiveServer {
  const closed = new AbortController();
  const ask = async <T>(
    path: string,
    { key, body, maxBytes = SHORT_ANSWER_BYTES }: { key?: Bytes; body?: Bytes; maxBytes?: number },
    read: (bytes: Bytes) => Result<T, unknown>,
  ): Promise<Result<T, ArchiveProblem>> => {
    try {
      const answer = await fetch(new URL(path, origin), {
        method: body === undefined ? 'GET' : 'POST',
        ...(body !== undefined && { body }),
        headers: {
          ...(key && { [ARCHIVE_KEY_HEADER]: toHex(key) }),
          ...(body !== undefined && { 'content-type': ARCHIVE_CONTENT_TYPE }),
        },
        cache: 'no-store',
        credentials: 'omit',
        redirect: 'error',
        signal: AbortSignal.any([closed.signal, AbortSignal.timeout(TIME_LIMIT_MS)]),
      });
      const bytes = await readAtMost(answer, answer.ok ? maxBytes : SHORT_ANSWER_BYTES);
      if (!answer.ok) return err({ ...refusalIn(answer, bytes), ...retryAfter(answer) });
      const value = read(bytes);
      // Not the archive's own words: something between answered for it.
      return value.ok ? value : err({ reason: 'later' });
    } catch {
      return err({ reason: 'later' });
    }
  };
  const appendKey = keys.edit ?? keys.comment;
  return {
    status: async () => {
      const answer = await ask(archivePath(roomId), { key: keys.read }, decodeStatusOrAbsence);
      if (!answer.ok) return answer;
      return typeof answer.value === 'string' ? err({ reason: answer.value }) : ok(answer.value);
    },
    register: (statement) => ask(archiveRegisterPath(roomId), { body: statement }, decodeStatus),
    append: async (segments, squashed) =>
      appendKey === undefined
        ? err({ reason: 'no-key' })
        : ask(
            squashed ? archiveSquashedPath(roomId) : archiveSegmentsPath(roomId),
            { key: appendKey, body: encodeBatch(segments) },
            decodeAppended,
          ),
    page: (since) =>
      ask(archiveSegmentsPath(roomId, since), { key: keys.read, maxBytes: PAGE_ANSWER_BYTES }, decodePage),
    livePage: (since) =>
      ask(archiveLivePath(roomId, since), { key: keys.read, maxBytes: PAGE_ANSWER_BYTES }, decodePage),
    superseded: () => ask(archiveSupersededPath(roomId), { key: keys.read }, decodeSuperseded),
    supersede: (statement) => ask(archiveSupersedePath(roomId), { body: statement }, decodeSuperseded),
    revert: (statement) => ask(archiveRevertPath(roomId), { body: statement }, decodeSuperseded),
    delete: (statement) => ask(archiveDeletePath(roomId), { body: statement }, decodeDeleted),
    owners: (claim) =>
      ask(
        archiveOwnersPath(roomId),
        { body: encodeOwnersClaim(claim), maxBytes: ARCHIVE_OWNERS_BYTES },
        decodeOwnersKept,
      ),
    checkpoint: () =>
      ask(archiveCheckpointPath(roomId), { key: keys.read, maxBytes: ARCHIVE_CHECKPOINT_BYTES }, ok),
    checkpointed: () => ask(archiveCheckpointedPath(roomId), { key: keys.read }, decodeCheckpointed),
    keepCheckpoint: async (sealed) =>
      keys.edit === undefined
        ? err({ reason: 'no-key' })
        : ask(archiveCheckpointPath(roomId), { key: keys.edit, body: sealed }, decodeCheckpointed),
    close: () => closed.abort(),
  };
}

const refusalIn = (answer: Response, body: Bytes): ArchiveRefusal =>
  decodeRefusal(answer.status, new TextDecoder().decode(body));

function retryAfter(answer: Response): { retryAfterMs?: number } {
  const seconds = Number(answer.headers.get('retry-after') ?? Number.NaN);
  return seconds > 0 ? { retryAfterMs: Math.min(seconds, RETRY_AFTER_MOST_S) * 1000 } : {};
}

/** Throws where there is more. */
async function readAtMost(answer: Response, maxBytes: number): Promise<Bytes> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = answer.body?.getReader();
  for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
    const part = next.value as Uint8Array;
    length += part.length;
    if (length > maxBytes) {
      await reader?.cancel();
      throw new RangeError(`an answer above ${maxBytes} bytes`);
    }
    parts.push(part);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
