/**
 * What tabs and the archive say to each other over HTTP (docs/spec-archive.md): bodies, answers, refusals. What an owner signs is in
 * archive-statement.ts. Segments are sealed and opaque here.
 *
 *   POST /archive/{roomId}/register          registration  → status
 *   GET  /archive/{roomId}                                 → status      read key
 *   POST /archive/{roomId}/segments          batch         → appended    append key
 *   GET  /archive/{roomId}/segments?since=n                → page        read key
 *   POST /archive/{roomId}/delete            deletion      → deleted
 *   POST /archive/{roomId}/owners          claim         → owners statements
 *   POST /archive/{roomId}/squashed          batch         → appended    append key, with some room above the quota
 *   GET  /archive/{roomId}/live?since=n                    → page        read key, without what is superseded
 *   GET  /archive/{roomId}/superseded                      → superseded  read key (archive-superseding.ts)
 *   POST /archive/{roomId}/supersede         superseding   → superseded
 *   POST /archive/{roomId}/revert            revert        → superseded
 *   POST /archive/{roomId}/checkpoint        a record      → checkpointed edit append key
 *   GET  /archive/{roomId}/checkpoint                      → the record, or nothing    read key
 *   GET  /archive/{roomId}/checkpointed                    → checkpointed read key
 */
import { Malformed } from './byte-reader.ts';
import { concat, type Bytes } from './bytes.ts';
import { decode, isU32, sized, TooLarge, u32, u64, type Fields, type WireError } from './fixed-fields.ts';
import { ok, type Result } from './result.ts';

/** Carries a key of the room, 64 lower-case hex digits: never a part of the address, which servers log. */
export const ARCHIVE_KEY_HEADER = 'x-room-key';
/** The type of every body and of every answer that is no refusal. */
export const ARCHIVE_CONTENT_TYPE = 'application/octet-stream';

const KIB = 1024;
const MIB = 1024 * KIB;

/** A tab that was away for a day sends its segments in a few requests; one request stays a short transaction. */
export const ARCHIVE_BATCH_SEGMENTS = 200;
/** The largest sealed segment there is (SEAL-3): alone in its batch. */
export const ARCHIVE_SEGMENT_BYTES = 20 * MIB;
/** All segments of a batch of several: what a slow line sends in a minute. */
export const ARCHIVE_BATCH_BYTES = 4 * MIB;
/** A page ends before it would pass either; it always has the first segment, however large. */
export const ARCHIVE_PAGE_SEGMENTS = 500;
export const ARCHIVE_PAGE_BYTES = 4 * MIB;
/** Room for a sealed genesis statement, or a head of the roster. */
export const ARCHIVE_BLOB_BYTES = 4 * KIB;
/** Added to each segment's length in the quota, so that many tiny ones are not free. */
export const ARCHIVE_SEGMENT_OVERHEAD_BYTES = 256;
/** All that a room may have stored, what is superseded and waits to be removed included: so many times its quota. */
export const ARCHIVE_STORED_QUOTAS = 2;
/** Room above the quota for segments that are to supersede others: else a full room could never have more. */
export const ARCHIVE_SPARE_BYTES = 4 * MIB;
/** How long what is superseded stays, and can be had back: a team's holidays. */
export const ARCHIVE_SUPERSEDED_MS = 30 * 24 * 3_600_000;
/** A state that takes longer to fetch than most histories do is no short way. */
export const ARCHIVE_CHECKPOINT_BYTES = 4 * MIB;
/** The part of a room's quota that the comment key can fill. */
export const ARCHIVE_COMMENT_SHARE = 0.1;

/** What names one copy of a room on one server. */
export const ARCHIVE_INSTANCE_BYTES = 16;

/** Why the archive does not do what it was asked, each with its status (ARCH-3). The words are stable. */
export const ARCHIVE_REFUSALS = {
  malformed: 400,
  'no-key': 401,
  'wrong-key': 403,
  'bad-proof': 403,
  'unknown-room': 404,
  'unknown-route': 404,
  'old-counter': 409,
  'other-roster': 409,
  'not-kept': 409,
  'too-large': 413,
  rate: 429,
  later: 503,
  off: 503,
  'room-full': 507,
  'comments-full': 507,
} as const;
export type ArchiveRefusalReason = keyof typeof ARCHIVE_REFUSALS;

/** `counter` comes with `old-counter`: the archive's own, which the next statement must be above. */
export interface ArchiveRefusal {
  readonly reason: ArchiveRefusalReason;
  readonly counter?: number;
}

