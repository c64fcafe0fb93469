/** Vectors of the genesis statement and of certificates (GEN, CERT). More refused certificates are in refusals.ts. */
import { concat, fromHex, type Bytes } from '../../app/lib/core/bytes.ts';
import { readCertificate, type CheckedSession } from '../../app/lib/log/certificate.ts';
import { annsDevice, hex, writeCertificate, type VectorRoom, type Who } from './vector-room.ts';

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
  readonly accepted?: {
    readonly session: string;
    readonly clientId: number;
    readonly role: string;
    readonly device: string;
    readonly proved: boolean;
  };
  readonly refused?: string;
}

const told = ({ id, clientId, role, device, proved }: CheckedSession) => ({
  session: id,
  clientId,
  role,
  device,
  proved,
});

/** What is wrong with each refused certificate is all that is wrong with it. */
export async function certificateVectors(room: VectorRoom): Promise<CertificateVector[]> {
  const { keys, pairs, roomId, sessions } = room;
  const issuer = keys.editInvite ?? keys.viewInvite;
  const comment = keys.commentInvite ?? keys.viewInvite;
  const base = { roomId, issuer, session: pairs.eve };
  const issued = (who: Who, rules: string[]) => {
    return { name: who, rules, hex: hex(sessions[who].certificate), accepted: told(sessions[who]) };
  };
  const accepted = (name: string, bytes: Bytes, rule = 'CERT-3') => {
    const read = readCertificate(bytes);
    if (!read.ok) throw new Error(read.error);
    return { name, rules: [rule], hex: hex(bytes), accepted: told(read.value.session) };
  };
  const refused = (name: string, rule: string, code: string, bytes: Bytes) => ({
    name,
    rules: [rule],
    hex: hex(bytes),
    refused: code,
  });
  const good = await writeCertificate(base);
  const [format, role, epoch] = [{ format: 3 }, { role: 3 }, { epoch: 1 }];
  const changed = (at: number) => good.map((byte, i) => (i === at ? byte ^ 1 : byte));
  const ann = await annsDevice();
  const pretended = { ...ann, signing: pairs.eve };
  // Of order 2: u = 0 is y = -1, and everybody can sign for it.
  const order2 = { ...ann.signing, publicKey: fromHex(`ec${'ff'.repeat(30)}7f`) };
  const weak = { publicKey: new Uint8Array(32), signing: order2 };
  const former = await writeCertificate({ ...base, format: 1 });
  return [
    issued('ann', ['CERT-1', 'CERT-2', 'CERT-3', 'CERT-5', 'CERT-8']),
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
    refused('not signed by its session', 'CERT-3', 'bad-certificate-signature', changed(314)),
    accepted('of format 1, which names a device and proves none', former, 'CERT-8'),
    refused('a byte too few for format 2', 'CERT-8', 'malformed-certificate', good.slice(0, -1)),
    refused(
      'format 1 with the length of format 2',
      'CERT-8',
      'malformed-certificate',
      good.map((byte, i) => (i === 0 ? 1 : byte)),
    ),
    refused('not signed by its device', 'CERT-8', 'bad-certificate-signature', changed(250)),
    refused(
      "another's device, signed with a key of one's own",
      'CERT-8',
      'unproved-device',
      await writeCertificate({ ...base, device: pretended }),
    ),
    refused(
      'of a device whose key is weak in both forms',
      'CERT-8',
      'unproved-device',
      await writeCertificate({ ...base, device: weak }),
    ),
  ];
}
