/**
 * Checkpoints: what the project was at a frontier, as a session that was there signs it (CHECK-1 to CHECK-3). A cache: who has
 * nothing of a room reads it first, folds the log behind it, and believes the log.
 *
 *   format u8 ‖ time u64 ‖ varBytes certificate ‖ varBytes frontier ‖ varBytes state
 *     ‖ session's signature[64] over LABEL ‖ all before
 */
import { createEncoder, toUint8Array, writeUint8, writeUint8Array, writeVarUint8Array } from 'lib0/encoding';
import { Malformed, parse } from '../core/byte-reader.ts';
import { concat, utf8, type Bytes } from '../core/bytes.ts';
import { u64 } from '../core/fixed-fields.ts';
import { err, ok, type Result } from '../core/result.ts';
import { SIGNATURE_BYTES, verifySignature } from '../crypto/signatures.ts';
import { checkCertificate, type CheckedSession, type OwnSession } from './certificate.ts';
import { FORMAT, MAX_CERTIFICATE_BYTES, MIB, type RefusalCode } from './format.ts';
import { decodeFrontier, encodeFrontier, type FrontierRow } from './frontier.ts';
import type { Invites } from './genesis.ts';

/** A checkpoint that its signer may make. Whether it is true the log says. */
export interface Checkpoint {
  readonly signer: CheckedSession;
  /** Milliseconds since 1970, as the signer claims. */
  readonly time: number;
  /** How far each chain of `project` was. */
  readonly frontier: readonly FrontierRow[];
  /** The project doc there, as a Yjs V1 update. Not looked into yet. */
  readonly state: Bytes;
}

/** Why a checkpoint is not shown. The codes are stable, those of a certificate among them (CHECK-2). */
export interface CheckpointRefusal {
  readonly code: RefusalCode | 'malformed-checkpoint';
  /** For developers. */
  readonly detail: string;
}

/** Sealed it has to fit into what the archive keeps (ARCH-30); one of a larger room would save nobody time. */
export const MAX_CHECKPOINT_BYTES = 4 * MIB - 1024;

const LABEL = utf8('codeface/checkpoint/1\0');

/** Signs what the project is at `frontier`; undefined where that is larger than a checkpoint may be. */
export async function makeCheckpoint(
  session: OwnSession,
  { time, frontier, state }: Omit<Checkpoint, 'signer'>,
): Promise<Bytes | undefined> {
  const encoder = createEncoder();
  writeUint8(encoder, FORMAT);
  writeUint8Array(encoder, u64(time));
  writeVarUint8Array(encoder, session.certificate);
  writeVarUint8Array(encoder, encodeFrontier(frontier));
  writeVarUint8Array(encoder, state);
  const body = toUint8Array(encoder);
  if (body.length + SIGNATURE_BYTES > MAX_CHECKPOINT_BYTES) return undefined;
  return concat(body, await session.sign(concat(LABEL, body)));
}

/** Reads a checkpoint from anywhere: by an editor's session of `invites`' epoch, whose device is proved, and signed by it. */
export async function readCheckpoint(
  bytes: Bytes,
  invites: Invites,
): Promise<Result<Checkpoint, CheckpointRefusal>> {
  const refuse = (code: CheckpointRefusal['code'], detail: string) => err({ code, detail });
  const read = parse(bytes, (reader) => {
    if (reader.u8() !== FORMAT) throw new Malformed('another format');
    const time = reader.u32() * 2 ** 32 + reader.u32();
    if (!Number.isSafeInteger(time)) throw new Malformed('time');
    const certificate = reader.varBytes(MAX_CERTIFICATE_BYTES);
    const rows = decodeFrontier(reader.varBytes(MAX_CHECKPOINT_BYTES));
    if (!rows.ok) throw new Malformed(rows.error);
    const state = reader.varBytes(MAX_CHECKPOINT_BYTES);
    return { time, certificate, frontier: rows.value, state, signature: reader.take(SIGNATURE_BYTES) };
  });
  if (!read.ok) return refuse('malformed-checkpoint', read.error);
  const { time, certificate, frontier, state, signature } = read.value;
  if (frontier.length === 0 || frontier.some(({ channel }) => channel !== 'project'))
    return refuse('malformed-checkpoint', 'a frontier of nothing, or of other channels');

  const signer = await checkCertificate(certificate, (epoch) =>
    epoch === invites.epoch ? invites : undefined,
  );
  if (!signer.ok) return signer;
  if (!signer.value.proved) return refuse('unproved-device', 'nobody could be told of');
  if (signer.value.role !== 'editor') return refuse('role-may-not-sign', signer.value.role);
  const signed = concat(LABEL, bytes.subarray(0, bytes.length - SIGNATURE_BYTES));
  return (await verifySignature(signer.value.publicKey, signature, signed))
    ? ok({ signer: signer.value, time, frontier, state })
    : refuse('bad-signature', "not the certificate's session's");
}
