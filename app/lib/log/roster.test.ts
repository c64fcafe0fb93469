import { createDecipheriv, createHash, hkdfSync } from 'node:crypto';
import fc from 'fast-check';
import { createEncoder, toUint8Array, writeVarUint, writeVarUint8Array } from 'lib0/encoding';
import { beforeAll, expect, test, vi } from 'vitest';
import { concat, randomBytes, toHex, utf8, type Bytes } from '../core/bytes.ts';
import { ROLES, type DeviceId, type Role, type SessionId } from '../core/ids.ts';
import { deviceIdOf, generateDeviceKeyPair, type DeviceKeyPair } from '../crypto/device-keys.ts';
import { deriveRoomKeys, deriveSecret, type RoomKeys } from '../crypto/room-keys.ts';
import { sign, type SigningKeyPair } from '../crypto/signatures.ts';
import { CHANNELS, MAX_FRONTIER_ROWS } from './format.ts';
import type { FrontierRow } from './frontier.ts';
import { namesInvites } from './genesis.ts';
import { makeStatement } from './new-statement.ts';
import {
  decodeRoster,
  decodeStatement,
  encodeRoster,
  formerReadSeed,
  grantFor,
  type RosterStatement,
} from './roster.ts';
import {
  encodeFields,
  MAX_GRANTS,
  MAX_ROSTER_BYTES,
  MAX_STATEMENTS,
  readRoster,
  readStatement,
  type StatementFields,
} from './roster-codec.ts';
import { testRoom, type TestRoom } from './test-room.ts';

vi.setConfig({ testTimeout: 30_000 });

type Options = Parameters<typeof makeStatement>[0];
let room: TestRoom;
let devices: Record<Role, DeviceKeyPair>;
/** Of epochs 0 to 3. */
let keys: [RoomKeys, RoomKeys, RoomKeys, RoomKeys];
/** `statements[n - 1]` begins epoch n. */
let statements: RosterStatement[];
let first: RosterStatement;
beforeAll(async () => {
  room = await testRoom();
  const [viewer, commenter, editor] = await Promise.all(ROLES.map(() => generateDeviceKeyPair()));
  if (!viewer || !commenter || !editor) throw new Error('three devices');
  devices = { viewer, commenter, editor };
  keys = [room.keys, await newKeys(1), await newKeys(2), await newKeys(3)];
  statements = [];
  for (const epoch of [1, 2, 3]) statements.push(await makeStatement(options(epoch)));
  first = statements[0] as RosterStatement;
});

const newKeys = (epoch: number, of = room.keys.roomId): Promise<RoomKeys> =>
  deriveRoomKeys('e', randomBytes(32), epoch, of);
const signerOf = ({ privateKey }: SigningKeyPair) => ({
  sign: (message: Bytes) => sign(privateKey, message),
});
const row = (seq: number): FrontierRow => ({
  session: toHex(randomBytes(32)) as SessionId,
  channel: 'project',
  seq,
  hash: randomBytes(32),
});
const options = (epoch: number, changed: Partial<Options> = {}): Options => ({
  owner: signerOf(room.owner),
  genesis: room.genesis,
  before: statements.slice(0, epoch - 1),
  keys: keys[epoch] as RoomKeys,
  former: keys[epoch - 1] as RoomKeys,
  closed: [row(epoch), row(300)],
  members: ROLES.map((role) => ({ device: deviceIdOf(devices[role].publicKey), role })),
  time: 1_700_000_000_000 + epoch,
  ...changed,
});
const decode = (bytes: Bytes, before: readonly RosterStatement[] = []) =>
  decodeStatement(bytes, room.genesis, before);
const refused = (kind: string) => ({ ok: false, error: { kind } });
const flip = (bytes: Bytes, at: number, mask: number): Bytes =>
  bytes.map((byte, i) => (i === at ? byte ^ mask : byte));

/** What the owner signs when told to sign anything. */
const signed = async (body: Bytes, owner = room.owner): Promise<Bytes> =>
  concat(body, await sign(owner.privateKey, concat(utf8('codeface/roster/1\0'), body)));
const bodyOf = ({ bytes }: RosterStatement): Bytes => bytes.slice(0, -64);
const withFields = (changed: Partial<StatementFields>): Promise<Bytes> =>
  signed(encodeFields({ ...first, ...changed }));