export interface ArchiveStatus {
  /** 16 random bytes, made anew when a room is registered for the first time or after a deletion. Cursors belong to it. */
  readonly instance: Bytes;
  readonly counter: number;
  readonly epoch: number;
  /** Those that count: what is superseded does not. */
  readonly segments: number;
  /** What counts towards the quota, ARCHIVE_SEGMENT_OVERHEAD_BYTES per segment included. */
  readonly bytes: number;
  readonly quota: number;
  /** That of the newest segment; 0 where there is none yet. */
  readonly cursor: number;
  readonly blob: Bytes;
}

export interface ArchiveAppended {
  /** New ones. */
  readonly stored: number;
  /** Those that were here already. */
  readonly known: number;
  /** The room's newest: no place to read on from, others' segments may lie before it. */
  readonly cursor: number;
  readonly bytes: number;
  readonly quota: number;
}

export interface ArchivePage {
  readonly instance: Bytes;
  /** What to ask `since` next. */
  readonly next: number;
  /** Whether there is more by now. */
  readonly more: boolean;
  readonly segments: readonly Bytes[];
}

export interface ArchiveDeleted {
  readonly segments: number;
  readonly bytes: number;
  /** Whether the database's free pages are gone too; if not, the server does it within minutes. */
  readonly purged: boolean;
}

/** What a room has of ARCH-30, and whether a newer one would be worth it. */
export interface ArchiveCheckpointed {
  /** Of the checkpoint; 0 where there is none. */
  readonly length: number;
  /** What counts towards the quota besides it. */
  readonly history: number;
  /** The least that there was of that since the checkpoint came; 0 where there is none. */
  readonly covered: number;
}

export const archivePath = (roomId: string): string => `/archive/${roomId}`;
export const archiveSegmentsPath = (roomId: string, since?: number): string =>
  `/archive/${roomId}/segments${since === undefined ? '' : `?since=${since}`}`;
/** As `archiveSegmentsPath`, for what is to supersede others. */
export const archiveSquashedPath = (roomId: string): string => `/archive/${roomId}/squashed`;
export const archiveRegisterPath = (roomId: string): string => `/archive/${roomId}/register`;
export const archiveOwnersPath = (roomId: string): string => `/archive/${roomId}/owners`;
export const archiveLivePath = (roomId: string, since: number): string =>
  `/archive/${roomId}/live?since=${since}`;
export const archiveSupersededPath = (roomId: string): string => `/archive/${roomId}/superseded`;
export const archiveSupersedePath = (roomId: string): string => `/archive/${roomId}/supersede`;
export const archiveRevertPath = (roomId: string): string => `/archive/${roomId}/revert`;
export const archiveCheckpointPath = (roomId: string): string => `/archive/${roomId}/checkpoint`;
export const archiveCheckpointedPath = (roomId: string): string => `/archive/${roomId}/checkpointed`;
export const archiveDeletePath = (roomId: string): string => `/archive/${roomId}/delete`;

/** 1 to ARCHIVE_BATCH_SEGMENTS sealed segments, none empty; RangeError for what no archive would take. */
export function encodeBatch(segments: readonly Bytes[]): Bytes {
  const bytes = concat(u32(segments.length), ...sized(...segments));
  if (!decodeBatch(bytes).ok)
    throw new RangeError(`a batch of ${segments.length} segments, ${bytes.length} bytes`);
  return bytes;
}

/** The segments are views. */
export function decodeBatch(bytes: Bytes): Result<Bytes[], WireError> {
  return decode(bytes, (fields) => {
    const count = fields.u32();
    if (count === 0) throw new Malformed('no segments');
    if (count > ARCHIVE_BATCH_SEGMENTS) throw new TooLarge('too many segments');
    const segments = takeSegments(fields, count);
    const total = segments.reduce((sum, { length }) => sum + length, 0);
    if (count > 1 && total > ARCHIVE_BATCH_BYTES) throw new TooLarge('too many bytes');
    return segments;
  });
}

/** The longest body of a batch. */
export const ARCHIVE_BATCH_BODY_BYTES = 4 + 4 + ARCHIVE_SEGMENT_BYTES;
export const encodeStatus = (status: ArchiveStatus): Bytes =>
  concat(
    status.instance,
    u32(status.counter),
    u32(status.epoch),
    u64(status.segments),
    u64(status.bytes),
    u64(status.quota),
    u64(status.cursor),
    ...sized(status.blob),
  );

export function decodeStatus(bytes: Bytes): Result<ArchiveStatus, WireError> {
  return decode(bytes, (fields) => ({
    instance: fields.take(ARCHIVE_INSTANCE_BYTES),
    counter: fields.u32(),
    epoch: fields.u32(),
    segments: fields.u64(),
    bytes: fields.u64(),
    quota: fields.u64(),
    cursor: fields.u64(),
    blob: fields.sized(ARCHIVE_BLOB_BYTES),
  }));
}

