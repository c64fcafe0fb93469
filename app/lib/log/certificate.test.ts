import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { unprovedSession } from '../../testing/former-sessions.ts';
import { concat, fromHex, utf8, type Bytes } from '../core/bytes.ts';
import { deviceIdOf, generateDeviceKeyPair, type DeviceKeyPair } from '../crypto/device-keys.ts';
import { deriveRoomKeys, type RoomKeys } from '../crypto/room-keys.ts';
import { sign } from '../crypto/signatures.ts';
import { ROLES, type Role } from '../core/ids.ts';
import { checkCertificate, clientIdOf, issueSession } from './certificate.ts';
import { maySign, roleCode } from './format.ts';
import { decodeGenesis, makeGenesis } from './genesis.ts';
import { Author, testRoom, type TestRoom } from './test-room.ts';
import { decodeSegment, encodeSegment } from './segment.ts';
import { openSealed, seal } from './seal.ts';

vi.setConfig({ testTimeout: 30_000 });
let room: TestRoom;
let device: DeviceKeyPair;
beforeAll(async () => {
  room = await testRoom();
  device = await generateDeviceKeyPair();
});

const invitesOf = (epoch: number) => (epoch === 0 ? room.genesis : undefined);

const flip = (bytes: Bytes, at: number, mask: number): Bytes =>
  bytes.map((byte, i) => (i === at ? byte ^ mask : byte));

/** Never what was there: a fixed value would now and then be the right one of a random room. */
const flipIn = (bytes: Bytes, at: number): void => bytes.set(flip(bytes, at, 1));

test('CERT-1 what is issued is accepted, and says who and what', async () => {
  const session = await issueSession(room.keys, device);
  const checked = await checkCertificate(session.certificate, invitesOf);
  expect(checked).toMatchObject({
    ok: true,
    value: { id: session.id, role: 'editor', device: deviceIdOf(device.publicKey), proved: true },
  });
  expect(session.clientId).toBe(clientIdOf(room.keys.roomId, session.issuer, session.publicKey));
  expect(Number.isSafeInteger(session.clientId)).toBe(true);
});

test('CERT-5 the clientID is 53 bits of the hash that the rule names', async () => {
  const session = await issueSession(room.keys, device);
  const hash = createHash('sha256')
    .update('codeface/client-id/1\0')
    .update(room.keys.roomId)
    .update(session.issuer)
    .update(session.publicKey)
    .digest();
  const expected = (BigInt(hash.readUInt32BE(0) & 0x1fffff) << 32n) | BigInt(hash.readUInt32BE(4));
  expect(BigInt(session.clientId)).toBe(expected);
});

test('CERT-7 nothing of a session can be kept or sent that would sign for it again', async () => {
  const session = await issueSession(room.keys, device);
  expect(() => structuredClone(session)).toThrow(/could not be cloned/);
  expect(Object.values(session).some((value) => (value as unknown) instanceof CryptoKey)).toBe(false);
  // Two tabs of one device are two sessions.
  expect((await issueSession(room.keys, device)).id).not.toBe(session.id);
});

test('KEY-5 what another epoch certified or sealed is told apart from damage', async () => {
  const { roomId } = room.keys;
  const later = await deriveRoomKeys('e', room.keys.seeds.e ?? new Uint8Array(32), 1, roomId);
  const sealed = await seal(later, 'segment', utf8('of epoch 1'));
  expect(await openSealed(room.keys, 'segment', sealed)).toEqual({
    ok: false,
    error: { kind: 'wrong-epoch', epoch: 1 },
  });
  const body = (await issueSession(room.keys, device)).certificate.slice();
  body[1 + 52 + 3] = 1;
  expect(await checkCertificate(body, invitesOf)).toMatchObject({
    ok: false,
    error: { code: 'wrong-epoch' },
  });
});