test('ROST-1, ROST-2 a statement reads back as it was made, by whoever knows those before it', async () => {
  for (const [i, statement] of statements.entries())
    expect(await decode(statement.bytes, statements.slice(0, i))).toEqual({ ok: true, value: statement });
  const frame = first.bytes.slice();
  const read = await decode(frame);
  frame.fill(0);
  expect(read, 'whatever becomes of the bytes it came in').toEqual({ ok: true, value: first });
  expect(first).toMatchObject({ roomId: room.keys.roomId, epoch: 1, time: 1_700_000_000_001 });
  expect(first.closed.map(({ seq }) => seq)).toEqual([1, 300]);
  expect(first.grants.map(({ role }) => role)).toEqual(ROLES);
  const nobody = await makeStatement(options(1, { members: [], closed: [], time: 2 ** 53 - 1 }));
  expect(nobody).toMatchObject({ grants: [], closed: [], time: 2 ** 53 - 1 });
});

test('ROST-1, ROST-3, ROST-4 the bytes are those of the rules, read and opened here by hand', async () => {
  const bytes = Buffer.from(first.bytes);
  let at = 0;
  const take = (length: number): Buffer => bytes.subarray(at, (at += length));
  const { roomId } = room.keys;
  expect([...take(5)]).toEqual([1, 0, 0, 0, 1]);
  expect(take(32)).toEqual(createHash('sha256').update(room.genesis.bytes).digest());
  expect(take(8).readBigUInt64BE()).toBe(1_700_000_000_001n);
  for (const invite of [keys[1].editInvite, keys[1].commentInvite, keys[1].viewInvite])
    expect(take(32)).toEqual(Buffer.from(invite?.publicKey ?? []));

  const unseal = (key: Uint8Array, aad: Buffer, box: Buffer): Buffer => {
    const cipher = createDecipheriv('aes-256-gcm', key, Buffer.alloc(12)).setAAD(aad);
    cipher.setAuthTag(box.subarray(32));
    return Buffer.concat([cipher.update(box.subarray(0, 32)), cipher.final()]);
  };
  const formerKey = deriveSecret(keys[1].seeds.v, 'former-seed', 1, roomId);
  const formerData = Buffer.from(`codeface/former-seed/1\0${roomId}\0\0\0\u0001`);
  expect(unseal(formerKey, formerData, take(48))).toEqual(Buffer.from(keys[0].seeds.v));

  expect([...take(1)]).toEqual([3]);
  const seeds = [keys[1].seeds.v, keys[1].seeds.c, keys[1].seeds.e];
  for (const [code, seed] of seeds.entries()) {
    const [device, role, ephemeral, box] = [take(32), take(1), take(32), take(48)];
    expect(role[0]).toBe(code);
    const theirs = await crypto.subtle.importKey('raw', Uint8Array.from(ephemeral), 'X25519', true, []);
    const { privateKey } = devices[ROLES[code] as Role];
    const secret = await crypto.subtle.deriveBits({ name: 'X25519', public: theirs }, privateKey, 256);
    const label = Buffer.from('codeface/grant/1\0');
    const info = Buffer.concat([label, Buffer.from([0, 0, 0, 1]), device, ephemeral, role]);
    const key = new Uint8Array(hkdfSync('sha256', Buffer.from(secret), roomId, info, 32));
    expect(unseal(key, Buffer.concat([label, device, role]), box)).toEqual(Buffer.from(seed ?? []));
  }
  // varBytes of a frontier of two rows, one of them with a seq of two bytes.
  expect([...take(3)]).toEqual([0x80 | (134 - 128), 1, 2]);
  expect(bytes.length - at).toBe(133 + 64);
});

test('ROST-2 [seed 3151, 3 runs] a statement with any byte changed, or cut anywhere, is not believed', async () => {
  const all = async (masks: number): Promise<void> => {
    for (let at = 0; at < first.bytes.length; at++)
      expect((await decode(flip(first.bytes, at, masks))).ok, `byte ${at} ^ ${masks}`).toBe(false);
  };
  await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 255 }), all), { seed: 3151, numRuns: 3 });
  for (let length = 0; length < first.bytes.length; length++)
    expect((await decode(first.bytes.slice(0, length))).ok).toBe(false);
});

