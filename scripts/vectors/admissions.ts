/** Vectors of admissions (ROST-40 to ROST-43): of epoch 1, where Cas may comment, and Ben was left out. */
import { concat, utf8, type Bytes } from '../../app/lib/core/bytes.ts';
import { u32 } from '../../app/lib/core/fixed-fields.ts';
import { deviceIdOf } from '../../app/lib/crypto/device-keys.ts';
import { sign } from '../../app/lib/crypto/signatures.ts';
import { makeAdmission } from '../../app/lib/log/new-admission.ts';
import { exchangePair, hashOf, signedStatement, type EpochRoom } from './epoch-room.ts';
import { changedFrom, sameAs, type Pieces } from './pieces.ts';
import { hex, SEEDS } from './vector-room.ts';

const LABEL = utf8('codeface/admission/1\0');
const RAISED = 'Cas may edit';

export async function admissionVectors(epochs: EpochRoom) {
  const { room, keys, statements, devices, danPair } = epochs;
  const [begun, next] = statements;
  const { owner, genesis } = room;
  const ground = { genesis, statements: [begun], owners: [] };
  const made = async (who: 'ben' | 'cas', role: 'editor' | 'viewer', pair: string) => {
    const one = await makeAdmission({
      owner: { sign: (message) => sign(owner.privateKey, message) },
      ground,
      keys: keys[1],
      member: { device: deviceIdOf(devices[who].publicKey), role },
      time: 1_700_000_120_000,
      pair: await exchangePair(pair),
    });
    if (one === undefined) throw new Error('a weak device');
    return one;
  };
  const [first, second] = SEEDS.admissions;
  const raised = await made('cas', 'editor', first);
  const back = await made('ben', 'viewer', second);
  const body = raised.bytes.subarray(0, -64);
  const signed = (changed: Bytes) => signedStatement(owner, changed, LABEL);
  const put = (at: number, bytes: Bytes) =>
    concat(body.subarray(0, at), bytes, body.subarray(at + bytes.length));
  const bad = (refused: string, name: string, bytes: Bytes) => ({
    name,
    rules: ['ROST-41'],
    bytes: changedFrom(`admissions/${RAISED}`, raised.bytes, bytes) as Pieces,
    refused,
  });
  const good = (name: string, device: 'ben' | 'cas', { role, time, bytes }: typeof raised, seed?: Bytes) => ({
    name,
    rules: ['ROST-40', 'ROST-43'],
    bytes: hex(bytes) as Pieces,
    device,
    role,
    time,
    opens: hex(seed ?? new Uint8Array()),
  });
  return [
    good(RAISED, 'cas', raised, keys[1].seeds.e),
    good('Ben is let in again, to read', 'ben', back, keys[1].seeds.v),
    bad('malformed', 'another format', await signed(put(0, Uint8Array.of(2)))),
    bad('malformed', 'of no known role', await signed(put(77, Uint8Array.of(3)))),
    bad('malformed', 'a byte too many', concat(raised.bytes, Uint8Array.of(0))),
    bad('not-next', 'of an epoch that its statement did not begin', await signed(put(1, u32(2)))),
    bad('not-next', 'after another statement', await signed(put(5, hashOf(next.bytes)))),
    bad('bad-signature', 'by an editor', await signedStatement(danPair, body, LABEL)),
  ];
}

/** The roster of the genesis statement and the first one after it, with these bytes behind; whom it admits. */
export function admittingRosterVectors() {
  const [raised, back, forged] = [RAISED, 'Ben is let in again, to read', 'by an editor'].map((name) =>
    sameAs(`admissions/${name}`),
  );
  if (!raised || !back || !forged) throw new Error('three admissions');
  const one = (
    name: string,
    tail: readonly Exclude<Pieces, readonly unknown[]>[],
    admits?: readonly string[],
  ) => ({
    name,
    rules: ['ROST-42'],
    bytes: [sameAs(OF_THE_FIRST), ...tail] as Pieces,
    ...(admits ? { admits } : { refused: 'malformed' }),
  });
  return [
    one('two are let in', ['0002', raised, back], [RAISED, 'Ben is let in again, to read']),
    one('one is, and another by nobody who may', ['0002', raised, forged], [RAISED]),
    one('no owners statements, and nobody let in', ['0000']),
    one('one fewer than it says', ['0002', raised]),
    one('one more than it says', ['0001', raised, back]),
  ];
}

const OF_THE_FIRST = 'rosters/of the first';
