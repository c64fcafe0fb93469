/** Vectors of encodings, keys, signatures and links (FORM, KEY, LINK). */
import { createEncoder, toUint8Array, writeVarInt, writeVarUint } from 'lib0/encoding';
import { fromHex, utf8, type Bytes } from '../../app/lib/core/bytes.ts';
import { formatLink } from '../../app/lib/crypto/links.ts';
import { deriveSecret, SEAL_KINDS } from '../../app/lib/crypto/room-keys.ts';
import { sign, signingKeyPairFromSeed } from '../../app/lib/crypto/signatures.ts';
import { hex, SEEDS, type VectorRoom } from './vector-room.ts';

const written = (write: (encoder: ReturnType<typeof createEncoder>) => void): string => {
  const encoder = createEncoder();
  write(encoder);
  return hex(toUint8Array(encoder));
};

export function encodingVectors() {
  const rules = ['FORM-1'];
  const naturals = [0, 1, 127, 128, 16_383, 16_384, 2 ** 32, Number.MAX_SAFE_INTEGER];
  const integers = [0, 1, -1, 63, -63, 64, -64, 8_191, 8_192, 2 ** 41, -Number.MAX_SAFE_INTEGER];
  const refusals = [
    { type: 'varUint', bad: '8000', name: 'longer than needed' },
    { type: 'varUint', bad: '80', name: 'ends early' },
    { type: 'varUint', bad: 'ffffffffffffff1f', name: 'above 2^53 - 1' },
    { type: 'varInt', bad: '40', name: 'minus zero' },
    { type: 'varInt', bad: '8000', name: 'longer than needed' },
    { type: 'varBytes', bad: '0261', name: 'passes the end', rules: ['FORM-2', 'FORM-3'] },
    { type: 'varBytes', bad: '016161', name: 'left over', rules: ['FORM-3'] },
    { type: 'text', bad: '02c0af', name: 'ill-formed UTF-8', rules: ['FORM-2'] },
    { type: 'text', bad: '03eda080', name: 'half of a surrogate pair', rules: ['FORM-2'] },
  ];
  return [
    ...naturals.map((value) => ({
      rules,
      type: 'varUint',
      value,
      hex: written((encoder) => writeVarUint(encoder, value)),
    })),
    ...integers.map((value) => ({
      rules,
      type: 'varInt',
      value,
      hex: written((encoder) => writeVarInt(encoder, value)),
    })),
    ...refusals.map(({ bad, name, ...rest }) => ({ name, rules, ...rest, hex: bad, refused: true })),
  ];
}

/** Every derivation, from the seed that gives it. */
export function derivationVectors({ keys, roomId }: VectorRoom) {
  const { e, c, v } = keys.seeds;
  if (!e || !c) throw new Error('the edit seed gives all others');
  const from = { edit: e, comment: c, read: v };
  const one = (seed: keyof typeof from, purpose: string, rule: string, epoch = 0) => ({
    rules: ['KEY-2', rule],
    seed,
    purpose,
    epoch,
    hex: hex(deriveSecret(from[seed], purpose, epoch, roomId)),
  });
  return [
    one('edit', 'comment-seed', 'KEY-2'),
    one('comment', 'read-seed', 'KEY-2'),
    one('edit', 'edit-invite', 'KEY-3'),
    one('comment', 'comment-invite', 'KEY-3'),
    one('read', 'view-invite', 'KEY-3'),
    one('read', 'topic', 'KEY-3'),
    ...SEAL_KINDS.flatMap((kind) => [
      one('read', `seal/${kind}`, 'KEY-4'),
      one('read', `iv/${kind}`, 'KEY-4'),
    ]),
    one('edit', 'comment-seed', 'KEY-5', 1),
  ].map((vector) => ({ ...vector, rules: [...new Set(vector.rules)] }));
}

export const publicKeyVectors = ({ owner, keys }: VectorRoom) => [
  { name: 'owner', rules: ['KEY-1', 'KEY-3'], hex: hex(owner.publicKey) },
  { name: 'edit-invite', rules: ['KEY-3'], hex: hex(keys.editInvite?.publicKey ?? new Uint8Array()) },
  { name: 'comment-invite', rules: ['KEY-3'], hex: hex(keys.commentInvite?.publicKey ?? new Uint8Array()) },
  { name: 'view-invite', rules: ['KEY-3'], hex: hex(keys.viewInvite.publicKey) },
  { name: 'topic', rules: ['KEY-3'], hex: hex(keys.topic.publicKey) },
];

