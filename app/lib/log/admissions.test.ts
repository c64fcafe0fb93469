/** Admissions: what is believed of them, by whose signature, and what bytes from anywhere can do (ROST-40 to ROST-43). */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { concat, randomBytes, type Bytes } from '../core/bytes.ts';
import { ROLES, type DeviceId, type Role } from '../core/ids.ts';
import { deviceIdOf, generateDeviceKeyPair, type DeviceKeyPair } from '../crypto/device-keys.ts';
import { deriveRoomKeys, type RoomKeys } from '../crypto/room-keys.ts';
import { generateSigningKeyPair, sign, type SigningKeyPair } from '../crypto/signatures.ts';
import { believeAdmissions, decodeAdmission, withAdmission, type Admission } from './admissions.ts';
import { makeAdmission } from './new-admission.ts';
import { makeOwnersStatement } from './new-owners.ts';
import { makeStatement } from './new-statement.ts';
import { hasMore, unionOf } from './roster-union.ts';
import { ADMISSION_BYTES, MAX_ADMISSIONS, readRoster } from './roster-codec.ts';
import { believe, bytesOf, decodeRoster, encodeRoster, grantFor, upTo, type Roster } from './roster.ts';
import { testRoom, type TestRoom } from './test-room.ts';

let room: TestRoom;
let device: DeviceKeyPair;
/** Before any epoch, and in the first one after it. */
let start: Roster, later: Roster;
let laterKeys: RoomKeys;

const signer = ({ privateKey }: SigningKeyPair) => ({ sign: (message: Bytes) => sign(privateKey, message) });
const idOf = ({ publicKey }: DeviceKeyPair): DeviceId => deviceIdOf(publicKey);
type Options = Parameters<typeof makeAdmission>[0];
async function admitted(role: Role, changed: Partial<Options> = {}): Promise<Admission> {
  const options = { owner: signer(room.owner), ground: start, keys: room.keys, time: 7, ...changed };
  const made = await makeAdmission({ member: { device: idOf(device), role }, ...options });
  if (made === undefined) throw new Error('a weak device');
  return made;
}

beforeAll(async () => {
  room = await testRoom();
  device = await generateDeviceKeyPair();
  start = { genesis: room.genesis, statements: [], owners: [] };
  laterKeys = await deriveRoomKeys('e', randomBytes(32), 1, room.keys.roomId);
  const statement = await makeStatement({
    owner: signer(room.owner),
    genesis: room.genesis,
    before: [],
    keys: laterKeys,
    former: room.keys,
    closed: [],
    members: [],
    time: 1,
  });
  later = { ...start, statements: [statement] };
});

test.each(ROLES)('ROST-40 a %s gets the seed of that role, on that device alone', async (role) => {
  const one = await admitted(role);
  expect(one.bytes).toHaveLength(ADMISSION_BYTES);
  expect(await decodeAdmission(one.bytes, start)).toEqual({ ok: true, value: one });
  const { roomId } = room.keys;
  const own = { deviceId: idOf(device), privateKey: device.privateKey };
  const kind = { viewer: 'v', commenter: 'c', editor: 'e' }[role] as 'v' | 'c' | 'e';
  const given = await grantFor({ roomId, epoch: 0, grants: [one] }, own);
  expect(given).toEqual({ kind, seed: room.keys.seeds[kind] });
  const another = await generateDeviceKeyPair();
  const theirs = { deviceId: idOf(device), privateKey: another.privateKey };
  expect(await grantFor({ roomId, epoch: 0, grants: [one] }, theirs)).toBeUndefined();
});

test('ROST-40 a weak key is let in nowhere, and nobody gives what they don’t have', async () => {
  const weak = { device: '00'.repeat(32) as DeviceId, role: 'viewer' as const };
  const options = { owner: signer(room.owner), ground: start, time: 7 };
  expect(await makeAdmission({ ...options, keys: room.keys, member: weak })).toBeUndefined();
  await expect(admitted('editor', { keys: room.viewKeys })).rejects.toThrow('more than they have');
  await expect(admitted('viewer', { ground: later })).rejects.toThrow('another epoch');
  await expect(admitted('viewer', { owner: signer(await generateSigningKeyPair()) })).rejects.toThrow(
    'bad-signature',
  );
});

