/** Admissions of docs/vectors.json, by the app and by a second implementation that shares nothing with it (ROST-40 to ROST-43). */
import { beforeAll, describe, expect, test } from 'vitest';
import { openAdmission, readAdmission, readAdmitting } from '../../testing/admissions-by-hand.ts';
import {
  bytesIn,
  bytesNamed,
  exchangeKeyOf,
  exchangeSecretOf,
  hex,
  roomId,
  seeds,
  vectors,
} from '../../testing/by-hand.ts';
import { readStatement } from '../../testing/roster-by-hand.ts';
import { refusalOf } from '../../testing/strict-by-hand.ts';
import { toHex, type Bytes } from '../core/bytes.ts';
import type { RoomId } from '../core/ids.ts';
import { deviceIdOf, deviceKeyPairFromSeed } from '../crypto/device-keys.ts';
import { decodeAdmission } from './admissions.ts';
import { decodeRoster, grantFor, type Roster } from './roster.ts';

const own = (bytes: Buffer): Bytes => Uint8Array.from(bytes);
const genesis = bytesNamed('genesis/of this room');
const statements = [readStatement(bytesIn(vectors.rosterStatements[0]?.bytes ?? ''), genesis, [])];
const ROLES = ['viewer', 'commenter', 'editor'];
let roster: Roster;
beforeAll(async () => {
  const read = await decodeRoster(own(bytesNamed('rosters/of the first')), roomId as RoomId);
  if (!read.ok) throw new Error(read.error.kind);
  roster = read.value;
});

describe.each(vectors.admissions)('ROST-40, ROST-41 an admission: $name', (vector) => {
  const bytes = bytesIn(vector.bytes);
  const refused = 'refused' in vector ? vector.refused : undefined;

  test('by the app', async () => {
    const read = await decodeAdmission(own(bytes), roster);
    if (!('opens' in vector)) return expect(read).toEqual({ ok: false, error: { kind: refused } });
    if (!read.ok) throw new Error(read.error.kind);
    const { publicKey, privateKey } = await deviceKeyPairFromSeed(own(hex(seeds.devices[vector.device])));
    const { role, time } = read.value;
    expect([role, time]).toEqual([vector.role, vector.time]);
    const device = { deviceId: deviceIdOf(publicKey), privateKey };
    const given = await grantFor({ roomId: roomId as RoomId, epoch: 1, grants: [read.value] }, device);
    expect(given && toHex(given.seed)).toBe(vector.opens);
  });

  test('by hand', () => {
    expect(refusalOf(() => readAdmission(bytes, { genesis, statements }))).toBe(refused);
    if (!('opens' in vector)) return;
    const read = readAdmission(bytes, { genesis, statements });
    const secret = hex(seeds.devices[vector.device]);
    expect([ROLES[read.role], read.time]).toEqual([vector.role, vector.time]);
    expect(read.device).toEqual(exchangeKeyOf(secret));
    expect(openAdmission(read, exchangeSecretOf(secret))?.seed.toString('hex')).toBe(vector.opens);
  });
});

describe.each(vectors.admittingRosters)('ROST-42 a roster: $name', (vector) => {
  const bytes = bytesIn(vector.bytes);
  const admits =
    'admits' in vector
      ? vector.admits?.map((name) => bytesNamed(`admissions/${name}`).toString('hex'))
      : undefined;
  const refused = 'refused' in vector ? vector.refused : undefined;

  test('by the app', async () => {
    const read = await decodeRoster(own(bytes), roomId as RoomId);
    if (refused) return expect(read).toEqual({ ok: false, error: { kind: refused } });
    expect(read.ok && read.value.admissions?.map((one) => toHex(one.bytes))).toEqual(admits);
  });

  test('by hand', () => {
    if (refused) return expect(refusalOf(() => readAdmitting(bytes))).toBe(refused);
    expect(readAdmitting(bytes).map((one) => one.bytes.toString('hex'))).toEqual(admits);
  });
});