test('ROST-1 [seed 3152, 400 runs] no bytes make a reader throw, and what is read has one form only', async () => {
  const roster = encodeRoster({ genesis: room.genesis.bytes, statements: [first.bytes] });
  const bytes = fc.uint8Array({ maxLength: 400 }).map((values) => Uint8Array.from(values));
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.nat(255), fc.nat(), bytes, async (at, to, length, noise) => {
      const changed = (good: Bytes): Bytes =>
        good
          .map((byte, i) => (i === at % good.length ? to : byte))
          .slice(0, length % 3 ? undefined : length % good.length);
      const spliced = concat(first.bytes.slice(0, at % first.bytes.length), noise);
      for (const input of [changed(first.bytes), spliced, noise]) {
        const read = readStatement(input);
        if (read.ok) expect(concat(encodeFields(read.value), read.value.signature)).toEqual(input);
        await decode(input);
        await decode(await signed(input));
      }
      for (const input of [changed(roster), noise]) await decodeRoster(input, room.keys.roomId);
    }),
    { seed: 3152, numRuns: 400 },
  );
});

test('ROST-1 what the owner signed in another form than the rule’s is malformed', async () => {
  const { grants, closed } = first;
  const [one] = grants;
  const [chain] = closed;
  if (!one || !chain) throw new Error('no grant');
  const body = bodyOf(first);
  // format, epoch, previous, time, invites, former: then the count of grants.
  const count = 1 + 4 + 32 + 8 + 3 * 32 + 48;
  const roleAt = count + 1 + 32;
  const closedAt = count + 1 + 3 * 113 + 2;
  const set = (at: number, ...values: number[]): Bytes => {
    const copy = body.slice();
    copy.set(values, at);
    return copy;
  };
  const cut = (at: number, remove: number, ...values: number[]): Bytes =>
    concat(body.slice(0, at), Uint8Array.from(values), body.slice(at + remove));
  const cases: [string, Bytes][] = [
    ['another format', await signed(set(0, 2))],
    ['a time of 2^53', await signed(set(37, 0, 0x20, 0, 0, 0, 0, 0, 0))],
    ['an over-long count of grants', await signed(cut(count, 1, 0x83, 0))],
    ['a role 3', await signed(set(roleAt, 3))],
    ['a device twice', await withFields({ grants: [one, { ...one, role: 'editor' }] })],
    ['a channel that there is not', await signed(set(closedAt + 1 + 32, 250))],
    ['a chain twice', await withFields({ closed: [chain, { ...chain, seq: 9 }] })],
    ['seq 0', await withFields({ closed: [{ ...chain, seq: 0 }] })],
    [
      'a byte behind the frontier',
      await signed(concat(cut(closedAt - 2, 2, 0x80 | (135 - 128), 1), Uint8Array.of(0))),
    ],
    ['a byte behind the signature', concat(first.bytes, Uint8Array.of(0))],
    ['a byte before the signature', await signed(concat(body, Uint8Array.of(0)))],
  ];
  expect(await decode(await signed(body))).toMatchObject({ ok: true });
  for (const [what, bytes] of cases) expect(await decode(bytes), what).toEqual(refused('malformed'));
  const other = CHANNELS.map((channel) => ({ ...chain, channel }));
  expect((await decode(await withFields({ closed: other }))).ok, 'a session has several chains').toBe(true);
});

test('ROST-1 1,024 devices and 16,384 chains are a statement, one more is malformed', async () => {
  const [one] = first.grants;
  if (!one) throw new Error('no grant');
  const grants = Array.from({ length: MAX_GRANTS + 1 }, () => ({
    ...one,
    device: toHex(randomBytes(32)) as DeviceId,
  }));
  expect((await decode(await withFields({ grants: grants.slice(1) }))).ok).toBe(true);
  expect(await decode(await withFields({ grants }))).toEqual(refused('malformed'));
  const closed = Array.from({ length: MAX_FRONTIER_ROWS + 1 }, () => row(2 ** 50));
  expect((await decode(await withFields({ closed: closed.slice(1) }))).ok).toBe(true);
  expect(await decode(await withFields({ closed }))).toEqual(refused('malformed'));
});

test('ROST-2 only the next statement after those known is believed; the first one of an epoch stays', async () => {
  const [, second, third] = statements as [RosterStatement, RosterStatement, RosterStatement];
  for (const [bytes, before] of [
    [second.bytes, []],
    [first.bytes, [first]],
    [third.bytes, [first]],
    [await withFields({ epoch: 2 }), []],
    [await withFields({ epoch: 0 }), []],
    [await withFields({ previous: randomBytes(32) }), []],
  ] as const)
    expect(await decode(bytes, before)).toEqual(refused('not-next'));
  const rival = await makeStatement(options(1, { keys: await newKeys(1) }));
  expect(await decode(rival.bytes)).toMatchObject({ ok: true });
  expect(await decode(rival.bytes, [first])).toEqual(refused('not-next'));
  expect(await decode(second.bytes, [rival])).toEqual(refused('not-next'));
});