/** A certificate with one field changed, signed again by whoever may. */
async function reissued(
  keys: RoomKeys,
  change: (body: Bytes) => void,
  by = device.signing.privateKey,
): Promise<Bytes> {
  const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
  const body = (await issueSession(keys, device)).certificate.slice(0, 186);
  body.set(new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)), 58);
  change(body);
  const issuer = keys.editInvite ?? keys.commentInvite ?? keys.viewInvite;
  const signed = async (before: Bytes, key: CryptoKey, who: string): Promise<Bytes> =>
    concat(before, await sign(key, concat(utf8(`codeface/certificate-${who}/1\0`), before)));
  const vouched = await signed(body, issuer.privateKey, 'issuer');
  return signed(await signed(vouched, by, 'device'), pair.privateKey, 'session');
}

const code = async (bytes: Bytes): Promise<string> => {
  const checked = await checkCertificate(bytes, invitesOf);
  return checked.ok ? 'ok' : checked.error.code;
};

test('CERT-2 to CERT-4 each wrong field has its refusal', async () => {
  expect(await code(await reissued(room.keys, () => undefined))).toBe('ok');
  expect(await code(await reissued(room.keys, (body) => body.set([9], 0)))).toBe('malformed-certificate');
  expect(await code(await reissued(room.keys, (body) => body.set([3], 57)))).toBe('malformed-certificate');
  expect(await code(await reissued(room.keys, (body) => flipIn(body, 1)))).toBe('wrong-room');
  expect(await code(await reissued(room.keys, (body) => body.set([1], 56)))).toBe('wrong-epoch');
  expect(await code(await reissued(room.viewKeys, (body) => body.set([2], 57)))).toBe('role-above-issuer');
  expect(await code(await reissued(room.keys, (body) => flipIn(body, 130)))).toBe('unknown-issuer');
  expect(await code(await reissued(room.keys, (body) => body.set(fromHex('01' + '00'.repeat(31)), 58)))).toBe(
    'weak-key',
  );
  const real = (await issueSession(room.keys, device)).certificate;
  for (const at of [190, 255, 320]) expect(await code(flip(real, at, 1))).toBe('bad-certificate-signature');
  expect(await code(concat(real, Uint8Array.of(0)))).toBe('malformed-certificate');
});

describe('CERT-8', () => {
  test('nobody names a device that is not theirs: not with its key beside one of their own, not with both of its', async () => {
    const own = await generateDeviceKeyPair();
    const mine = (body: Bytes): void => body.set(own.signing.publicKey, 154);
    const { privateKey } = own.signing;
    expect(await code(await reissued(room.keys, mine, privateKey))).toBe('unproved-device');
    expect(await code(await reissued(room.keys, () => undefined, privateKey))).toBe(
      'bad-certificate-signature',
    );
    const both = (body: Bytes): void => (mine(body), body.set(own.publicKey, 90));
    expect(await code(await reissued(room.keys, both, privateKey))).toBe('ok');
  });

  test('no key that everybody can sign for is a device, nor one under a second name', async () => {
    const order2 = 'ec' + 'ff'.repeat(30) + '7f';
    const weak = (body: Bytes): void => (body.set(new Uint8Array(32), 90), body.set(fromHex(order2), 154));
    expect(await code(await reissued(room.keys, weak))).toBe('unproved-device');
    const renamed = (body: Bytes): void => body.set(flip(body, 121, 0x80).subarray(90, 122), 90);
    expect(await code(await reissued(room.keys, renamed))).toBe('unproved-device');
  });

  test('format 1 proves no device, whichever it names, and is no other one with more bytes', async () => {
    const former = await unprovedSession(room.keys, device.publicKey);
    const checked = await checkCertificate(former.certificate, invitesOf);
    expect(checked).toMatchObject({ ok: true, value: { device: former.id, proved: false, role: 'editor' } });
    const proved = (await issueSession(room.keys, device)).certificate;
    expect(await code(proved.map((byte, i) => (i === 0 ? 1 : byte)))).toBe('malformed-certificate');
    expect(await code(former.certificate.map((byte, i) => (i === 0 ? 2 : byte)))).toBe(
      'malformed-certificate',
    );
  });
});

