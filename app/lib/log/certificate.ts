/**
 * Session certificates: which key may sign for a tab, in which role, and who vouched for it (CERT-1 to CERT-6).
 *
 *   format u8 ‖ roomId[52] ‖ epoch u32 ‖ role u8 ‖ sessionPub[32] ‖ deviceX25519[32] ‖ issuer[32]
 *     ‖ issuer's signature[64] over LABEL_ISSUER ‖ body
 *     ‖ session's signature[64] over LABEL_SESSION ‖ body ‖ issuer's signature
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, equalBytes, toHex, utf8, type Bytes } from '../core/bytes.ts';
import type { ClientId, DeviceId, Role, RoomId, SessionId } from '../core/ids.ts';
import { err, ok, type Result } from '../core/result.ts';
import { epochBytes, type RoomKeys } from '../crypto/room-keys.ts';
import {
  generateSigningKeyPair,
  isStrongPublicKey,
  PUBLIC_KEY_BYTES,
  sign,
  SIGNATURE_BYTES,
  verifySignature,
  type SigningKeyPair,
} from '../crypto/signatures.ts';
import { Malformed, parse } from '../core/byte-reader.ts';
import { FORMAT, MAX_CERTIFICATE_BYTES, roleCode, roleOfCode, type Refusal } from './format.ts';
import { clientIdIn } from './client-id.ts';
import type { Invites } from './genesis.ts';

/** A session whose certificate was checked. Plain data: it can be posted to a worker. */
export interface CheckedSession {
  readonly id: SessionId;
  /** The Yjs client whose structs only this session may write. */
  readonly clientId: ClientId;
  readonly role: Role;
  readonly epoch: number;
  readonly device: DeviceId;
  readonly publicKey: Bytes;
  /** Who vouched: an invite key. Its sessions share a quota of held bytes. */
  readonly issuer: Bytes;
  /** As signed. The session's first segment carries it, and its chains begin with its hash. */
  readonly certificate: Bytes;
}

/** A session of this tab. Its private key is in memory only, so seq and key end together. */
export interface OwnSession extends CheckedSession {
  sign(message: Bytes): Promise<Bytes>;
}

const LABEL_ISSUER = utf8('codeface/certificate-issuer/1\0');
const LABEL_SESSION = utf8('codeface/certificate-session/1\0');
const LABEL_CLIENT = utf8('codeface/client-id/1\0');
const ROOM_ID_CHARS = 52;
const BODY_BYTES = 1 + ROOM_ID_CHARS + 4 + 1 + 3 * PUBLIC_KEY_BYTES;

/**
 * Makes this tab's session, with all that its seed allows: an editor's, a commenter's, or a viewer's, good for presence only.
 * Its key pair is new; only test vectors give one, because a key that signs twice from seq 1 is a fork.
 */
export async function issueSession(
  keys: RoomKeys,
  deviceX25519: Bytes,
  pair?: SigningKeyPair,
): Promise<OwnSession> {
  const issuer = keys.editInvite ?? keys.commentInvite ?? keys.viewInvite;
  const session = pair ?? (await generateSigningKeyPair());
  const body = concat(
    Uint8Array.of(FORMAT),
    utf8(keys.roomId),
    epochBytes(keys.epoch),
    Uint8Array.of(roleCode(keys.role)),
    session.publicKey,
    deviceX25519,
    issuer.publicKey,
  );
  const vouched = concat(body, await sign(issuer.privateKey, concat(LABEL_ISSUER, body)));
  const certificate = concat(vouched, await sign(session.privateKey, concat(LABEL_SESSION, vouched)));
  const read = readCertificate(certificate);
  if (!read.ok) throw new Error(`own certificate does not read: ${read.error}`);
  return { ...read.value.session, sign: (message) => sign(session.privateKey, message) };
}

/** Checks a certificate from anywhere against the invite keys of its epoch: fields, issuer, role, both signatures. */
export async function checkCertificate(
  certificate: Bytes,
  invitesOf: (epoch: number) => Invites | undefined,
): Promise<Result<CheckedSession, Refusal>> {
  const refuse = (code: Refusal['code'], detail: string) => err({ code, detail });
  const read = readCertificate(certificate);
  if (!read.ok) return refuse('malformed-certificate', read.error);
  const { session, roomId } = read.value;
  const invites = invitesOf(session.epoch);
  if (roomId !== (invites ?? invitesOf(0))?.roomId)
    return refuse('wrong-room', 'certificate of another room');
  if (invites === undefined) return refuse('wrong-epoch', `epoch ${session.epoch}`);

  const highest = roleOfIssuer(session.issuer, invites);
  if (highest === undefined) return refuse('unknown-issuer', 'not an invite key of this room');
  if (roleCode(session.role) > roleCode(highest))
    return refuse('role-above-issuer', `${session.role} vouched for by ${highest}`);
  if (!isStrongPublicKey(session.publicKey)) return refuse('weak-key', 'session key of small order');

  const body = certificate.subarray(0, BODY_BYTES);
  const vouched = certificate.subarray(0, BODY_BYTES + SIGNATURE_BYTES);
  const [byIssuer, bySession] = await Promise.all([
    verifySignature(session.issuer, vouched.subarray(BODY_BYTES), concat(LABEL_ISSUER, body)),
    verifySignature(session.publicKey, certificate.subarray(vouched.length), concat(LABEL_SESSION, vouched)),
  ]);
  if (!byIssuer) return refuse('bad-certificate-signature', "issuer's");
  if (!bySession) return refuse('bad-certificate-signature', "session's");
  return ok(session);
}

/** Reads a certificate without checking signatures: for bytes this device checked before. */
export function readCertificate(
  certificate: Bytes,
): Result<{ session: CheckedSession; roomId: RoomId }, string> {
  if (certificate.length > MAX_CERTIFICATE_BYTES) return err('too long');
  return parse(certificate.slice(), (reader) => {
    const format = reader.u8();
    const roomId = String.fromCharCode(...reader.take(ROOM_ID_CHARS)) as RoomId;
    const epoch = reader.u32();
    const role = roleOfCode(reader.u8());
    const publicKey = reader.take(PUBLIC_KEY_BYTES);
    const device = toHex(reader.take(PUBLIC_KEY_BYTES)) as DeviceId;
    const issuer = reader.take(PUBLIC_KEY_BYTES);
    reader.take(2 * SIGNATURE_BYTES);
    if (format !== FORMAT || role === undefined) throw new Malformed('unknown format or role');
    const id = toHex(publicKey) as SessionId;
    const clientId = clientIdOf(roomId, issuer, publicKey);
    return {
      roomId,
      session: {
        id,
        clientId,
        role,
        epoch,
        device,
        publicKey,
        issuer,
        certificate: certificate.slice(),
      },
    };
  });
}

/** 53 bits of SHA-256(label ‖ roomId ‖ issuer ‖ sessionPub): the low 21 of its first word, then its second (CERT-5). */
export function clientIdOf(roomId: RoomId, issuer: Bytes, sessionPublicKey: Bytes): ClientId {
  return clientIdIn(sha256(concat(LABEL_CLIENT, utf8(roomId), issuer, sessionPublicKey)));
}

/** The highest role an issuer may give. */
function roleOfIssuer(issuer: Bytes, invites: Invites): Role | undefined {
  if (equalBytes(issuer, invites.editInvite)) return 'editor';
  if (equalBytes(issuer, invites.commentInvite)) return 'commenter';
  if (equalBytes(issuer, invites.viewInvite)) return 'viewer';
  return undefined;
}
