/** Vectors of the seeds in statements: of grants, of the former epoch, and of the keys that get no grant (ROST-3 to ROST-5). */
import { createCipheriv } from 'node:crypto';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, fromHex, utf8, type Bytes } from '../../app/lib/core/bytes.ts';
import { archiveKeys, epochBytes } from '../../app/lib/crypto/room-keys.ts';
import { wrapFormerSeed, wrapSeed, type SeedGrant } from '../../app/lib/crypto/seed-grant.ts';
import { exchangePair, withFields, type EpochRoom } from './epoch-room.ts';
import { changedFrom, sameAs, type Pieces } from './pieces.ts';
import { hex, SEEDS } from './vector-room.ts';

import { FIRST_BYTES, SECOND_BYTES } from './roster-statements.ts';
/** What follows from the edit seed of each later epoch. */
export const epochKeyVectors = ({ keys }: EpochRoom) =>
  keys.slice(1).map((one) => {
    const { read, edit, comment } = archiveKeys(one);
    const opened = (bytes: Bytes | undefined): string => hex(bytes ?? new Uint8Array());
    return {
      rules: ['KEY-2', 'KEY-3', 'KEY-5', 'ARCH-1', 'ROST-1'],
      epoch: one.epoch,
      comment: opened(one.seeds.c),
      read: hex(one.seeds.v),
      topic: hex(one.topic.publicKey),
      archive: { read: hex(read), edit: opened(edit), comment: opened(comment) },
    };
  });

const ORDER_8_U = 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800';
const ORDER_8_U_TOO = '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157';

/** Device keys that get no grant, since everybody could open it or they are no name of the device, and two that do. */
export function deviceKeyVectors({ devices }: EpochRoom) {
  const p = (low: string) => `${low}${'ff'.repeat(30)}7f`;
  const list: [string, string, boolean][] = [
    ['of a device', hex(devices.ann.publicKey), true],
    ['the base point', `09${'00'.repeat(31)}`, true],
    ['0', '00'.repeat(32), false],
    ['1', `01${'00'.repeat(31)}`, false],
    ['order 8', ORDER_8_U, false],
    ['order 8, the other', ORDER_8_U_TOO, false],
    ['p - 1', p('ec'), false],
    ['p', p('ed'), false],
    ['p + 9', p('f6'), false],
    ['the base point, top bit', `09${'00'.repeat(30)}80`, false],
    ['0, top bit', `${'00'.repeat(31)}80`, false],
  ];
  return list.map(([name, key, granted]) => ({ name, rules: ['ROST-3'], hex: key, granted }));
}

