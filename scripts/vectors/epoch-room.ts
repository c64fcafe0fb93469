/** The room of the vectors after its first epoch: two statements of its owner, and the keys and devices they name. */
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, fromHex, utf8, type Bytes } from '../../app/lib/core/bytes.ts';
import {
  deviceIdOf,
  deviceKeyPairFromSeed,
  exchangeKeyPairFromScalar,
  type DeviceKeyPair,
  type ExchangeKeyPair,
} from '../../app/lib/crypto/device-keys.ts';
import { deriveRoomKeys, type RoomKeys } from '../../app/lib/crypto/room-keys.ts';
import { sign, signingKeyPairFromSeed, type SigningKeyPair } from '../../app/lib/crypto/signatures.ts';
import { issueSession, type OwnSession } from '../../app/lib/log/certificate.ts';
import type { FrontierRow } from '../../app/lib/log/frontier.ts';
import { makeGenesis, type Genesis } from '../../app/lib/log/genesis.ts';
import { makeStatement } from '../../app/lib/log/new-statement.ts';
import { encodeFields, type StatementFields } from '../../app/lib/log/roster-codec.ts';
import { encodeRoster, type RosterStatement } from '../../app/lib/log/roster.ts';
import type { Written } from './chains.ts';
import { annsDevice, SEEDS, type VectorRoom } from './vector-room.ts';

export interface EpochRoom {
  readonly room: VectorRoom;
  /** By epoch, from 0, each with what reads the epochs before. */
  readonly keys: readonly [RoomKeys, RoomKeys, RoomKeys];
  readonly statements: readonly [RosterStatement, RosterStatement];
  readonly devices: Readonly<Record<'ann' | 'ben' | 'cas' | 'vic', DeviceKeyPair>>;
  readonly dan: OwnSession;
  readonly fay: OwnSession;
  readonly danPair: SigningKeyPair;
  /** Signed by the owner too, of another edit seed: 32 times 14. */
  readonly otherGenesis: Genesis;
  readonly otherKeys: RoomKeys;
}

export async function epochRoom(room: VectorRoom, { chains }: Written): Promise<EpochRoom> {
  const { roomId, owner, genesis, sessions, viewKeys } = room;
  const [one, two] = SEEDS.epochs;
  const bare = await deriveRoomKeys('e', fromHex(one.edit), 1, roomId);
  const viewers = await deriveRoomKeys('v', bare.seeds.v, 1, roomId);
  const first = { ...bare, past: [viewKeys] };
  const last = await deriveRoomKeys('e', fromHex(two.edit), 2, roomId);
  const second = { ...last, past: [viewKeys, viewers] };
  const devices = {
    ann: await annsDevice(),
    ben: await deviceKeyPairFromSeed(fromHex(SEEDS.devices.ben)),
    cas: await deviceKeyPairFromSeed(fromHex(SEEDS.devices.cas)),
    vic: await deviceKeyPairFromSeed(fromHex(SEEDS.devices.vic)),
  };
  const memberOf = (who: keyof typeof devices, role: 'editor' | 'commenter' | 'viewer') => ({
    device: deviceIdOf(devices[who].publicKey),
    role,
  });
  const rowAt = async (by: 'ann' | 'ben', name: string, seq: number): Promise<FrontierRow> => {
    const chain = chains[name];
    const hash = (await chain?.hashes())?.[seq - 1];
    if (!chain || !hash) throw new Error(`no entry ${seq} of ${name}`);
    return { session: sessions[by].id, channel: chain.channel, seq, hash };
  };
  const base = { owner: { sign: (message: Bytes) => sign(owner.privateKey, message) }, genesis };
  const begun = await makeStatement({
    ...base,
    before: [],
    keys: first,
    former: room.keys,
    closed: [await rowAt('ann', 'annProject', 2), await rowAt('ben', 'benTalk', 60)],
    members: [memberOf('ann', 'editor'), memberOf('cas', 'commenter'), memberOf('vic', 'viewer')],
    pairs: await Promise.all(one.ephemerals.map(exchangePair)),
    time: 1_700_000_100_000,
  });
  const next = await makeStatement({
    ...base,
    before: [begun],
    keys: second,
    former: first,
    closed: [],
    members: [memberOf('ann', 'commenter')],
    pairs: await Promise.all(two.ephemerals.map(exchangePair)),
    time: Number.MAX_SAFE_INTEGER,
  });
  const { c } = first.seeds;
  if (!c) throw new Error('an edit seed gives a comment seed');
  const danPair = await signingKeyPairFromSeed(fromHex(SEEDS.laterSessions.dan));
  const fayPair = await signingKeyPairFromSeed(fromHex(SEEDS.laterSessions.fay));
  const otherKeys = await deriveRoomKeys('e', fromHex('14'.repeat(32)), 0, roomId);
  return {
    room,
    keys: [room.keys, first, second],
    statements: [begun, next],
    devices,
    dan: await issueSession(first, devices.ann, danPair),
    fay: await issueSession(await deriveRoomKeys('c', c, 1, roomId), devices.cas, fayPair),
    danPair,
    otherGenesis: await makeGenesis(owner, otherKeys),
    otherKeys,
  };
}

/** What the owner, or somebody else, signs when told to sign anything (ROST-1). */
export async function signedStatement(
  pair: SigningKeyPair,
  body: Bytes,
  label = utf8('codeface/roster/1\0'),
): Promise<Bytes> {
  return concat(body, await sign(pair.privateKey, concat(label, body)));
}

/** A statement with some fields changed, signed by the owner. */
export const withFields = (
  { room }: EpochRoom,
  statement: StatementFields,
  changed: Partial<StatementFields>,
): Promise<Bytes> => signedStatement(room.owner, encodeFields({ ...statement, ...changed }));

export const rosterBytes = (genesis: Bytes, statements: readonly { readonly bytes: Bytes }[]): Bytes =>
  encodeRoster({ genesis, statements: statements.map(({ bytes }) => bytes) });

export const hashOf = (bytes: Bytes): Bytes => sha256(bytes);

export const exchangePair = (secret: string): Promise<ExchangeKeyPair> =>
  exchangeKeyPairFromScalar(fromHex(secret));
