/** One sealed segment for every refusal of the accept order that a segment can show (ACC, CERT, SEAL-2). */
import { concat, fromHex, utf8, type Bytes } from '../../app/lib/core/bytes.ts';
import type { RoomId } from '../../app/lib/core/ids.ts';
import { deviceKeyPairFromSeed } from '../../app/lib/crypto/device-keys.ts';
import { signingKeyPairFromSeed } from '../../app/lib/crypto/signatures.ts';
import type { RefusalCode } from '../../app/lib/log/format.ts';
import { encodeSegment } from '../../app/lib/log/segment.ts';
import { between, intoRoot, updateOf, type Written } from './chains.ts';
import {
  annsDevice,
  bytesOf,
  hex,
  sealBody,
  VectorChain,
  writeCertificate,
  type Repeated,
  type VectorRoom,
} from './vector-room.ts';

/** A key of order 1: S = 0, R = the key itself is a signature of everything. */
const ORDER_1 = fromHex(`01${'00'.repeat(31)}`);

/** Codes that no segment can be made for, and why. */
export const UNSHOWN = {
  'client-id-taken': 'two sessions with one clientID would take 2^26 key pairs to find',
  'entry-too-large': "an author's own: nothing is sent",
  'unmet-dependency': "an author's own: nothing is sent",
} as const satisfies Partial<Record<RefusalCode, string>>;

export interface RefusalVector {
  readonly name: string;
  readonly rules: readonly string[];
  /** Without a genesis statement instead of with it. */
  readonly genesis?: false;
  /** Segments and refused ones received before, by name. */
  readonly after?: readonly string[];
  readonly sealed: string | Repeated;
  readonly refused: RefusalCode;
  /** The entry at which the chain is closed. */
  readonly closes?: number;
}

type Shown = Exclude<RefusalCode, keyof typeof UNSHOWN>;
type Cases = Readonly<Record<Shown, Omit<RefusalVector, 'name' | 'refused'>>>;

export async function refusalVectors(room: VectorRoom, written: Written): Promise<RefusalVector[]> {
  const cases = { ...(await segmentCases(room, written)), ...(await entryCases(room)) } satisfies Cases;
  return (Object.keys(cases) as Shown[]).map((code) => ({ name: code, ...cases[code], refused: code }));
}

const sealedHex = async ({ keys }: VectorRoom, plain: Bytes): Promise<string> =>
  hex(await sealBody(keys, 'segment', plain));

/** Refused as a whole: nothing is closed, and the next good segment is taken. */
async function segmentCases(room: VectorRoom, { segments }: Written) {
  const { keys, viewKeys, roomId, sessions, pairs } = room;
  const { ann, eve, vic } = sessions;
  const [first, next] = segments;
  if (!first || !next || !keys.editInvite) throw new Error('the editor wrote nothing');
  const [{ plain }, { sealed }] = [first, next];
  const changed = (at: number, to: number) => hex(sealed.map((byte, i) => (i === at ? to : byte)));
  const stranger = await signingKeyPairFromSeed(fromHex('0a'.repeat(32)));
  const otherRoom = `${roomId.slice(0, 51)}${roomId.endsWith('a') ? 'q' : 'a'}` as RoomId;
  const base = { roomId, issuer: keys.editInvite, session: pairs.eve };
  const chain = new VectorChain(eve, 'project').add(intoRoot(eve.clientId, 0, 'files', 'x'));
  const under = async (certificate: Bytes) => sealedHex(room, (await chain.segment(1, 1, certificate)).plain);
  const weak = { ...pairs.eve, publicKey: ORDER_1 };
  const weakly = encodeSegment({
    publicKey: ORDER_1,
    channel: 'project',
    first: 1,
    certificate: await writeCertificate({ ...base, session: weak }),
    entries: chain.entries,
    signature: concat(ORDER_1, new Uint8Array(32)),
  });
  const good = await writeCertificate(base);
  const pretended = { ...(await annsDevice()), signing: pairs.eve };
  const viewers = new VectorChain(vic, 'runs').add(utf8('x'));
  const unsigned = plain.map((byte, i) => (i === plain.length - 1 ? byte ^ 1 : byte));
  const fork = new VectorChain(ann, 'project').add(intoRoot(ann.clientId, 0, 'files', 'fork'));
  // Vouched for twice by one session, as no app does: by another device.
  const another = await deviceKeyPairFromSeed(new Uint8Array(32).fill(1));
  const twice = await writeCertificate({ ...base, session: pairs.ann, device: another });
  const twin = new VectorChain({ ...ann, certificate: twice }, 'project');
  twin.add(intoRoot(ann.clientId, 0, 'files', 'twin'));
  return {
    'no-genesis': { rules: ['ACC-3'], genesis: false as const, sealed: hex(sealed) },
    'too-large': { rules: ['SEAL-3'], sealed: { repeat: '01', times: 20 * 1024 * 1024 + 1 } },
    'malformed-sealed': { rules: ['SEAL-2'], sealed: hex(sealed.subarray(0, 38)) },
    'wrong-kind': { rules: ['SEAL-2'], sealed: changed(1, 2) },
    'wrong-epoch': { rules: ['SEAL-2', 'KEY-5'], sealed: changed(5, 1) },
    'not-ours': { rules: ['SEAL-2'], sealed: changed(99, (sealed[99] ?? 0) ^ 1) },
    'malformed-segment': { rules: ['LOG-7', 'ACC-2'], sealed: await sealedHex(room, plain.slice(0, -1)) },
    'malformed-certificate': { rules: ['CERT-2', 'ACC-2'], sealed: await under(ann.certificate) },
    'wrong-room': {
      rules: ['CERT-2'],
      sealed: await under(await writeCertificate({ ...base, roomId: otherRoom })),
    },
    'unknown-issuer': {
      rules: ['CERT-3'],
      sealed: await under(await writeCertificate({ ...base, issuer: stranger })),
    },
    'role-above-issuer': {
      rules: ['CERT-3'],
      sealed: await under(await writeCertificate({ ...base, issuer: viewKeys.viewInvite })),
    },
    'weak-key': { rules: ['CERT-3', 'KEY-6'], sealed: await sealedHex(room, weakly) },
    'unproved-device': {
      rules: ['CERT-8'],
      sealed: await under(await writeCertificate({ ...base, device: pretended })),
    },
    'bad-certificate-signature': {
      rules: ['CERT-3'],
      sealed: await under(good.map((byte, i) => (i === 186 ? byte ^ 1 : byte))),
    },
    'second-certificate': {
      rules: ['CERT-6'],
      after: ['ann-1'],
      sealed: await sealedHex(room, (await twin.segment()).plain),
    },
    'role-may-not-sign': {
      rules: ['CERT-4'],
      sealed: await sealedHex(room, (await viewers.segment()).plain),
    },
    'bad-signature': { rules: ['ACC-2', 'LOG-5'], sealed: await sealedHex(room, unsigned) },
    fork: {
      rules: ['ACC-4', 'LOG-8'],
      after: ['ann-1'],
      sealed: await sealedHex(room, (await fork.segment()).plain),
    },
  };
}