/** Believed statements, and what of their grants opens with which device; nothing opens where `opens` is missing. */
export async function grantVectors(epochs: EpochRoom) {
  const { room, keys, statements, devices } = epochs;
  const [first] = statements;
  const { roomId } = room;
  const [forAnn, forCas, forVic] = first.grants;
  const { e, c, v } = keys[1].seeds;
  if (!forAnn || !forCas || !forVic || !e || !c) throw new Error('three grants');
  const terms = { roomId, epoch: 1, device: devices.ann.publicKey, role: 'editor' } as const;
  const pair = await exchangePair(SEEDS.epochs[0].ephemerals[0]);
  const onlyAnn = async (grant: SeedGrant): Promise<Bytes> =>
    withFields(epochs, first, { grants: [{ ...forAnn, ...grant }] });
  const wrapped = async (ephemeral: Bytes): Promise<SeedGrant> =>
    (await wrapSeed(e, terms, { ...pair, publicKey: ephemeral })) ?? forAnn;
  const topBit = pair.publicKey.map((byte, i) => (i === 31 ? byte | 0x80 : byte));
  const changed = async (grants: typeof first.grants) => withFields(epochs, first, { grants });
  const one = (
    name: string,
    bytes: Bytes | undefined,
    device: keyof typeof devices,
    opens?: { readonly kind: string; readonly seed: string; readonly used: boolean },
    by: keyof typeof devices = device,
  ) => ({
    name,
    rules: ['ROST-3', ...(opens ? ['ROST-5'] : [])],
    statement: bytes ? changedFrom(FIRST_BYTES, first.bytes, bytes) : sameAs(FIRST_BYTES),
    device,
    ...(by !== device && { privateKeyOf: by }),
    ...(opens && { opens }),
  });
  const given = (kind: string, seed: Bytes, used = true) => ({ kind, seed: hex(seed), used });
  const zeros = new Uint8Array(32);
  const otherSeed = new Uint8Array(32).fill(0x15);
  const another = await wrapSeed(otherSeed, terms, pair);
  return [
    one('an editor', undefined, 'ann', given('e', e)),
    one('a commenter', undefined, 'cas', given('c', c)),
    one('a viewer', undefined, 'vic', given('v', v)),
    one('who was removed', undefined, 'ben'),
    one("another device's private key", undefined, 'ann', undefined, 'cas'),
    one('of another role', await changed([{ ...forAnn, role: 'commenter' }, forCas, forVic]), 'ann'),
    one('wrapped for another device', await changed([{ ...forCas, device: forAnn.device }]), 'ann'),
    one(
      'with one bit changed',
      await onlyAnn({ ...forAnn, wrapped: forAnn.wrapped.map((b, i) => (i === 47 ? b ^ 1 : b)) }),
      'ann',
    ),
    one(
      'wrapped for another epoch',
      await onlyAnn((await wrapSeed(e, { ...terms, epoch: 2 }, pair)) ?? forAnn),
      'ann',
    ),
    one('an ephemeral key of order 1', await onlyAnn(wrapByHand(epochs, zeros, `00`.repeat(32), e)), 'ann'),
    one('an ephemeral key of order 8', await onlyAnn(wrapByHand(epochs, zeros, ORDER_8_U, e)), 'ann'),
    one(
      'an ephemeral key p + 9',
      await onlyAnn(wrapByHand(epochs, devices.ann.publicKey, `f6${'ff'.repeat(30)}7f`, e)),
      'ann',
    ),
    one('an ephemeral key with its top bit', await onlyAnn(await wrapped(topBit)), 'ann'),
    one(
      'a seed that the statement does not name',
      await onlyAnn(another ?? forAnn),
      'ann',
      given('e', otherSeed, false),
    ),
  ];
}

/** Ann's grant as anybody makes it who knows the shared secret without any private key (ROST-3). */
function wrapByHand({ room, devices }: EpochRoom, secret: Bytes, ephemeral: string, seed: Bytes): SeedGrant {
  const data = concat(utf8('codeface/grant/1\0'), devices.ann.publicKey, Uint8Array.of(2));
  const info = concat(
    utf8('codeface/grant/1\0'),
    epochBytes(1),
    devices.ann.publicKey,
    fromHex(ephemeral),
    Uint8Array.of(2),
  );
  const cipher = createCipheriv(
    'aes-256-gcm',
    hkdf(sha256, secret, utf8(room.roomId), info, 32),
    new Uint8Array(12),
  );
  cipher.setAAD(data);
  const wrapped = concat(cipher.update(seed), cipher.final(), cipher.getAuthTag());
  return { ephemeral: fromHex(ephemeral), wrapped };
}

/** What the read seed of an epoch opens of a statement; nothing where `opens` is missing. */
export async function formerVectors(epochs: EpochRoom) {
  const { keys, statements, otherKeys } = epochs;
  const [first, second] = statements;
  const one = (
    name: string,
    statement: Pieces,
    epoch: 1 | 2,
    opens?: { readonly seed: string; readonly used: boolean },
  ) => ({
    name,
    rules: ['ROST-4', ...(opens ? ['ROST-5'] : [])],
    statement,
    reader: { epoch, read: hex(keys[epoch].seeds.v) },
    ...(opens && { opens }),
  });
  const changed = async (former: Bytes) =>
    changedFrom(FIRST_BYTES, first.bytes, await withFields(epochs, first, { former }));
  return [
    one('of epoch 0', sameAs(FIRST_BYTES), 1, { seed: hex(keys[0].seeds.v), used: true }),
    one('of epoch 1', sameAs(SECOND_BYTES), 2, { seed: hex(keys[1].seeds.v), used: true }),
    one('by the keys of the epoch before', sameAs(SECOND_BYTES), 1),
    one(
      'with one bit changed',
      await changed(first.former.map((byte, i) => (i === 47 ? byte ^ 1 : byte))),
      1,
    ),
    one('of another epoch', await changed(second.former), 1),
    one(
      'of keys that the statement before does not name',
      await changed(await wrapFormerSeed(otherKeys.seeds.v, keys[1])),
      1,
      { seed: hex(otherKeys.seeds.v), used: false },
    ),
  ];
}