describe('ROST-41 what is believed', () => {
  test('in the newest epoch alone', async () => {
    const [early, late] = [
      await admitted('editor'),
      await admitted('editor', { ground: later, keys: laterKeys }),
    ];
    const kind = async (one: Admission, ground: Roster) => {
      const read = await decodeAdmission(one.bytes, ground);
      return read.ok ? 'ok' : read.error.kind;
    };
    expect([await kind(early, start), await kind(early, later)]).toEqual(['ok', 'not-next']);
    expect([await kind(late, start), await kind(late, later)]).toEqual(['not-next', 'ok']);
    // Another statement of the same epoch is another ground.
    const bytes = later.statements[0]?.bytes.with(5, 1) ?? randomBytes(1);
    const other = { ...later, statements: [{ ...later.statements[0], bytes }] } as unknown as Roster;
    expect(await kind(late, other)).toBe('not-next');
    expect(upTo(1, { ...later, admissions: [late, early] }).admissions).toEqual([late]);
  });

  test('by whoever has owned the room since the epoch began: not by who did before, nor by its root', async () => {
    const [root, ann] = [await generateSigningKeyPair(), await generateSigningKeyPair()];
    const made = await makeOwnersStatement({
      root: signer(room.owner),
      roster: start,
      nextRoot: root.publicKey,
      owners: [ann.publicKey],
      time: 5,
    });
    if (!made.ok) throw new Error(made.error.kind);
    const ground = { ...start, owners: [made.value] };
    // Who let somebody in and was left out then has let them in all the same, and keeps nobody else out.
    const before = await admitted('editor');
    await expect(admitted('editor', { ground, owner: signer(root) })).rejects.toThrow('bad-signature');
    const hers = await admitted('editor', { ground, owner: signer(ann) });
    const theirs = await generateDeviceKeyPair();
    const more = await admitted('viewer', {
      ground,
      owner: signer(ann),
      member: { device: idOf(theirs), role: 'viewer' },
    } as never);
    expect(await believeAdmissions([before.bytes, more.bytes], ground)).toEqual([before, more]);
    expect(await believeAdmissions([hers.bytes], ground)).toEqual([hers]);
    // The genesis owner was left out before the next epoch, and lets nobody into that.
    const next = await makeStatement({
      owner: signer(ann),
      genesis: room.genesis,
      before: [],
      owners: ground.owners,
      keys: laterKeys,
      former: room.keys,
      closed: [],
      members: [],
      time: 2,
    });
    const after = { ...ground, statements: [next] };
    await expect(admitted('editor', { ground: after, keys: laterKeys })).rejects.toThrow('bad-signature');
    expect((await admitted('editor', { ground: after, keys: laterKeys, owner: signer(ann) })).epoch).toBe(1);
  });

  test('[seed 3601, 120 runs] no changed byte, and no bytes that nobody signed', async () => {
    const one = await admitted('commenter');
    const flipped = fc
      .record({ at: fc.nat(ADMISSION_BYTES - 1), mask: fc.integer({ min: 1, max: 255 }) })
      .map(({ at, mask }) => one.bytes.map((byte, i) => (i === at ? byte ^ mask : byte)));
    const cut = fc.nat(ADMISSION_BYTES - 1).map((length) => one.bytes.slice(0, length));
    const junk = fc.uint8Array({ maxLength: 300 }).map((bytes) => Uint8Array.from(bytes));
    await fc.assert(
      fc.asyncProperty(fc.oneof(flipped, cut, junk), async (bytes) => {
        expect((await decodeAdmission(bytes, start)).ok).toBe(false);
      }),
      { seed: 3601, numRuns: 120 },
    );
    expect((await decodeAdmission(concat(one.bytes, Uint8Array.of(0)), start)).ok).toBe(false);
  });

  test('what an owner signed stays beside what none did; after a wrong signature nothing is looked at', async () => {
    const one = await admitted('editor');
    const forged = one.bytes.map((byte, i) => (i === ADMISSION_BYTES - 1 ? byte ^ 1 : byte));
    const old = (await admitted('viewer', { ground: later, keys: laterKeys })).bytes;
    expect(await believeAdmissions([old, one.bytes, forged], start)).toEqual([one]);
    expect(await believeAdmissions([forged, one.bytes], start)).toEqual([]);
    expect((await believe(start.genesis, { ...bytesOf(start), admissions: [one.bytes, forged] })).fault).toBe(
      undefined,
    );
  });
});

