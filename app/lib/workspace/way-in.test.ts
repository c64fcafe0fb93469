import { expect, it } from 'vitest';
import { randomBytes, type Bytes } from '../core/bytes.ts';
import { generateDeviceKeyPair, deviceIdOf } from '../crypto/device-keys.ts';
import type { Role } from '../core/ids.ts';
import { deriveRoomKeys, type SeedKind } from '../crypto/room-keys.ts';
import { sign as signBy } from '../crypto/signatures.ts';
import { makeAdmission } from '../log/new-admission.ts';
import { EpochRoom, Person } from '../../testing/epoch-room.ts';
import { makeRoom } from '../../testing/replicas.ts';
import { rosterIn, wayIn } from './way-in.ts';

async function firstEpoch() {
  const { genesis, keys } = await makeRoom();
  const { roomId } = genesis;
  const { publicKey, ...own } = await generateDeviceKeyPair();
  const device = { deviceId: deviceIdOf(publicKey), ...own };
  const known = await rosterIn({ genesis: genesis.bytes }, roomId);
  const by = (seedKind: SeedKind, seed: Bytes, roster = known) =>
    wayIn({ roomId, seedKind, epoch: 0, seed }, roster, device, undefined);
  return { genesis, seeds: (await keys('e')).seeds, by };
}

it.each(['e', 'c', 'v'] as const)('takes the room’s own %s link', async (kind) => {
  const { genesis, seeds, by } = await firstEpoch();
  expect(await by(kind, seeds[kind] ?? seeds.v)).toMatchObject({
    ok: true,
    value: { kind: 'in', roster: { genesis, statements: [] } },
  });
});

it.each(['e', 'c', 'v'] as const)('refuses another key in a well-formed %s link', async (kind) => {
  const { by } = await firstEpoch();
  expect(await by(kind, randomBytes(32))).toEqual({ ok: false, error: { kind: 'wrong-key' } });
});

it('refuses the right seed under another letter', async () => {
  const { seeds, by } = await firstEpoch();
  for (const [kind, seed] of [
    ['e', seeds.v],
    ['v', seeds.e ?? seeds.v],
  ] as const)
    expect((await by(kind, seed)).ok).toBe(false);
});

it('knows nothing of a room never met, and takes the statement of one just made', async () => {
  const { genesis, seeds, by } = await firstEpoch();
  const nothing = await rosterIn({}, genesis.roomId);
  expect(nothing).toEqual({ genesis: undefined, statements: [], owners: [] });
  expect((await by('v', seeds.v, nothing)).ok).toBe(true);
  expect(await rosterIn({}, genesis.roomId, genesis.bytes)).toEqual({ genesis, statements: [], owners: [] });
});

it('ROST-12 takes what was given to the name that this device had before devices proved themselves', async () => {
  const room = await EpochRoom.make();
  const [ann, ben] = [await Person.of(room), await Person.of(room)];
  await ann.store.saveFacts({ genesis: room.genesis });
  await ann.open();
  await ann.begin([{ device: ben.device.deviceId, role: 'commenter' }]);
  const known = await rosterIn(await ann.store.loadFacts(), room.link.roomId);
  await ann.close();
  const { device } = await Person.of(room);
  const { deviceId, privateKey } = ben.device;
  expect(await wayIn(room.link, known, device, undefined)).toMatchObject({ value: { kind: 'out' } });
  expect(
    await wayIn(room.link, known, { ...device, former: { deviceId, privateKey } }, undefined),
  ).toMatchObject({ value: { kind: 'in', keys: { epoch: 1, role: 'commenter' } } });
});

it('ROST-43 takes an admission for what it gives more than the link, and for nothing that it does not open', async () => {
  const room = await EpochRoom.make();
  const ann = await Person.of(room);
  const { device } = ann;
  const keys = await deriveRoomKeys('e', room.link.seed, 0, room.link.roomId);
  const known = await rosterIn({ genesis: room.genesis }, room.link.roomId);
  const { genesis } = known;
  if (genesis === undefined) throw new Error('no genesis statement');
  const sign = async (message: Bytes) => signBy(room.owner.privateKey, message);
  const given = async (role: Role, seeds = keys.seeds) => {
    const member = { device: device.deviceId, role };
    const ground = { ...known, genesis };
    const made = await makeAdmission({ owner: { sign }, ground, keys: { ...keys, seeds }, member, time: 1 });
    return made === undefined ? known : { ...known, admissions: [made] };
  };
  const role = async (kind: SeedKind, roster: typeof known) => {
    const way = await wayIn(await room.linkTo(kind), roster, device, undefined);
    return way.ok ? way.value.keys.role : way.error.kind;
  };
  expect(await role('v', await given('commenter'))).toBe('commenter');
  expect(await role('e', await given('commenter'))).toBe('editor');
  // Signed by an owner, with a seed that is not the room's.
  expect(await role('v', await given('editor', { ...keys.seeds, e: randomBytes(32) }))).toBe('viewer');
});