test('CERT-2, CERT-3 each invite vouches for its own role and for less', async () => {
  const { roomId, seeds } = room.keys;
  const commentKeys = await deriveRoomKeys('c', seeds.c as Bytes, 0, roomId);
  const holders: [Role, RoomKeys][] = [
    ['viewer', room.viewKeys],
    ['commenter', commentKeys],
    ['editor', room.keys],
  ];
  for (const [highest, keys] of holders) {
    expect((await issueSession(keys, device)).role).toBe(highest);
    for (const role of ROLES) {
      const bytes = await reissued(keys, (body) => body.set([roleCode(role)], 57));
      const checked = await checkCertificate(bytes, invitesOf);
      if (ROLES.indexOf(role) <= ROLES.indexOf(highest)) expect(checked).toMatchObject({ value: { role } });
      else expect(checked, `${role} by ${highest}`).toMatchObject({ error: { code: 'role-above-issuer' } });
    }
  }
});

test('CERT-4 who may sign what', () => {
  const signs = (role: Role) => (['project', 'talk', 'runs'] as const).filter((one) => maySign(role, one));
  expect(ROLES.map(signs)).toEqual([[], ['talk'], ['project', 'talk', 'runs']]);
});

test('CERT-3 the invites of the view link vouch for no editor; a stranger vouches for nobody', async () => {
  const strangers = await testRoom();
  const theirs = await deriveRoomKeys('e', strangers.keys.seeds.e as Bytes, 0, room.keys.roomId);
  const checked = await checkCertificate((await issueSession(theirs, device)).certificate, invitesOf);
  expect(checked).toMatchObject({ ok: false, error: { code: 'unknown-issuer' } });
});

test('CERT-6 [seed 3103, 60 runs] fuzzed certificates never change what is accepted of an honest session', async () => {
  const ann = new Author(room, await room.newSession());
  await ann.edit((text) => text.insert(0, 'honest'));
  await ann.edit((text) => text.insert(6, ' words'));
  const body = await openSealed(room.keys, 'segment', ann.sealed[0] as Bytes);
  const segment = body.ok ? decodeSegment(body.value) : undefined;
  if (!segment?.ok) throw new Error('not a segment');
  const certificate = ann.session.certificate;
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(
          fc
            .record({ at: fc.nat(certificate.length - 1), mask: fc.integer({ min: 1, max: 255 }) })
            .map(({ at, mask }) => flip(certificate, at, mask)),
          fc.uint8Array({ maxLength: 300 }).map((bytes) => Uint8Array.from(bytes)),
          fc.nat(certificate.length - 1).map((length) => certificate.slice(0, length)),
        ),
        { maxLength: 4 },
      ),
      async (fuzzed) => {
        const log = room.newLog();
        for (const one of fuzzed) {
          const receipt = await log.receive(
            await seal(room.keys, 'segment', encodeSegment({ ...segment.value, certificate: one })),
          );
          expect(receipt.accepted).toEqual([]);
          expect(receipt.refused).toBeDefined();
        }
        for (const sealed of ann.sealed) expect((await log.receive(sealed)).accepted).toHaveLength(1);
        expect(log.frontier()).toEqual(ann.log.frontier());
      },
    ),
    { seed: 3103, numRuns: 60 },
  );
});

test('GEN-1 a genesis statement reads back, and is believed for its own room only', async () => {
  const { genesis, keys } = room;
  expect(await decodeGenesis(genesis.bytes, keys.roomId)).toEqual({ ok: true, value: genesis });
  const other = await testRoom();
  expect(await decodeGenesis(genesis.bytes, other.keys.roomId)).toEqual({
    ok: false,
    error: { kind: 'wrong-room' },
  });
  await expect(makeGenesis(other.owner, keys)).rejects.toThrow();
});

test('GEN-2 [seed 3104, 200 runs] every changed byte of a genesis statement is noticed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(room.genesis.bytes.length - 1),
      fc.integer({ min: 1, max: 255 }),
      async (at, mask) => {
        expect((await decodeGenesis(flip(room.genesis.bytes, at, mask), room.keys.roomId)).ok).toBe(false);
      },
    ),
    { seed: 3104, numRuns: 200 },
  );
});
