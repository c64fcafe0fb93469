import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromHex, randomBytes, type Bytes } from '../core/bytes.ts';
import type { RoomId } from '../core/ids.ts';
import { generateExchangeKeyPair, isStrongDeviceKey } from './device-keys.ts';
import { createRoom, deriveRoomKeys } from './room-keys.ts';
import { openFormerSeed, openGrant, wrapFormerSeed, wrapSeed, type SeedGrant } from './seed-grant.ts';

const roomId = 'a'.repeat(52) as RoomId;
const flip = (bytes: Bytes, at: number, mask: number): Bytes =>
  bytes.map((byte, i) => (i === at ? byte ^ mask : byte));
const wrapped = async (...[seed, terms]: Parameters<typeof wrapSeed>): Promise<SeedGrant> => {
  const grant = await wrapSeed(seed, terms);
  if (grant === undefined) throw new Error('a weak device key');
  return grant;
};

test('ROST-3 a grant opens with its private key on its own terms, and in no other way', async () => {
  const [pair, other] = await Promise.all([generateExchangeKeyPair(), generateExchangeKeyPair()]);
  const seed = randomBytes(32);
  const terms = { roomId, epoch: 3, device: pair.publicKey, role: 'commenter' } as const;
  const grant = await wrapped(seed, terms);
  expect(await openGrant(grant, terms, pair.privateKey)).toEqual(seed);
  expect(await openGrant(grant, terms, other.privateKey)).toBeUndefined();
  for (const changed of [
    { roomId: 'b'.repeat(52) as RoomId },
    { epoch: 4 },
    { device: other.publicKey },
    { role: 'editor' as const },
  ])
    expect(await openGrant(grant, { ...terms, ...changed }, pair.privateKey)).toBeUndefined();
  // A second grant on the same terms shares nothing with the first.
  expect((await wrapped(seed, terms)).ephemeral).not.toEqual(grant.ephemeral);
});

test('ROST-3 [seed 3161, 200 runs] a changed grant opens nothing and does not throw', async () => {
  const pair = await generateExchangeKeyPair();
  const terms = { roomId, epoch: 1, device: pair.publicKey, role: 'editor' } as const;
  const grant = await wrapped(randomBytes(32), terms);
  const bytes = fc.uint8Array({ maxLength: 64 }).map((values) => Uint8Array.from(values));
  const mask = fc.integer({ min: 1, max: 255 });
  await fc.assert(
    fc.asyncProperty(fc.nat(31), fc.nat(47), mask, bytes, async (a, b, to, noise) => {
      for (const bad of [
        { ephemeral: flip(grant.ephemeral, a, to) },
        { wrapped: flip(grant.wrapped, b, to) },
        { ephemeral: noise },
        { wrapped: noise },
      ])
        expect(await openGrant({ ...grant, ...bad }, terms, pair.privateKey)).toBeUndefined();
    }),
    { seed: 3161, numRuns: 200 },
  );
});

/** Of small order: every shared secret with it is zero, so everybody could open what it protects. */
const SMALL_ORDER = [
  '00'.repeat(32),
  '01' + '00'.repeat(31),
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ec' + 'ff'.repeat(30) + '7f',
];
/** Second names of points: p, p + 1 and the top bit, which platforms ignore. */
const NOT_CANONICAL = [
  'ed' + 'ff'.repeat(30) + '7f',
  'ee' + 'ff'.repeat(30) + '7f',
  'ff'.repeat(32),
  '00'.repeat(31) + '80',
  '09' + '00'.repeat(30) + '80',
];

test.each([...SMALL_ORDER, ...NOT_CANONICAL])(
  'ROST-3 no seed is wrapped to or opened from %s',
  async (hex) => {
    const { privateKey, publicKey } = await generateExchangeKeyPair();
    const terms = { roomId, epoch: 1, device: fromHex(hex), role: 'viewer' } as const;
    expect(isStrongDeviceKey(fromHex(hex))).toBe(false);
    expect(await wrapSeed(randomBytes(32), terms)).toBeUndefined();
    const grant = { ephemeral: fromHex(hex), wrapped: new Uint8Array(48) };
    expect(await openGrant(grant, { ...terms, device: publicKey }, privateKey)).toBeUndefined();
  },
);

test('ROST-3 a grant under a second name of its ephemeral key opens nowhere', async () => {
  const [{ privateKey, publicKey }, pair] = [
    await generateExchangeKeyPair(),
    await generateExchangeKeyPair(),
  ];
  const terms = { roomId, epoch: 1, device: publicKey, role: 'viewer' } as const;
  const renamed = { ...pair, publicKey: flip(pair.publicKey, 31, 0x80) };
  const [grant, same] = await Promise.all(
    [renamed, pair].map((one) => wrapSeed(randomBytes(32), terms, one)),
  );
  expect(same && (await openGrant(same, terms, privateKey))).toHaveLength(32);
  expect(grant && (await openGrant(grant, terms, privateKey))).toBeUndefined();
  expect(grant).toBeDefined();
});

test('ROST-3 the key one below those is a device like any other', async () => {
  const terms = { roomId, epoch: 1, device: fromHex('eb' + 'ff'.repeat(30) + '7f'), role: 'viewer' } as const;
  expect(await wrapSeed(randomBytes(32), terms)).toBeDefined();
  expect(isStrongDeviceKey(new Uint8Array(31).fill(9))).toBe(false);
});

test('ROST-4 each seed of an epoch opens the read seed before it; another epoch, room or seed does not', async () => {
  const { roomId: room, editSeed } = await createRoom();
  const keys = await deriveRoomKeys('e', editSeed, 2, room);
  const former = randomBytes(32);
  const sealed = await wrapFormerSeed(former, keys);
  for (const kind of ['e', 'c', 'v'] as const) {
    const holder = await deriveRoomKeys(kind, keys.seeds[kind] as Bytes, 2, room);
    expect(await openFormerSeed(sealed, holder)).toEqual(former);
  }
  const strangers = [
    await deriveRoomKeys('e', editSeed, 1, room),
    await deriveRoomKeys('e', editSeed, 2, roomId),
    await deriveRoomKeys('v', former, 2, room),
  ];
  for (const stranger of strangers) expect(await openFormerSeed(sealed, stranger)).toBeUndefined();
  for (let at = 0; at < sealed.length; at++)
    expect(await openFormerSeed(flip(sealed, at, 1), keys)).toBeUndefined();
  expect(await openFormerSeed(sealed.subarray(1), keys)).toBeUndefined();
  await expect(wrapFormerSeed(randomBytes(31), keys)).rejects.toThrow(RangeError);
});
