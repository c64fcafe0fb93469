import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { base64urlnopad } from '@scure/base';
import { equalBytes, fromHex, toHex, utf8, type Bytes } from '../core/bytes.ts';
import type { RoomId } from '../core/ids.ts';
import { deviceKeyPairFromSeed, generateDeviceKeyPair, isOneDevice } from './device-keys.ts';
import { formatLink, parseLink } from './links.ts';
import { archiveKeys, createRoom, deriveRoomKeys, isRoomId, roomIdOf, type SeedKind } from './room-keys.ts';
import { isStrongPublicKey, sign, signingKeyPairFromSeed, verifySignature } from './signatures.ts';

vi.setConfig({ testTimeout: 30_000 });
const message = utf8('a message');

test('KEY-3 a seed gives the key pair that RFC 8032 says (test 1), not exportable', async () => {
  const seed = fromHex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60');
  const pair = await signingKeyPairFromSeed(seed);
  expect(toHex(pair.publicKey)).toBe('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a');
  expect(toHex(await sign(pair.privateKey, new Uint8Array()))).toMatch(/^e5564300c360ac729086e2cc806e828a/);
  expect(pair.privateKey.extractable).toBe(false);
});

test('KEY-1 to KEY-4 each seed gives what is below it and nothing above', async () => {
  const { owner, roomId, editSeed } = await createRoom();
  expect(roomId).toBe(roomIdOf(owner.publicKey));
  expect(isRoomId(roomId)).toBe(true);
  const edit = await deriveRoomKeys('e', editSeed, 0, roomId);
  const comment = await deriveRoomKeys('c', edit.seeds.c as Bytes, 0, roomId);
  const view = await deriveRoomKeys('v', comment.seeds.v, 0, roomId);
  expect([edit.role, comment.role, view.role]).toEqual(['editor', 'commenter', 'viewer']);
  expect([comment.editInvite, view.editInvite, view.commentInvite]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(Object.keys(view.seeds)).toEqual(['v']);
  expect(comment.commentInvite?.publicKey).toEqual(edit.commentInvite?.publicKey);
  for (const keys of [comment, view]) {
    expect(keys.topic.publicKey).toEqual(edit.topic.publicKey);
    expect(keys.viewInvite.publicKey).toEqual(edit.viewInvite.publicKey);
    expect(keys.sealing.segment.ivSecret).toEqual(edit.sealing.segment.ivSecret);
  }
  const secrets = Object.values(edit.sealing).map(({ ivSecret }) => toHex(ivSecret));
  expect(new Set(secrets).size).toBe(secrets.length);
  const next = await deriveRoomKeys('e', editSeed, 1, roomId);
  expect(next.topic.publicKey).not.toEqual(edit.topic.publicKey);
  // A worker gets the keys as they are.
  expect(structuredClone(view).roomId).toBe(roomId);
});

test('KEY-6 keys under which one signature proves every message are refused, in all encodings', async () => {
  const identity = fromHex('01' + '00'.repeat(31));
  const forged = new Uint8Array(64);
  forged[0] = 1;
  expect(await verifySignature(identity, forged, message)).toBe(false);
  const weak = [
    '00'.repeat(32),
    '01' + '00'.repeat(31),
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    ...['ec', 'ed', 'ee', 'ff'].map((low) => `${low}${'ff'.repeat(30)}7f`),
  ].map(fromHex);
  for (const key of weak) {
    expect(isStrongPublicKey(key)).toBe(false);
    key[31] = (key[31] ?? 0) | 0x80;
    expect(isStrongPublicKey(key)).toBe(false);
  }
  expect(isStrongPublicKey(new Uint8Array(31))).toBe(false);
});

test('ARCH-1 a seed gives the archive keys of its rank and those below, other ones in each room and epoch', async () => {
  const { roomId, editSeed } = await createRoom();
  const edit = await deriveRoomKeys('e', editSeed, 0, roomId);
  const comment = await deriveRoomKeys('c', edit.seeds.c as Bytes, 0, roomId);
  const view = await deriveRoomKeys('v', edit.seeds.v, 0, roomId);
  const all = archiveKeys(edit);
  expect(archiveKeys(comment)).toEqual({ read: all.read, comment: all.comment });
  expect(archiveKeys(view)).toEqual({ read: all.read });
  const elsewhere = archiveKeys(await deriveRoomKeys('e', editSeed, 0, (await createRoom()).roomId));
  const later = archiveKeys(await deriveRoomKeys('e', editSeed, 1, roomId));
  const texts = [all, elsewhere, later].flatMap((keys) =>
    Object.values(keys).map((key: Bytes) => toHex(key)),
  );
  expect(new Set(texts).size).toBe(9);
});

test('ARCH-1 archive keys from a fixed seed', async () => {
  const keys = await deriveRoomKeys('e', new Uint8Array(32).fill(2), 0, 'a'.repeat(52) as RoomId);
  const { read, edit, comment } = archiveKeys(keys);
  expect([read, edit, comment].map((key) => toHex(key as Bytes))).toEqual([
    '9dc5af147dea0f655678515a10aeeff5def3cb29bb2e1c95bd0c7611fa5e3c50',
    '71a27f607a42ee119423f49d40d119af8944e990a9b2cd1e58e4cd2fc26cf342',
    '44f95aae361ff9199464c8381a4f49bf8ce124e5c08f6be91e56fb24be34031e',
  ]);
});

test('KEY-6 a signature holds for its message and key only; S + L is no second one', async () => {
  const pair = await signingKeyPairFromSeed(new Uint8Array(32).fill(3));
  const signature = await sign(pair.privateKey, message);
  expect(await verifySignature(pair.publicKey, signature, message)).toBe(true);
  expect(await verifySignature(pair.publicKey, signature, utf8('another'))).toBe(false);
  expect(await verifySignature(pair.publicKey, signature.subarray(1), message)).toBe(false);
  let carry = 0;
  const order = fromHex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010');
  const moved = signature.slice();
  for (let i = 0; i < 32; i++) {
    const sum = (moved[32 + i] ?? 0) + (order[i] ?? 0) + carry;
    moved[32 + i] = sum & 255;
    carry = sum >> 8;
  }
  expect(await verifySignature(pair.publicKey, moved, message)).toBe(false);
});

test('KEY-7 a device key stays on its device', async () => {
  const pair = await generateDeviceKeyPair();
  expect(pair.publicKey).toHaveLength(32);
  expect(pair.privateKey.extractable).toBe(false);
  expect(pair.signing.privateKey.extractable).toBe(false);
});

test('KEY-7 [seed 3122, 40 runs] the two forms of a device name each other, and nobody else', async () => {
  const seed = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Uint8Array.from(bytes));
  await fc.assert(
    fc.asyncProperty(seed, seed, fc.nat(255), async (one, another, bit) => {
      fc.pre(!equalBytes(one, another));
      const [mine, theirs] = await Promise.all([one, another].map(deviceKeyPairFromSeed));
      if (!mine || !theirs) return;
      const { publicKey: u, signing } = mine;
      const y = signing.publicKey;
      expect(isOneDevice(u, y)).toBe(true);
      expect(isOneDevice(u, theirs.signing.publicKey)).toBe(false);
      const flipped = (bytes: Bytes) => bytes.map((b, i) => (i === bit >> 3 ? b ^ (1 << (bit & 7)) : b));
      expect(isOneDevice(flipped(u), y)).toBe(false);
      // The top bit is the sign of x: whoever has one of the two points has both.
      expect(isOneDevice(u, flipped(y))).toBe(bit === 255);
    }),
    { seed: 3122, numRuns: 40 },
  );
});