test('ROST-2 nobody but the owner of this very room begins an epoch', async () => {
  const other = await testRoom();
  expect(await decode(await signed(bodyOf(first), other.owner))).toEqual(refused('bad-signature'));
  const theirs = await makeStatement({
    ...options(1),
    owner: signerOf(other.owner),
    genesis: other.genesis,
    former: other.keys,
    keys: await newKeys(1, other.keys.roomId),
  });
  expect(await decode(theirs.bytes)).toEqual(refused('not-next'));
  // Another purpose's signature is none.
  const body = bodyOf(first);
  const unlabelled = concat(body, await sign(room.owner.privateKey, body));
  expect(await decode(unlabelled)).toEqual(refused('bad-signature'));
});

test('ROST-3, ROST-5 a device opens the seed of its role, with keys that the statement names, and nobody else does', async () => {
  const kinds = { viewer: 'v', commenter: 'c', editor: 'e' } as const;
  for (const role of ROLES) {
    const { publicKey, privateKey } = devices[role];
    const device = { deviceId: deviceIdOf(publicKey), privateKey };
    const given = await grantFor(first, device);
    expect(given).toEqual({ kind: kinds[role], seed: keys[1].seeds[kinds[role]] });
    if (!given) continue;
    const theirs = await deriveRoomKeys(given.kind, given.seed, 1, room.keys.roomId);
    expect(theirs.role).toBe(role);
    expect(namesInvites(first, theirs)).toBe(true);
    for (const another of ROLES.filter((one) => one !== role))
      expect(
        await grantFor(first, { ...device, privateKey: devices[another].privateKey }),
        `${another} with the name of the ${role}`,
      ).toBeUndefined();
  }
  const { publicKey, privateKey } = await generateDeviceKeyPair();
  expect(await grantFor(first, { deviceId: deviceIdOf(publicKey), privateKey })).toBeUndefined();
});

test('ROST-5 keys that a statement does not name are not those of its epoch', async () => {
  const { roomId, seeds } = keys[1];
  expect(namesInvites(first, keys[1])).toBe(true);
  expect(namesInvites(room.genesis, keys[0])).toBe(true);
  expect(namesInvites(first, keys[0])).toBe(false);
  expect(namesInvites(first, await deriveRoomKeys('e', seeds.e as Bytes, 2, roomId))).toBe(false);
  const { editInvite, commentInvite } = keys[2];
  if (!editInvite || !commentInvite) throw new Error('no invites');
  expect(namesInvites(first, { ...keys[1], editInvite })).toBe(false);
  expect(namesInvites(first, { ...keys[1], commentInvite })).toBe(false);
  expect(namesInvites(first, { ...keys[1], viewInvite: keys[2].viewInvite })).toBe(false);
});

test('ROST-3 a member whose device key is weak is left out, and stops nobody from being removed', async () => {
  const [real] = options(1).members;
  if (!real) throw new Error('no members');
  const weak = { device: '00'.repeat(32) as DeviceId, role: 'editor' } as const;
  const { grants } = await makeStatement(options(1, { members: [weak, real] }));
  expect(grants.map(({ device }) => device)).toEqual([real.device]);
});

test('ROST-4 a view link of epoch 3 reads its way back to the beginning; one of epoch 1 does not go on', async () => {
  const { roomId } = room.keys;
  let seed = keys[3].seeds.v;
  for (const statement of statements.toReversed()) {
    const holder = await deriveRoomKeys('v', seed, statement.epoch, roomId);
    expect(namesInvites(statement, holder)).toBe(true);
    const before = await formerReadSeed(statement, holder);
    if (!before) throw new Error('does not open');
    seed = before;
  }
  expect(seed).toEqual(room.keys.seeds.v);
  for (const later of statements.slice(1)) expect(await formerReadSeed(later, keys[1])).toBeUndefined();
});

