/**
 * What a room's owner signs for the archive (ARCH-4, ARCH-12): to keep the room under these keys, or to forget it. The bytes only;
 * the server verifies in signaling/archive/. What is signed of single segments is in archive-superseding.ts.
 */
import { ARCHIVE_BLOB_BYTES, ARCHIVE_INSTANCE_BYTES } from './archive-wire.ts';
import { Malformed } from './byte-reader.ts';
import { concat, utf8, type Bytes } from './bytes.ts';
import { decode, sized, u32, type Fields, type WireError } from './fixed-fields.ts';
import { MAX_OWNERS_STATEMENTS, OWNERS_STATEMENT_BYTES } from './owners-statement.ts';
import { ok, type Result } from './result.ts';

/** Of every statement for the archive. */
export const FORMAT = 1;
const REGISTER_LABEL = utf8('codeface/archive-register/1\0');
const DELETE_LABEL = utf8('codeface/archive-delete/1\0');
export const KEY_BYTES = 32;
export const HASH_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** Makes the archive keep a room, or gives it new keys (ARCH-4). */
export interface ArchiveRegistration {
  readonly ownerPublicKey: Bytes;
  /** Above that of every statement before it, registrations and deletions alike; u32. */
  readonly counter: number;
  readonly epoch: number;
  /** SHA-256 of each 32-byte key. */
  readonly readKeyHash: Bytes;
  readonly editKeyHash: Bytes;
  readonly commentKeyHash: Bytes;
  /** Given back to whoever has the read key; at most ARCHIVE_BLOB_BYTES. */
  readonly blob: Bytes;
}

/** Makes the archive forget a room (ARCH-12). */
export interface ArchiveDeletion {
  readonly ownerPublicKey: Bytes;
  readonly counter: number;
  /** The copy that is meant, from its status: a deletion is good for one server only. */
  readonly instance: Bytes;
}

/** Who owns a room (ARCH-22): the key that it is named by, and all owners statements since (ROST-30). Signed in itself. */
export interface OwnersClaim {
  readonly founder: Bytes;
  readonly statements: readonly Bytes[];
}

/** A statement as received: what its signature must be over, label included. */
export interface SignedStatement<T> {
  readonly statement: T;
  readonly message: Bytes;
  readonly signature: Bytes;
}

/** The longest statement. */
export const ARCHIVE_STATEMENT_BYTES =
  1 + KEY_BYTES + 8 + 3 * HASH_BYTES + 4 + ARCHIVE_BLOB_BYTES + SIGNATURE_BYTES;

/** The longest claim. */
export const ARCHIVE_OWNERS_BYTES = KEY_BYTES + MAX_OWNERS_STATEMENTS * (4 + OWNERS_STATEMENT_BYTES);

/** What the owner signs (Ed25519). */
export const registrationMessage = (statement: ArchiveRegistration): Bytes =>
  concat(REGISTER_LABEL, registrationBody(statement));
export const deletionMessage = (statement: ArchiveDeletion): Bytes =>
  concat(DELETE_LABEL, deletionBody(statement));

export const encodeRegistration = (statement: ArchiveRegistration, signature: Bytes): Bytes =>
  concat(registrationBody(statement), signature);
export const encodeDeletion = (statement: ArchiveDeletion, signature: Bytes): Bytes =>
  concat(deletionBody(statement), signature);

export const encodeOwnersClaim = ({ founder, statements }: OwnersClaim): Bytes =>
  concat(founder, ...sized(...statements));

/** Reads, does not verify. The statements are views. */
export const decodeOwnersClaim = (bytes: Bytes): Result<OwnersClaim, WireError> =>
  decode(bytes, (fields) => ({ founder: fields.take(KEY_BYTES), statements: ownersList(fields) }));

/** The answer to a claim: the statements that the archive keeps. */
export const decodeOwnersKept = (bytes: Bytes): Result<Bytes[], WireError> => decode(bytes, ownersList);

function ownersList(fields: Fields): Bytes[] {
  const statements: Bytes[] = [];
  while (fields.left > 0 && statements.length < MAX_OWNERS_STATEMENTS)
    statements.push(fields.sized(OWNERS_STATEMENT_BYTES));
  return statements;
}

/** Reads, does not verify. */
export function decodeRegistration(bytes: Bytes): Result<SignedStatement<ArchiveRegistration>, WireError> {
  return decodeSigned(bytes, REGISTER_LABEL, (fields) => ({
    ownerPublicKey: fields.take(KEY_BYTES),
    counter: fields.u32(),
    epoch: fields.u32(),
    readKeyHash: fields.take(HASH_BYTES),
    editKeyHash: fields.take(HASH_BYTES),
    commentKeyHash: fields.take(HASH_BYTES),
    blob: fields.sized(ARCHIVE_BLOB_BYTES),
  }));
}

/** Reads, does not verify. */
export function decodeDeletion(bytes: Bytes): Result<SignedStatement<ArchiveDeletion>, WireError> {
  return decodeSigned(bytes, DELETE_LABEL, (fields) => ({
    ownerPublicKey: fields.take(KEY_BYTES),
    counter: fields.u32(),
    instance: fields.take(ARCHIVE_INSTANCE_BYTES),
  }));
}

const registrationBody = (statement: ArchiveRegistration): Bytes =>
  concat(
    Uint8Array.of(FORMAT),
    statement.ownerPublicKey,
    u32(statement.counter),
    u32(statement.epoch),
    statement.readKeyHash,
    statement.editKeyHash,
    statement.commentKeyHash,
    ...sized(statement.blob),
  );

const deletionBody = (statement: ArchiveDeletion): Bytes =>
  concat(Uint8Array.of(FORMAT), statement.ownerPublicKey, u32(statement.counter), statement.instance);

/** A statement of any kind, signed at its end; `read` takes what is between the format and the signature. */
export function decodeSigned<T>(
  bytes: Bytes,
  label: Bytes,
  read: (fields: Fields) => T,
): Result<SignedStatement<T>, WireError> {
  const body = bytes.subarray(0, Math.max(0, bytes.length - SIGNATURE_BYTES));
  const statement = decode(body, (fields) => {
    if (fields.u8() !== FORMAT) throw new Malformed('another format');
    return read(fields);
  });
  if (!statement.ok) return statement;
  return ok({
    statement: statement.value,
    message: concat(label, body),
    signature: bytes.subarray(body.length),
  });
}