test('CERT-8 second names of keys are no device: p added to y, or to u', () => {
  const p = 2n ** 255n - 19n;
  const bytes = (n: bigint) => fromHex(n.toString(16).padStart(64, '0')).toReversed();
  const inverse = (n: bigint) => {
    let [result, power] = [1n, ((n % p) + p) % p];
    for (let e = p - 2n; e > 0n; e >>= 1n, power = (power * power) % p)
      if (e & 1n) result = (result * power) % p;
    return result;
  };
  expect(isOneDevice(bytes(p - 3n), bytes(2n))).toBe(true);
  expect(isOneDevice(bytes(p - 3n), bytes(p + 2n))).toBe(false);
  expect(isOneDevice(bytes(2n), bytes(inverse(3n)))).toBe(true);
  expect(isOneDevice(bytes(p + 2n), bytes(inverse(3n)))).toBe(false);
});

const ROOM = 'a'.repeat(52) as RoomId;
const link = fc.record({
  roomId: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((key) => roomIdOf(Uint8Array.from(key))),
  seedKind: fc.constantFrom<SeedKind>('e', 'c', 'v'),
  epoch: fc.nat(2 ** 31),
  seed: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((seed) => Uint8Array.from(seed)),
});

test('LINK-1 [seed 3120, 300 runs] links read back, with and without their origin', () => {
  fc.assert(
    fc.property(link, (one) => {
      for (const origin of ['', 'https://code.example', 'http://127.0.0.1:8420'])
        expect(parseLink(origin + formatLink(one))).toEqual({ ok: true, value: one });
    }),
    { seed: 3120, numRuns: 300 },
  );
});

test('LINK-2 each problem is told apart', () => {
  const seed = base64urlnopad.encode(new Uint8Array(32));
  const kind = (text: string) => {
    const read = parseLink(text);
    return read.ok ? 'ok' : read.error.kind;
  };
  expect(kind(`/r/${ROOM}#e.0.${seed}`)).toBe('ok');
  expect(kind(`/r/${ROOM}`)).toBe('missing-key');
  expect(kind(`/r/${ROOM}#`)).toBe('missing-key');
  expect(kind(`/r/${ROOM.slice(1)}#e.0.${seed}`)).toBe('wrong-room-id');
  expect(kind(`/other#e.0.${seed}`)).toBe('wrong-room-id');
  expect(kind(`/r/${ROOM}#x.0.${seed}`)).toBe('unknown-kind');
  for (const bad of [
    `e.0.${seed.slice(1)}`,
    `e.0.${seed}A`,
    `e.01.${seed}`,
    `e.-1.${seed}`,
    `e.4294967296.${seed}`,
    'e',
    'e.0',
    `e.0.${seed.slice(1)}B`,
  ])
    expect(kind(`/r/${ROOM}#${bad}`), bad).toBe('wrong-key');
});

test('LINK-2 [seed 3121, 10,000 runs] no text makes the parser throw', () => {
  const parts = fc.constantFrom('/r/', ROOM, '#', 'e', '.', '0', '?', '/', 'https://', '%', 'ä', '\n');
  // As a link is when it was cut, mistyped, wrapped or given too much.
  const changed = fc
    .tuple(link, fc.nat(200), fc.nat(3), fc.oneof(fc.string({ unit: 'binary', maxLength: 3 }), parts))
    .map(([one, at, out, put]) => {
      const text = formatLink(one);
      const here = at % (text.length + 1);
      return text.slice(0, here) + put + text.slice(here + out);
    });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(parts).map((list) => list.join('')),
        { weight: 3, arbitrary: changed },
      ),
      (text) => {
        const read = parseLink(text);
        if (read.ok) expect(text.endsWith(formatLink(read.value).split('#')[1] ?? '')).toBe(true);
      },
    ),
    { seed: 3121, numRuns: 10_000 },
  );
});