test('ROST-43 [seed 3602, 100 runs] of one device the highest role counts, in whatever order they come', async () => {
  const all = await Promise.all([...ROLES, ...ROLES].map((role) => admitted(role)));
  const other = await generateDeviceKeyPair();
  const theirs = await admitted('viewer', { member: { device: idOf(other), role: 'viewer' } } as never);
  fc.assert(
    fc.property(fc.shuffledSubarray([...all, theirs], { minLength: 7 }), (order) => {
      const [a, b] = [order, order.toReversed()].map((list) =>
        list.reduce<readonly Admission[]>(withAdmission, []),
      );
      const roles = (list: readonly Admission[] = []) =>
        list.map(({ device: of, role }) => [of, role]).sort();
      expect(roles(a)).toEqual(
        [
          [idOf(device), 'editor'],
          [idOf(other), 'viewer'],
        ].sort(),
      );
      const mine = (list: readonly Admission[] = []) => list.find(({ role }) => role === 'editor')?.bytes;
      expect(mine(a)).toEqual(mine(b));
    }),
    { seed: 3602, numRuns: 100 },
  );
});

describe('ROST-42 in a roster', () => {
  test('they are read back beside owners and without, in one way only', async () => {
    const one = await admitted('editor');
    const roster = { ...start, admissions: [one] };
    const bytes = encodeRoster(bytesOf(roster));
    expect(await decodeRoster(bytes, room.keys.roomId)).toEqual({ ok: true, value: roster });
    const bare = encodeRoster(bytesOf(start));
    // No owners statements, and no admissions either: that is not how nothing is written.
    for (const tail of [[0], [0, 0], [0, 2, ...one.bytes]])
      expect(readRoster(concat(bare, Uint8Array.from(tail))).ok).toBe(false);
    expect(readRoster(concat(bytes, Uint8Array.of(0))).ok).toBe(false);
    expect(readRoster(concat(bare, Uint8Array.of(0, 1), one.bytes)).ok).toBe(true);
  });

  test('at most 256 travel', async () => {
    const one = await admitted('viewer');
    const many = (count: number) => Array.from({ length: count }, () => one.bytes);
    const roster = (count: number) => ({ ...bytesOf(start), admissions: many(count) });
    expect(readRoster(encodeRoster(roster(MAX_ADMISSIONS))).ok).toBe(true);
    expect(() => encodeRoster(roster(MAX_ADMISSIONS + 1))).toThrow(RangeError);
    const tooMany = concat(encodeRoster(bytesOf(start)), Uint8Array.of(0, 0x81, 0x02), ...many(257));
    expect(readRoster(tooMany).ok).toBe(false);
    const full = Array.from({ length: MAX_ADMISSIONS }, (_, i) => ({
      ...one,
      device: i.toString(16).padStart(64, '0') as DeviceId,
    }));
    expect(withAdmission(full, one)).toBe(full);
    expect(withAdmission(full, { ...one, device: full[0]?.device as DeviceId, role: 'editor' })).not.toBe(
      full,
    );
  });

  test('two rosters together have those of both', async () => {
    const [one, two] = [await admitted('viewer'), await admitted('editor')];
    const [a, b] = [one, two].map((each) => bytesOf({ ...start, admissions: [each] }));
    if (!a || !b) return;
    expect(unionOf(a, b)?.admissions).toEqual([one.bytes, two.bytes]);
    expect([hasMore(b, a), hasMore(a, a), hasMore(bytesOf(start), a)]).toEqual([true, false, false]);
  });
});