/** Signed well, and wrong in the second entry: the chain is closed there, and the first stays. */
async function entryCases(room: VectorRoom) {
  const { ann, eve } = room.sessions;
  const [hers, his] = [eve.clientId, ann.clientId];
  const begun = () => new VectorChain(eve, 'project').add(intoRoot(hers, 0, 'files', 'x'));
  const second = async (rule: string, payload: Bytes, { heads, after = [] }: Beside = {}) => ({
    rules: [rule, 'ACC-1'],
    after: ['eve-1', ...after],
    sealed: await sealedHex(room, (await begun().add(payload, heads).segment(2, 2)).plain),
    closes: 2,
  });
  const letter = intoRoot(hers, 1, 'files', 'y');
  const skip = updateOf(hers, 1, '2a 04');
  const skipped = begun()
    .add(skip)
    .add(intoRoot(hers, 5, 'files', 'z'));
  const lists = [
    [his, 0],
    [his, 4],
  ] as const;
  return {
    'malformed-heads': await second('ACC-5', letter, { heads: Uint8Array.of(1, 2, 3) }),
    'malformed-update': await second('ACC-6', concat(letter, Uint8Array.of(0))),
    'foreign-struct': await second('ACC-7', intoRoot(his, 0, 'files', 'x')),
    'wrong-clock': await second('ACC-8', intoRoot(hers, 0, 'files', 'x')),
    'skip-struct': await second('ACC-9', skip),
    'content-kind': await second('ACC-10', updateOf(hers, 1, '06 01 05 66696c6573 01 62 01 31')),
    'root-name': await second('ACC-10', intoRoot(hers, 1, 'hidden', 'x')),
    'bad-reference': await second('ACC-11', between(hers, 1, [[hers, 1]], 'x')),
    'mixed-parents': await second('ACC-11', between(hers, 1, lists, 'x'), { after: ['ann-1', 'ann-2'] }),
    'bad-delete-set': await second('ACC-12', bytesOf('00 01 07 01 00 8080808080 20')),
    'malformed-carry': {
      rules: ['ROST-11', 'ACC-1'],
      sealed: await sealedHex(
        room,
        (await new VectorChain(eve, 'carry').add(Uint8Array.of(0, 0)).segment()).plain,
      ),
      closes: 1,
    },
    'chain-closed': {
      rules: ['ACC-1'],
      after: ['eve-1', 'skip-struct'],
      sealed: await sealedHex(room, (await skipped.segment(3, 3)).plain),
    },
  };
}

interface Beside {
  readonly heads?: Bytes;
  readonly after?: readonly string[];
}
