/** Vectors of the genesis statement and of certificates (GEN, CERT). More refused certificates are in refusals.ts. */
import { concat, type Bytes } from '../../app/lib/core/bytes.ts';
import { readCertificate } from '../../app/lib/log/certificate.ts';
import { hex, writeCertificate, type VectorRoom, type Who } from './vector-room.ts';

export function genesisVectors({ genesis }: VectorRoom) {
  const { bytes, ownerPublicKey } = genesis;
  const changed = (at: number, to: number) => hex(bytes.map((byte, i) => (i === at ? to : byte)));
  const one = (name: string, rule: string, statement: string, believed: boolean) => ({
    name,
    rules: [rule],
    hex: statement,
    believed,
  });
  return [
    one('of this room', 'GEN-1', hex(bytes), true),
    one('another format', 'GEN-1', changed(0, 2), false),
    one('a byte too many', 'GEN-1', `${hex(bytes)}00`, false),
    one("another's key", 'GEN-2', changed(5, (ownerPublicKey[0] ?? 0) ^ 1), false),
    one('another edit invite', 'GEN-2', changed(37, (bytes[37] ?? 0) ^ 1), false),
  ];
}

export interface CertificateVector {
  readonly name: string;
  readonly rules: readonly string[];
  readonly hex: string;
  readonly accepted?: { readonly session: string; readonly clientId: number; readonly role: string };
  readonly refused?: string;
}

/** What is wrong with each refused certificate is all that is wrong with it. */
export async function certificateVectors(room: VectorRoom): Promise<CertificateVector[]> {
  const { keys, pairs, roomId, sessions } = room;
  const issuer = keys.editInvite ?? keys.viewInvite;
  const comment = keys.commentInvite ?? keys.viewInvite;
  const base = { roomId, issuer, session: pairs.eve };
  const issued = (who: Who, rules: string[]) => {
    const { certificate, id, clientId, role } = sessions[who];
    return { name: who, rules, hex: hex(certificate), accepted: { session: id, clientId, role } };
  };
  /** Of a lesser role than its issuer might give. */
  const accepted = (name: string, bytes: Bytes) => {
    const read = readCertificate(bytes);
    if (!read.ok) throw new Error(read.error);
    const { id, clientId, role } = read.value.session;
    return { name, rules: ['CERT-3'], hex: hex(bytes), accepted: { session: id, clientId, role } };
  };
  const refused = (name: string, rule: string, code: string, bytes: Bytes) => ({
    name,
    rules: [rule],
    hex: hex(bytes),
    refused: code,
  });
  const good = await writeCertificate(base);
  const [format, role, epoch] = [{ format: 2 }, { role: 3 }, { epoch: 1 }];
  const unsigned = good.map((byte, i) => (i === 218 ? byte ^ 1 : byte));
  return [
    issued('ann', ['CERT-1', 'CERT-2', 'CERT-3', 'CERT-5']),
    issued('ben', ['CERT-1', 'CERT-5']),
    issued('eve', ['CERT-1', 'CERT-5']),
    issued('vic', ['CERT-1', 'CERT-3', 'CERT-5']),
    issued('cas', ['CERT-1', 'CERT-2', 'CERT-3', 'CERT-5']),
    accepted(
      'a viewer, by the comment invite',
      await writeCertificate({ ...base, issuer: comment, role: 0 }),
    ),
    accepted('a commenter, by the edit invite', await writeCertificate({ ...base, role: 1 })),
    refused('a byte too many', 'CERT-2', 'malformed-certificate', concat(good, Uint8Array.of(0))),
    refused(
      'another format',
      'CERT-2',
      'malformed-certificate',
      await writeCertificate({ ...base, ...format }),
    ),
    refused(
      'of no known role',
      'CERT-2',
      'malformed-certificate',
      await writeCertificate({ ...base, ...role }),
    ),
    refused(
      'an editor, by the comment invite',
      'CERT-3',
      'role-above-issuer',
      await writeCertificate({ ...base, issuer: comment, role: 2 }),
    ),
    refused(
      'a commenter, by the view invite',
      'CERT-3',
      'role-above-issuer',
      await writeCertificate({ ...base, issuer: room.viewKeys.viewInvite, role: 1 }),
    ),
    refused('of another epoch', 'CERT-2', 'wrong-epoch', await writeCertificate({ ...base, ...epoch })),
    refused('not signed by its session', 'CERT-3', 'bad-certificate-signature', unsigned),
  ];
}
