/** For tests only: sessions as versions before CERT-8 made them. Their certificates name a device, and prove none. */
import { concat, utf8, type Bytes } from '../lib/core/bytes.ts';
import { epochBytes, type RoomKeys } from '../lib/crypto/room-keys.ts';
import { generateSigningKeyPair, sign } from '../lib/crypto/signatures.ts';
import { readCertificate, type OwnSession } from '../lib/log/certificate.ts';
import { roleCode } from '../lib/log/format.ts';

/** `device`: whichever X25519 key it claims. */
export async function unprovedSession(keys: RoomKeys, device: Bytes): Promise<OwnSession> {
  const issuer = keys.editInvite ?? keys.commentInvite ?? keys.viewInvite;
  const { publicKey, privateKey } = await generateSigningKeyPair();
  const body = concat(
    Uint8Array.of(1),
    utf8(keys.roomId),
    epochBytes(keys.epoch),
    Uint8Array.of(roleCode(keys.role)),
    publicKey,
    device,
    issuer.publicKey,
  );
  const byIssuer = await sign(issuer.privateKey, concat(utf8('codeface/certificate-issuer/1\0'), body));
  const vouched = concat(body, byIssuer);
  const bySession = await sign(privateKey, concat(utf8('codeface/certificate-session/1\0'), vouched));
  const read = readCertificate(concat(vouched, bySession));
  if (!read.ok) throw new Error(read.error);
  return { ...read.value.session, sign: (message) => sign(privateKey, message) };
}
