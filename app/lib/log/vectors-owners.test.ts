/** The part of docs/vectors.json about who owns a room: as the app sees it, and as a second implementation does (owners-by-hand.ts). */
import { beforeAll, describe, expect, test } from 'vitest';
import { bytesIn, bytesNamed, vectors, type Written } from '../../testing/by-hand.ts';
import { readCode, readOwned, readOwners, type Owners } from '../../testing/owners-by-hand.ts';
import { refusalOf } from '../../testing/strict-by-hand.ts';
import { fromHex, toHex, type Bytes } from '../core/bytes.ts';
import { parseRecoveryCode, rootKeyOf } from '../crypto/recovery-code.ts';
import { decodeGenesis, type Genesis } from './genesis.ts';
import { decodeOwnersStatement, type OwnersStatement } from './owners.ts';
import { bytesOf, decodeRoster, encodeRoster } from './roster.ts';

const roomId = vectors.room.id;
const own = (written: Written): Bytes => Uint8Array.from(bytesIn(written));
const genesisBytes = bytesNamed('genesis/of this room');
const epochs = vectors.rosterStatements.slice(0, 2).map(({ bytes }) => ({ bytes: own(bytes) }));
let genesis: Genesis;
beforeAll(async () => {
  const read = await decodeGenesis(Uint8Array.from(genesisBytes), roomId);
  if (!read.ok) throw new Error(read.error.kind);
  genesis = read.value;
});

describe('recovery codes', () => {
  test.each(vectors.recoveryCodes)('ROST-33 $name', async (vector) => {
    const read = parseRecoveryCode(vector.code);
    if ('refused' in vector) {
      expect(read).toMatchObject({ ok: false, error: { kind: vector.refused } });
      expect(refusalOf(() => readCode(vector.code))).toBe(vector.refused);
      return;
    }
    if (!read.ok) throw new Error(read.error.kind);
    expect(toHex(read.value)).toBe(vector.secret);
    expect(toHex((await rootKeyOf(read.value, roomId)).publicKey)).toBe(vector.root);
    const again = readCode(vector.code);
    expect([again.secret.toString('hex'), again.root.toString('hex')]).toEqual([vector.secret, vector.root]);
  });
});

describe('owners statements', () => {
  test.each(vectors.ownersStatements)('ROST-30, ROST-31 $name', async (vector) => {
    const before: OwnersStatement[] = [];
    const byHand: Owners[] = [];
    for (const one of vectors.ownersStatements.slice(0, vector.after)) {
      const read = await decodeOwnersStatement(own(one.bytes), genesis, epochs, before);
      if (!read.ok) throw new Error(read.error.kind);
      before.push(read.value);
      byHand.push(readOwners(bytesIn(one.bytes), genesisBytes, epochs as never, byHand));
    }
    const read = await decodeOwnersStatement(own(vector.bytes), genesis, epochs, before);
    const hand = () => readOwners(bytesIn(vector.bytes), genesisBytes, epochs as never, byHand);
    if ('refused' in vector) {
      expect(read).toEqual({ ok: false, error: { kind: vector.refused } });
      expect(refusalOf(hand)).toBe(vector.refused);
      return;
    }
    if (!read.ok) throw new Error(read.error.kind);
    const { index, epoch, time, root, owners } = vector;
    for (const { root: by, owners: those, ...said } of [read.value, hand()]) {
      expect(said).toMatchObject({ index, epoch, time });
      expect([toHex(by), ...those.map(toHex)]).toEqual([root, ...owners]);
    }
  });

  test.each(vectors.ownedRosters)('ROST-32, ROST-34 $name', async (vector) => {
    const read = await decodeRoster(own(vector.bytes), roomId);
    const hand = () => readOwned(bytesIn(vector.bytes));
    if ('refused' in vector) {
      expect(read).toEqual({ ok: false, error: { kind: vector.refused } });
      expect(refusalOf(hand)).toBe(vector.refused);
      return;
    }
    if (!read.ok) throw new Error(read.error.kind);
    for (const { statements, owners } of [read.value, hand()])
      expect([statements.length, owners.length]).toEqual([vector.believed, vector.owned]);
    expect(encodeRoster(bytesOf(read.value))).toEqual(own(vector.bytes));
  });

  test('KEY-6 the secrets of the file are those of its keys', () => {
    const [code] = vectors.recoveryCodes;
    expect(code && 'secret' in code && fromHex(code.secret)).toEqual(fromHex(vectors.seeds.recovery));
  });
});