test('ROST-6 a roster reads back, all of it or nothing', async () => {
  const bytes = encodeRoster({ genesis: room.genesis.bytes, statements: statements.map((one) => one.bytes) });
  const { roomId } = room.keys;
  expect(await decodeRoster(bytes, roomId)).toEqual({
    ok: true,
    value: { genesis: room.genesis, statements, owners: [] },
  });
  const alone = encodeRoster({ genesis: room.genesis.bytes, statements: [] });
  expect(await decodeRoster(alone, roomId)).toMatchObject({ ok: true, value: { statements: [] } });
  const kind = async (input: Bytes, of = roomId) => {
    const read = await decodeRoster(input, of);
    return read.ok ? 'ok' : read.error.kind;
  };
  const other = await testRoom();
  expect(await kind(bytes, other.keys.roomId)).toBe('wrong-room');
  expect(await kind(concat(bytes, Uint8Array.of(0)))).toBe('malformed');
  expect(await kind(bytes.slice(0, -1))).toBe('malformed');
  expect(await kind(flip(bytes, 100, 1))).toBe('bad-signature');
  expect(await kind(flip(bytes, bytes.length - 1, 1))).toBe('bad-signature');
  const swapped = statements.map((one) => one.bytes).reverse();
  expect(await kind(encodeRoster({ genesis: room.genesis.bytes, statements: swapped }))).toBe('not-next');
});

/** As an encoder without caps would write it. */
function rosterOf(parts: readonly Bytes[]): Bytes {
  const encoder = createEncoder();
  writeVarUint8Array(encoder, room.genesis.bytes);
  writeVarUint(encoder, parts.length);
  for (const part of parts) writeVarUint8Array(encoder, part);
  return toUint8Array(encoder);
}

test('ROST-6 1,024 statements and 1,945 KiB are a roster, one more of either is none', async () => {
  const genesis = room.genesis.bytes;
  const empty = Array.from({ length: MAX_STATEMENTS + 1 }, () => new Uint8Array());
  expect(readRoster(encodeRoster({ genesis, statements: empty.slice(1) })).ok).toBe(true);
  expect(readRoster(rosterOf(empty)).ok).toBe(false);
  expect(() => encodeRoster({ genesis, statements: empty })).toThrow(RangeError);

  // Lengths in front: two bytes of the genesis statement, one of the count, three of the statement.
  const largest = new Uint8Array(MAX_ROSTER_BYTES - genesis.length - 6);
  const full = encodeRoster({ genesis, statements: [largest] });
  expect(full).toHaveLength(MAX_ROSTER_BYTES);
  expect(readRoster(full).ok).toBe(true);
  const larger = new Uint8Array(largest.length + 1);
  expect(readRoster(rosterOf([larger])).ok).toBe(false);
  expect(() => encodeRoster({ genesis, statements: [larger] })).toThrow(RangeError);
});

test('ROST-6 a statement that no roster could carry is not believed', async () => {
  const closed = Array.from({ length: MAX_FRONTIER_ROWS }, () => row(2 ** 50));
  const large = await makeStatement(options(1, { closed }));
  const second = options(2, { before: [large] });
  expect((await makeStatement({ ...second, closed: closed.slice(0, 9_000) })).epoch).toBe(2);
  await expect(makeStatement({ ...second, closed })).rejects.toThrow('malformed');

  const many = Array.from({ length: MAX_STATEMENTS }, () => first);
  const previous = new Uint8Array(createHash('sha256').update(first.bytes).digest());
  const next = await withFields({ epoch: MAX_STATEMENTS + 1, previous });
  expect(await decode(next, many)).toEqual(refused('malformed'));
});

test('ROST-2, ROST-5 what would not be believed, or let the removed in, is not made', async () => {
  const other = await testRoom();
  const fails = (changed: Partial<Options>, message: string) =>
    expect(makeStatement(options(1, changed)), message).rejects.toThrow(message);
  await fails({ owner: signerOf(other.owner) }, 'bad-signature');
  await fails({ keys: await newKeys(2) }, 'another epoch');
  await fails({ before: [first] }, 'another epoch');
  await fails({ keys: await newKeys(1, other.keys.roomId) }, 'another epoch');
  await fails({ former: other.keys }, 'not the keys of the epoch before');
  const { seeds, roomId } = keys[1];
  await fails({ keys: await deriveRoomKeys('c', seeds.c as Bytes, 1, roomId) }, 'edit seed');
  await fails({ keys: await deriveRoomKeys('e', room.keys.seeds.e as Bytes, 1, roomId) }, 'has this seed');
  const [member] = options(1).members;
  if (!member) throw new Error('no members');
  await fails({ members: [member, member] }, 'malformed');
  await fails({ members: Array.from({ length: MAX_GRANTS + 1 }, () => member) }, '1025 members');
  await fails({ time: -1 }, 'malformed');
});