/** Why a room has no status. It is no error to ask, and browsers show every status above 399 as one to whoever looks. */
export type ArchiveAbsence = 'off' | 'unknown-room';
const ABSENCES: readonly ArchiveAbsence[] = ['off', 'unknown-room'];

export const encodeAbsence = (absence: ArchiveAbsence): Bytes => Uint8Array.of(ABSENCES.indexOf(absence));

/** The answer to a question for the status: the status, or that there is none. */
export function decodeStatusOrAbsence(bytes: Bytes): Result<ArchiveStatus | ArchiveAbsence, WireError> {
  const absence = bytes.length === 1 ? ABSENCES[bytes[0] ?? -1] : undefined;
  return absence === undefined ? decodeStatus(bytes) : ok(absence);
}

export const encodeAppended = (answer: ArchiveAppended): Bytes =>
  concat(u32(answer.stored), u32(answer.known), u64(answer.cursor), u64(answer.bytes), u64(answer.quota));

export function decodeAppended(bytes: Bytes): Result<ArchiveAppended, WireError> {
  return decode(bytes, (fields) => ({
    stored: fields.u32(),
    known: fields.u32(),
    cursor: fields.u64(),
    bytes: fields.u64(),
    quota: fields.u64(),
  }));
}

/** The beginning of a page; each segment follows as its length (`segmentLength`) and its bytes. */
export const encodePageHead = (page: Omit<ArchivePage, 'segments'>, count: number): Bytes =>
  concat(page.instance, u64(page.next), Uint8Array.of(page.more ? 1 : 0), u32(count));
export const segmentLength = (bytes: number): Bytes => u32(bytes);

/** The segments are views. */
export function decodePage(bytes: Bytes): Result<ArchivePage, WireError> {
  return decode(bytes, (fields) => {
    const head = { instance: fields.take(ARCHIVE_INSTANCE_BYTES), next: fields.u64(), more: fields.flag() };
    const count = fields.u32();
    if (count > ARCHIVE_PAGE_SEGMENTS) throw new TooLarge('too many segments');
    const segments = takeSegments(fields, count);
    const total = segments.reduce((sum, { length }) => sum + length, 0);
    if (count > 1 && total > ARCHIVE_PAGE_BYTES) throw new TooLarge('too many bytes');
    if (head.more && count === 0) throw new Malformed('more of nothing');
    return { ...head, segments };
  });
}

export const encodeDeleted = (answer: ArchiveDeleted): Bytes =>
  concat(u64(answer.segments), u64(answer.bytes), Uint8Array.of(answer.purged ? 1 : 0));

export function decodeDeleted(bytes: Bytes): Result<ArchiveDeleted, WireError> {
  return decode(bytes, (fields) => ({
    segments: fields.u64(),
    bytes: fields.u64(),
    purged: fields.flag(),
  }));
}

export const encodeCheckpointed = (answer: ArchiveCheckpointed): Bytes =>
  concat(u64(answer.length), u64(answer.history), u64(answer.covered));

export function decodeCheckpointed(bytes: Bytes): Result<ArchiveCheckpointed, WireError> {
  return decode(bytes, (fields) => ({
    length: fields.u64(),
    history: fields.u64(),
    covered: fields.u64(),
  }));
}

export const encodeRefusal = (refusal: ArchiveRefusal): string => JSON.stringify(refusal);

/** The refusal in an answer that is not 200. Whatever is none of the archive's own words (a proxy's page, say) is `later`. */
export function decodeRefusal(status: number, body: string): ArchiveRefusal {
  let read: unknown;
  try {
    read = JSON.parse(body);
  } catch {
    return { reason: 'later' };
  }
  const { reason, counter } = (read ?? {}) as { reason?: unknown; counter?: unknown };
  if (typeof reason !== 'string' || !Object.hasOwn(ARCHIVE_REFUSALS, reason)) return { reason: 'later' };
  const known = reason as ArchiveRefusalReason;
  if (ARCHIVE_REFUSALS[known] !== status) return { reason: 'later' };
  return isU32(counter) ? { reason: known, counter } : { reason: known };
}

function takeSegments(fields: Fields, count: number): Bytes[] {
  const segments: Bytes[] = [];
  while (segments.length < count) {
    const segment = fields.sized(ARCHIVE_SEGMENT_BYTES);
    if (segment.length === 0) throw new Malformed('an empty segment');
    segments.push(segment);
  }
  return segments;
}
