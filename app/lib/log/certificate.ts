/**
 * Session certificates: which key may sign for a tab, in which role, on which device, and who vouched for it (CERT-1 to CERT-9).
 *
 *   format u8 ‖ roomId[52] ‖ epoch u32 ‖ role u8 ‖ sessionPub[32] ‖ deviceX25519[32] ‖ issuer[32] ‖ deviceEd25519[32]
 *     ‖ issuer's signature[64] over LABEL_ISSUER ‖ body
 *     ‖ device's signature[64] over LABEL_DEVICE ‖ body ‖ issuer's signature
 *     ‖ session's signature[64] over LABEL_SESSION ‖ all before
 *
 * Format 1, from before devices were proved, lacks both of the device's; it is read, and not written any more.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, equalBytes, toHex, utf8, type Bytes } from '../core/bytes.ts';
import type { ClientId, DeviceId, Role, RoomId, SessionId } from '../core/ids.ts';
import { err, ok, type Result } from '../core/result.ts';
import { isOneDevice, type DeviceKeyPair } from '../crypto/device-keys.ts';
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
import {
  CERTIFICATE_FORMAT,
  MAX_CERTIFICATE_BYTES,
  roleCode,
  roleOfCode,
  UNPROVED_CERTIFICATE_FORMAT,
  type Refusal,
} from './format.ts';
import { clientIdIn } from './client-id.ts';
import type { Invites } from './genesis.ts';

/** A session whose certificate was checked. Plain data: it can be posted to a worker. */
export interface CheckedSession {
  readonly id: SessionId;
  /** The Yjs client whose structs only this session may write. */
  readonly clientId: ClientId;
  readonly role: Role;
  readonly epoch: number;
  /** The device that signed the certificate. Where none did, one of the session's own, by its key: nobody else's. */
  readonly device: DeviceId;
  /** Whether a device signed it (CERT-8). */
  readonly proved: boolean;
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
const LABEL_DEVICE = utf8('codeface/certificate-device/1\0');
const LABEL_SESSION = utf8('codeface/certificate-session/1\0');
const LABEL_CLIENT = utf8('codeface/client-id/1\0');
const ROOM_ID_CHARS = 52;

/**
 * Makes this tab's session, with all that its seed allows: an editor's, a commenter's, or a viewer's, good for presence only.
 * Its key pair is new; only test vectors give one, because a key that signs twice from seq 1 is a fork.
 */
export async function issueSession(
  keys: RoomKeys,
  device: Pick<DeviceKeyPair, 'publicKey' | 'signing'>,
  pair?: SigningKeyPair,
): Promise<OwnSession> {
  const issuer = keys.editInvite ?? keys.commentInvite ?? keys.viewInvite;
  const session = pair ?? (await generateSigningKeyPair());
  const body = concat(
    Uint8Array.of(CERTIFICATE_FORMAT),
    utf8(keys.roomId),
    epochBytes(keys.epoch),
    Uint8Array.of(roleCode(keys.role)),
    session.publicKey,
    device.publicKey,
    issuer.publicKey,
    device.signing.publicKey,
  );
  const vouched = concat(body, await sign(issuer.privateKey, concat(LABEL_ISSUER, body)));
  const proved = concat(vouched, await sign(device.signing.privateKey, concat(LABEL_DEVICE, vouched)));
  const certificate = concat(proved, await sign(session.privateKey, concat(LABEL_SESSION, proved)));
  const read = readCertificate(certificate);
  if (!read.ok) throw new Error(`own certificate does not read: ${read.error}`);
  return { ...read.value.session, sign: (message) => sign(session.privateKey, message) };
}

/** Checks a certificate from anywhere against the invite keys of its epoch: fields, issuer, role, device, signatures. */
export async function checkCertificate(
  certificate: Bytes,
  invitesOf: (epoch: number) => Invites | undefined,
): Promise<Result<CheckedSession, Refusal>> {
  const refuse = (code: Refusal['code'], detail: string) => err({ code, detail });
  const read = readCertificate(certificate);
  if (!read.ok) return refuse('malformed-certificate', read.error);
  const { session, roomId, proof } = read.value;
  const invites = invitesOf(session.epoch);
  if (roomId !== (invites ?? invitesOf(0))?.roomId)
    return refuse('wrong-room', 'certificate of another room');
  if (invites === undefined) return refuse('wrong-epoch', `epoch ${session.epoch}`);

  const highest = roleOfIssuer(session.issuer, invites);
  if (highest === undefined) return refuse('unknown-issuer', 'not an invite key of this room');
  if (roleCode(session.role) > roleCode(highest))
    return refuse('role-above-issuer', `${session.role} vouched for by ${highest}`);
  if (!isStrongPublicKey(session.publicKey)) return refuse('weak-key', 'session key of small order');
  if (proof && !isOneDevice(proof.exchangeKey, proof.signingKey))
    return refuse('unproved-device', 'its keys are not those of one device');

  const signers = [
    { who: "issuer's", key: session.issuer, label: LABEL_ISSUER },
    ...(proof ? [{ who: "device's", key: proof.signingKey, label: LABEL_DEVICE }] : []),
    { who: "session's", key: session.publicKey, label: LABEL_SESSION },
  ];
  // Each signs what those before it have signed.
  const holds = await Promise.all(
    signers.map(({ key, label }, nth) => {
      const end = certificate.length - (signers.length - nth) * SIGNATURE_BYTES;
      const signature = certificate.subarray(end, end + SIGNATURE_BYTES);
      return verifySignature(key, signature, concat(label, certificate.subarray(0, end)));
    }),
  );
  const wrong = signers.find((_, nth) => !holds[nth]);
  return wrong ? refuse('bad-certificate-signature', wrong.who) : ok(session);
}

interface ReadCertificate {
  readonly session: CheckedSession;
  readonly roomId: RoomId;
  /** The two forms of the device's key; undefined in format 1. */
  readonly proof: { readonly exchangeKey: Bytes; readonly signingKey: Bytes } | undefined;
}

/** Reads a certificate without checking signatures: for bytes this device checked before. */
export function readCertificate(certificate: Bytes): Result<ReadCertificate, string> {
  if (certificate.length > MAX_CERTIFICATE_BYTES) return err('too long');
  return parse(certificate.slice(), (reader) => {
    const format = reader.u8();
    const proved = format === CERTIFICATE_FORMAT;
    const roomId = String.fromCharCode(...reader.take(ROOM_ID_CHARS)) as RoomId;
    const epoch = reader.u32();
    const role = roleOfCode(reader.u8());
    const publicKey = reader.take(PUBLIC_KEY_BYTES);
    const exchangeKey = reader.take(PUBLIC_KEY_BYTES);
    const issuer = reader.take(PUBLIC_KEY_BYTES);
    const proof = proved ? { exchangeKey, signingKey: reader.take(PUBLIC_KEY_BYTES) } : undefined;
    reader.take((proved ? 3 : 2) * SIGNATURE_BYTES);
    if ((!proved && format !== UNPROVED_CERTIFICATE_FORMAT) || role === undefined)
      throw new Malformed('unknown format or role');
    return {
      roomId,
      proof,
      session: {
        id: toHex(publicKey) as SessionId,
        clientId: clientIdOf(roomId, issuer, publicKey),
        role,
        epoch,
        device: toHex(proved ? exchangeKey : publicKey) as DeviceId,
        proved,
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