/** Keys under which one signature proves every message, in each encoding, and those that are no number of the field. */
export function weakKeyVectors() {
  const p = (low: string) => `${low}${'ff'.repeat(30)}7f`;
  const weak = [
    ['0', '00'.repeat(32)],
    ['0, top bit', `${'00'.repeat(31)}80`],
    ['1', `01${'00'.repeat(31)}`],
    ['1, top bit', `01${'00'.repeat(30)}80`],
    ['order 8', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'],
    ['order 8, top bit', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85'],
    ['order 8, the other', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'],
    ['p - 1', p('ec')],
    ['p', p('ed')],
    ['p + 1', p('ee')],
    ['2^255 - 1', p('ff')],
  ] as const;
  return weak.map(([name, key]) => ({ name, rules: ['KEY-6'], hex: key, refused: true }));
}

/** The order of the base point, little-endian: S + L is another number for the same S. */
const GROUP_ORDER = fromHex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010');

export async function signatureVectors() {
  const rules = ['KEY-6'];
  const pair = await signingKeyPairFromSeed(fromHex(SEEDS.owner));
  const message = utf8('CodeFace');
  const signature = await sign(pair.privateKey, message);
  const one = (name: string, valid: boolean, bytes: Bytes, said = message) => ({
    name,
    rules,
    publicKey: hex(pair.publicKey),
    message: hex(said),
    signature: hex(bytes),
    valid,
  });
  return [
    one('true', true, signature),
    one('of another message', false, signature, utf8('Codeface')),
    one('with S + L', false, withOrderAdded(signature)),
    {
      name: 'that anybody can make for a key of order 1',
      rules,
      publicKey: `01${'00'.repeat(31)}`,
      message: hex(message),
      signature: `01${'00'.repeat(63)}`,
      valid: false,
    },
    // A = aB + T with T of order 8: 8SB = 8R + 8kA holds, SB = R + kA does not.
    {
      name: 'that holds with the cofactor only',
      rules,
      publicKey: 'e7b40e257c2b24e81e37cf46babdfcfc3586bda26789d4d9354484225c601031',
      message: hex(message),
      signature:
        'f87a22889707d326b221b2dba4102625f99227c2febe06664c8d9409eb213e21' +
        'f58da3d9a47250f80293b8207d2f7d86de21bd9151fee90e398ec08bd6f10506',
      valid: false,
    },
  ];
}

function withOrderAdded(signature: Bytes): Bytes {
  const moved = signature.slice();
  let carry = 0;
  for (let i = 0; i < 32; i++) {
    const sum = (moved[32 + i] ?? 0) + (GROUP_ORDER[i] ?? 0) + carry;
    moved[32 + i] = sum & 255;
    carry = sum >> 8;
  }
  return moved;
}

export function linkVectors({ roomId, keys }: VectorRoom) {
  const { e, c, v } = keys.seeds;
  if (!e || !c) throw new Error('the edit seed gives all others');
  const good = [
    { kind: 'e', epoch: 0, seed: e },
    { kind: 'c', epoch: 0, seed: c },
    { kind: 'v', epoch: 2 ** 32 - 1, seed: v },
  ] as const;
  const text = formatLink({ roomId, seedKind: 'e', epoch: 0, seed: e });
  const bad = [
    [text.replace('/r/', '/r/a'), 'wrong-room-id'],
    [text.replace(roomId, `${roomId.slice(0, 51)}b`), 'wrong-room-id'],
    [text.slice(0, text.indexOf('#')), 'missing-key'],
    [text.replace('#e', '#x'), 'unknown-kind'],
    [text.replace('#e', '#E'), 'wrong-key'],
    [text.replace('.0.', '.00.'), 'wrong-key'],
    [text.replace('.0.', '.4294967296.'), 'wrong-key'],
    [text.slice(0, -1), 'wrong-key'],
    // Only four bits of the last character are the seed's.
    [`${text.slice(0, -1)}J`, 'wrong-key'],
  ] as const;
  return [
    ...good.map(({ kind, epoch, seed }) => ({
      rules: ['LINK-1'],
      text: formatLink({ roomId, seedKind: kind, epoch, seed }),
      kind,
      epoch,
      seed: hex(seed),
    })),
    ...bad.map(([link, problem]) => ({ rules: ['LINK-2'], text: link, problem })),
  ];
}
