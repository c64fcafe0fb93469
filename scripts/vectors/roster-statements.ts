/** Vectors of statements, of the seeds in them, and of rosters (ROST-1 to ROST-6, ROST-21). */
import { createCipheriv } from 'node:crypto';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, fromHex, utf8, type Bytes } from '../../app/lib/core/bytes.ts';
import type { DeviceId } from '../../app/lib/core/ids.ts';
import { archiveKeys, epochBytes, roomIdOf } from '../../app/lib/crypto/room-keys.ts';
import { signingKeyPairFromSeed } from '../../app/lib/crypto/signatures.ts';
import { wrapFormerSeed, wrapSeed, type SeedGrant } from '../../app/lib/crypto/seed-grant.ts';
import type { GenesisProblem } from '../../app/lib/log/genesis.ts';
import type { StatementFields } from '../../app/lib/log/roster-codec.ts';
import type { RosterProblem } from '../../app/lib/log/roster.ts';
import { devicePair, hashOf, signedStatement, withFields, type EpochRoom } from './epoch-room.ts';
import { applied, changedFrom, sameAs, type Part, type Pieces } from './pieces.ts';
import { bytesOf, hex, SEEDS } from './vector-room.ts';

/** What follows from the edit seed of each later epoch. */
export const epochKeyVectors = ({ keys }: EpochRoom) =>
  keys.slice(1).map((one) => {
    const { read, edit, comment } = archiveKeys(one);
    const opened = (bytes: Bytes | undefined): string => hex(bytes ?? new Uint8Array());
    return {
      rules: ['KEY-2', 'KEY-3', 'KEY-5', 'ARCH-1', 'ROST-1'],
      epoch: one.epoch,
      comment: opened(one.seeds.c),
      read: hex(one.seeds.v),
      topic: hex(one.topic.publicKey),
      archive: { read: hex(read), edit: opened(edit), comment: opened(comment) },
    };
  });

const ORDER_8_U = 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800';
const ORDER_8_U_TOO = '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157';

/** Device keys that get no grant, since everybody could open it or they are no name of the device, and two that do. */
export function deviceKeyVectors({ devices }: EpochRoom) {
  const p = (low: string) => `${low}${'ff'.repeat(30)}7f`;
  const list: [string, string, boolean][] = [
    ['of a device', hex(devices.ann.publicKey), true],
    ['the base point', `09${'00'.repeat(31)}`, true],
    ['0', '00'.repeat(32), false],
    ['1', `01${'00'.repeat(31)}`, false],
    ['order 8', ORDER_8_U, false],
    ['order 8, the other', ORDER_8_U_TOO, false],
    ['p - 1', p('ec'), false],
    ['p', p('ed'), false],
    ['p + 9', p('f6'), false],
    ['the base point, top bit', `09${'00'.repeat(30)}80`, false],
    ['0, top bit', `${'00'.repeat(31)}80`, false],
  ];
  return list.map(([name, key, granted]) => ({ name, rules: ['ROST-3'], hex: key, granted }));
}

export interface StatementVector {
  readonly name: string;
  readonly rules: readonly string[];
  /** Statements that are believed already, by name. */
  readonly after?: readonly string[];
  /** What it was made of, beside the seeds, the genesis statement and the statements before. */
  readonly made?: {
    readonly epoch: number;
    readonly time: number;
    readonly members: readonly { readonly device: keyof EpochRoom['devices']; readonly role: string }[];
    readonly closed: readonly {
      readonly session: string;
      readonly channel: string;
      readonly seq: number;
      readonly hash: string;
    }[];
  };
  readonly bytes: Pieces;
  readonly refused?: RosterProblem['kind'];
}

const FIRST = 'of epoch 1';
const SECOND = 'of epoch 2';
const FIRST_BYTES = `rosterStatements/${FIRST}`;
const SECOND_BYTES = `rosterStatements/${SECOND}`;

/** Each refused one is signed by the owner as it stands, unless its signature is what is wrong. */
export async function statementVectors(epochs: EpochRoom): Promise<StatementVector[]> {
  const { room, statements, devices, otherGenesis } = epochs;
  const [first, second] = statements;
  const stranger = await signingKeyPairFromSeed(fromHex('0f'.repeat(32)));
  const body = first.bytes.slice(0, -64);
  const count = 1 + 4 + 32 + 8 + 3 * 32 + 48;
  const grantBytes = 32 + 1 + 32 + 48;
  const closedAt = count + 1 + 3 * grantBytes;
  const rows = first.closed;
  const [grant] = first.grants;
  const [row] = rows;
  if (!grant || !row) throw new Error('the first statement has grants and rows');
  const owners = (changes: Parameters<typeof applied>[1]) =>
    signedStatement(room.owner, applied(body, changes));
  const fields = (changed: Partial<StatementFields>) => withFields(epochs, first, changed);
  const nameOf = (id: DeviceId) =>
    (Object.keys(devices) as (keyof typeof devices)[]).find((one) => hex(devices[one].publicKey) === id) ??
    'ann';
  const good = ({ epoch, time, grants, closed, bytes }: typeof first, after: string[]): StatementVector => ({
    name: `of epoch ${epoch}`,
    rules: ['ROST-1', 'ROST-2', 'ROST-3', 'ROST-4'],
    ...(after.length > 0 && { after }),
    made: {
      epoch,
      time,
      members: grants.map(({ device, role }) => ({ device: nameOf(device), role })),
      closed: closed.map((one) => ({ ...one, hash: hex(one.hash) })),
    },
    bytes: hex(bytes),
  });
  const bad =
    (refused: RosterProblem['kind'], rule: string, after: string[] = []) =>
    (name: string, bytes: Bytes): StatementVector => ({
      name,
      rules: [rule],
      ...(after.length > 0 && { after }),
      bytes: changedFrom(FIRST_BYTES, first.bytes, bytes),
      refused,
    });
  const malformed = bad('malformed', 'ROST-1');
  const notNext = bad('not-next', 'ROST-2');
  const unsigned = bad('bad-signature', 'ROST-2');
  return [
    good(first, []),
    good(second, [FIRST]),
    malformed('cut short', first.bytes.slice(0, -1)),
    malformed('cut in its first field', first.bytes.slice(0, 3)),
    malformed('a byte behind the signature', concat(first.bytes, bytesOf('00'))),
    malformed('a byte before the signature', await owners([[body.length, body.length, bytesOf('00')]])),
    malformed('another format', await owners([[0, 1, bytesOf('02')]])),
    malformed('a time of 2^53', await owners([[37, 45, bytesOf('0020000000000000')]])),
    malformed('a count of grants longer than needed', await owners([[count, count + 1, bytesOf('8300')]])),
    malformed('a role 3', await owners([[count + 33, count + 34, bytesOf('03')]])),
    malformed('a device twice', await fields({ grants: [grant, { ...grant, role: 'viewer' }] })),
    malformed('a length longer than needed', await owners([[closedAt, closedAt + 2, bytesOf('858100')]])),
    malformed('a frontier that passes the end', await owners([[closedAt, closedAt + 2, bytesOf('ff7f')]])),
    malformed(
      'a byte behind the rows',
      await owners([
        [closedAt, closedAt + 2, bytesOf('8601')],
        [body.length, body.length, bytesOf('00')],
      ]),
    ),
    malformed('an unknown channel', await owners([[closedAt + 35, closedAt + 36, bytesOf('04')]])),
    malformed('a seq 0', await fields({ closed: [{ ...row, seq: 0 }] })),
    malformed('a chain twice', await fields({ closed: [row, { ...row, seq: 9 }] })),
    notNext('the first again', await fields({ epoch: 0 })),
    notNext('an epoch left out', await fields({ epoch: 2 })),
    notNext('after another genesis statement', await fields({ previous: hashOf(otherGenesis.bytes) })),
    notNext(
      'after the genesis statement without its signature',
      await fields({ previous: hashOf(room.genesis.bytes.slice(0, -64)) }),
    ),
    {
      name: 'of an epoch that another one began',
      rules: ['ROST-2'],
      after: [FIRST],
      bytes: changedFrom(FIRST_BYTES, first.bytes, await fields({ time: first.time + 1 })),
      refused: 'not-next',
    },
    {
      name: 'of epoch 2 too early',
      rules: ['ROST-2'],
      bytes: sameAs(SECOND_BYTES),
      refused: 'not-next',
    },
    unsigned("with another's signature", await signedStatement(stranger, body)),
    unsigned('signed without a label', await signedStatement(room.owner, body, new Uint8Array())),
    unsigned(
      'signed for another purpose',
      await signedStatement(room.owner, body, utf8('codeface/genesis/1\0')),
    ),
    unsigned(
      'with one bit changed',
      first.bytes.map((byte, i) => (i === 44 ? byte ^ 1 : byte)),
    ),
  ];
}

/** Believed statements, and what of their grants opens with which device; nothing opens where `opens` is missing. */
export async function grantVectors(epochs: EpochRoom) {
  const { room, keys, statements, devices } = epochs;
  const [first] = statements;
  const { roomId } = room;
  const [forAnn, forCas, forVic] = first.grants;
  const { e, c, v } = keys[1].seeds;
  if (!forAnn || !forCas || !forVic || !e || !c) throw new Error('three grants');
  const terms = { roomId, epoch: 1, device: devices.ann.publicKey, role: 'editor' } as const;
  const pair = await devicePair(SEEDS.epochs[0].ephemerals[0]);
  const onlyAnn = async (grant: SeedGrant): Promise<Bytes> =>
    withFields(epochs, first, { grants: [{ ...forAnn, ...grant }] });
  const wrapped = async (ephemeral: Bytes): Promise<SeedGrant> =>
    (await wrapSeed(e, terms, { ...pair, publicKey: ephemeral })) ?? forAnn;
  const topBit = pair.publicKey.map((byte, i) => (i === 31 ? byte | 0x80 : byte));
  const changed = async (grants: typeof first.grants) => withFields(epochs, first, { grants });
  const one = (
    name: string,
    bytes: Bytes | undefined,
    device: keyof typeof devices,
    opens?: { readonly kind: string; readonly seed: string; readonly used: boolean },
    by: keyof typeof devices = device,
  ) => ({
    name,
    rules: ['ROST-3', ...(opens ? ['ROST-5'] : [])],
    statement: bytes ? changedFrom(FIRST_BYTES, first.bytes, bytes) : sameAs(FIRST_BYTES),
    device,
    ...(by !== device && { privateKeyOf: by }),
    ...(opens && { opens }),
  });
  const given = (kind: string, seed: Bytes, used = true) => ({ kind, seed: hex(seed), used });
  const zeros = new Uint8Array(32);
  const otherSeed = new Uint8Array(32).fill(0x15);
  const another = await wrapSeed(otherSeed, terms, pair);
  return [
    one('an editor', undefined, 'ann', given('e', e)),
    one('a commenter', undefined, 'cas', given('c', c)),
    one('a viewer', undefined, 'vic', given('v', v)),
    one('who was removed', undefined, 'ben'),
    one("another device's private key", undefined, 'ann', undefined, 'cas'),
    one('of another role', await changed([{ ...forAnn, role: 'commenter' }, forCas, forVic]), 'ann'),
    one('wrapped for another device', await changed([{ ...forCas, device: forAnn.device }]), 'ann'),
    one(
      'with one bit changed',
      await onlyAnn({ ...forAnn, wrapped: forAnn.wrapped.map((b, i) => (i === 47 ? b ^ 1 : b)) }),
      'ann',
    ),
    one(
      'wrapped for another epoch',
      await onlyAnn((await wrapSeed(e, { ...terms, epoch: 2 }, pair)) ?? forAnn),
      'ann',
    ),
    one('an ephemeral key of order 1', await onlyAnn(wrapByHand(epochs, zeros, `00`.repeat(32), e)), 'ann'),
    one('an ephemeral key of order 8', await onlyAnn(wrapByHand(epochs, zeros, ORDER_8_U, e)), 'ann'),
    one(
      'an ephemeral key p + 9',
      await onlyAnn(wrapByHand(epochs, devices.ann.publicKey, `f6${'ff'.repeat(30)}7f`, e)),
      'ann',
    ),
    one('an ephemeral key with its top bit', await onlyAnn(await wrapped(topBit)), 'ann'),
    one(
      'a seed that the statement does not name',
      await onlyAnn(another ?? forAnn),
      'ann',
      given('e', otherSeed, false),
    ),
  ];
}

/** Ann's grant as anybody makes it who knows the shared secret without any private key (ROST-3). */
function wrapByHand({ room, devices }: EpochRoom, secret: Bytes, ephemeral: string, seed: Bytes): SeedGrant {
  const data = concat(utf8('codeface/grant/1\0'), devices.ann.publicKey, Uint8Array.of(2));
  const info = concat(
    utf8('codeface/grant/1\0'),
    epochBytes(1),
    devices.ann.publicKey,
    fromHex(ephemeral),
    Uint8Array.of(2),
  );
  const cipher = createCipheriv(
    'aes-256-gcm',
    hkdf(sha256, secret, utf8(room.roomId), info, 32),
    new Uint8Array(12),
  );
  cipher.setAAD(data);
  const wrapped = concat(cipher.update(seed), cipher.final(), cipher.getAuthTag());
  return { ephemeral: fromHex(ephemeral), wrapped };
}

/** What the read seed of an epoch opens of a statement; nothing where `opens` is missing. */
export async function formerVectors(epochs: EpochRoom) {
  const { keys, statements, otherKeys } = epochs;
  const [first, second] = statements;
  const one = (
    name: string,
    statement: Pieces,
    epoch: 1 | 2,
    opens?: { readonly seed: string; readonly used: boolean },
  ) => ({
    name,
    rules: ['ROST-4', ...(opens ? ['ROST-5'] : [])],
    statement,
    reader: { epoch, read: hex(keys[epoch].seeds.v) },
    ...(opens && { opens }),
  });
  const same = (name: string): Pieces => sameAs(`rosterStatements/${name}`);
  const changed = async (former: Bytes) =>
    changedFrom(FIRST_BYTES, first.bytes, await withFields(epochs, first, { former }));
  return [
    one('of epoch 0', same(FIRST), 1, { seed: hex(keys[0].seeds.v), used: true }),
    one('of epoch 1', same(SECOND), 2, { seed: hex(keys[1].seeds.v), used: true }),
    one('by the keys of the epoch before', same(SECOND), 1),
    one(
      'with one bit changed',
      await changed(first.former.map((byte, i) => (i === 47 ? byte ^ 1 : byte))),
      1,
    ),
    one('of another epoch', await changed(second.former), 1),
    one(
      'of keys that the statement before does not name',
      await changed(await wrapFormerSeed(otherKeys.seeds.v, keys[1])),
      1,
      { seed: hex(otherKeys.seeds.v), used: false },
    ),
  ];
}

export interface RosterVector {
  readonly name: string;
  readonly rules: readonly string[];
  /** Another than that of the file. */
  readonly room?: string;
  readonly bytes: Pieces;
  /** How many statements it has. */
  readonly believed?: number;
  readonly refused?: RosterProblem['kind'] | GenesisProblem['kind'];
}

/** A roster of parts, whatever they are (ROST-6). */
export function rosterOf(genesis: Part, statements: readonly Part[]): { bytes: Bytes; pieces: Pieces } {
  const lengths = [varUint(genesis.bytes.length), ...statements.map(({ bytes }) => varUint(bytes.length))];
  const [first = genesis.bytes, ...rest] = lengths;
  const count = varUint(statements.length);
  return {
    bytes: concat(
      first,
      genesis.bytes,
      count,
      ...statements.flatMap(({ bytes }, i) => [rest[i] ?? bytes, bytes]),
    ),
    pieces: [
      hex(first),
      genesis.piece,
      ...statements.flatMap(({ bytes, piece }, i) => {
        const length = hex(rest[i] ?? bytes);
        return [i === 0 ? hex(count) + length : length, piece];
      }),
      ...(statements.length === 0 ? [hex(count)] : []),
    ],
  };
}

/** The parts of this room's rosters, and of those that it is to be told from. */
export async function rosterParts(epochs: EpochRoom) {
  const { room, statements, otherGenesis } = epochs;
  const [first, second] = statements;
  const of = (ref: string, bytes: Bytes): Part => ({ bytes, piece: sameAs(ref) });
  const from = (ref: string, base: Bytes, bytes: Bytes): Part => ({
    bytes,
    piece: changedFrom(ref, base, bytes),
  });
  const like = (bytes: Bytes): Part => from(FIRST_BYTES, first.bytes, bytes);
  const genesisLike = (bytes: Bytes): Part => from(GENESIS, room.genesis.bytes, bytes);
  const time = first.time + 1;
  return {
    genesis: of(GENESIS, room.genesis.bytes),
    first: of(FIRST_BYTES, first.bytes),
    second: of(SECOND_BYTES, second.bytes),
    like,
    genesisLike,
    otherGenesis: genesisLike(otherGenesis.bytes),
    branch: like(await withFields(epochs, first, { previous: hashOf(otherGenesis.bytes), time })),
    rival: like(await withFields(epochs, first, { time })),
    changed: like(first.bytes.map((byte, i) => (i === first.bytes.length - 1 ? byte ^ 1 : byte))),
  };
}

const GENESIS = 'genesis/of this room';

/** Rosters of this room (ROST-6), and those that it is to be told from. */
export async function rosterVectors(epochs: EpochRoom): Promise<RosterVector[]> {
  const { room } = epochs;
  const parts = await rosterParts(epochs);
  const { genesis, first, second, branch, rival, otherGenesis, like, genesisLike } = parts;
  const whole = rosterOf(genesis, [first, second]);
  const rulesOf = (why: RosterVector['refused']) => [
    'ROST-6',
    why === 'not-next' ? 'ROST-2' : why === 'malformed' ? 'FORM-3' : 'GEN-2',
  ];
  const refused = (name: string, why: RosterVector['refused'], bytes: Pieces): RosterVector => ({
    name,
    rules: rulesOf(why),
    bytes,
    ...(why && { refused: why }),
  });
  const changed = (name: string, bytes: Bytes) =>
    refused(name, 'malformed', changedFrom('rosters/of both', whole.bytes, bytes));
  const alone = (name: string, why: RosterVector['refused'], statement: Bytes) =>
    refused(name, why, rosterOf(genesisLike(statement), []).pieces);
  const stranger = await signingKeyPairFromSeed(fromHex('0f'.repeat(32)));
  const body = room.genesis.bytes.slice(0, -64);
  const resigned = async (statement: Bytes, by = room.owner) =>
    signedStatement(by, statement, utf8('codeface/genesis/1\0'));
  const put = (at: number, ...bytes: number[]): Bytes => {
    const copy = body.slice();
    copy.set(bytes, at);
    return copy;
  };
  const order1 = bytesOf(`01${'00'.repeat(31)}`);
  const weak = concat(body.slice(0, 5), order1, body.slice(37), order1, new Uint8Array(32));
  const good = (name: string, believed: number, of: Part, statements: readonly Part[]): RosterVector => ({
    name,
    rules: ['ROST-6'],
    bytes: rosterOf(of, statements).pieces,
    believed,
  });
  const behind = like(concat(first.bytes, bytesOf('00')));
  const end = whole.bytes.length;
  return [
    good('of both', 2, genesis, [first, second]),
    good('of none', 0, genesis, []),
    good('of the first', 1, genesis, [first]),
    good('another beginning', 1, otherGenesis, [branch]),
    good('another first', 1, genesis, [rival]),
    refused('nothing', 'malformed', ''),
    changed('cut short', whole.bytes.slice(0, end - 1)),
    changed('a byte too many', concat(whole.bytes, bytesOf('00'))),
    changed('a count longer than needed', applied(whole.bytes, [[199, 200, bytesOf('8200')]])),
    changed('a length longer than needed', applied(whole.bytes, [[0, 2, bytesOf('c58100')]])),
    refused('a statement with a byte behind it', 'malformed', rosterOf(genesis, [behind]).pieces),
    alone('a genesis statement of another format', 'malformed', await resigned(put(0, 2))),
    alone('a genesis statement of epoch 1', 'malformed', await resigned(put(4, 1))),
    alone('a genesis statement with a byte behind it', 'malformed', concat(genesis.bytes, bytesOf('00'))),
    alone(
      "another room's genesis statement",
      'wrong-room',
      await resigned(put(5, ...stranger.publicKey), stranger),
    ),
    alone('a genesis statement that another signed', 'bad-signature', await resigned(body, stranger)),
    {
      ...alone('an owner of order 1', 'bad-signature', weak),
      rules: ['KEY-6', 'GEN-2'],
      room: roomIdOf(order1),
    },
    refused('a statement with one bit changed', 'bad-signature', rosterOf(genesis, [parts.changed]).pieces),
    refused('the second alone', 'not-next', rosterOf(genesis, [second]).pieces),
    refused('the second first', 'not-next', rosterOf(genesis, [second, first]).pieces),
    refused('the first twice', 'not-next', rosterOf(genesis, [first, first]).pieces),
    refused('after another genesis statement', 'not-next', rosterOf(otherGenesis, [first]).pieces),
  ];
}

/** Statements and grants in the number that caps are about: a recipe, and what must come of it. */
export interface CapVector {
  readonly name: string;
  readonly rules: readonly string[];
  /** Of each kind of statement, one after the other: how many, and rows and grants of each. */
  readonly statements: readonly {
    readonly times: number;
    readonly grants: number;
    readonly rows: readonly (readonly [count: number, seq: number])[];
  }[];
  readonly rosterBytes: number;
  readonly sha256: string;
  /** Of the last statement; those before are believed. */
  readonly refused?: 'malformed';
}

/** Statements whose invites, former seed, grants and rows are zeros but for numbers that keep devices and chains apart. */
export async function capVectors({ room }: EpochRoom): Promise<CapVector[]> {
  const one = async (
    name: string,
    statements: CapVector['statements'],
    refused?: 'malformed',
  ): Promise<CapVector> => {
    const parts: Bytes[] = [];
    for (const { times, grants, rows } of statements)
      for (let i = 0; i < times; i++) {
        const last = parts.at(-1) ?? room.genesis.bytes;
        parts.push(
          await signedStatement(room.owner, plainBody(parts.length + 1, hashOf(last), grants, rows)),
        );
      }
    const bytes = concat(sized(room.genesis.bytes), varUint(parts.length), ...parts.map(sized));
    return {
      name,
      rules: ['ROST-1', 'ROST-2', 'ROST-6'],
      statements,
      rosterBytes: bytes.length,
      sha256: hex(hashOf(bytes)),
      ...(refused && { refused }),
    };
  };
  const plain = { times: 1, grants: 0, rows: [] };
  const large = { ...plain, rows: [[16_384, 1]] } as const;
  // 66 bytes each with a seq below 128, else 67.
  const rest = (longer: number) =>
    ({
      ...plain,
      rows: [
        [13_781 - longer, 1],
        [longer, 128],
      ],
    }) as const;
  return [
    await one('1,024 grants', [{ ...plain, grants: 1_024 }]),
    await one('1,025 grants', [{ ...plain, grants: 1_025 }], 'malformed'),
    await one('16,384 rows', [large]),
    await one('16,385 rows', [{ ...plain, rows: [[16_385, 1]] }], 'malformed'),
    await one('1,024 statements', [{ ...plain, times: 1_024 }]),
    await one('1,025 statements', [{ ...plain, times: 1_025 }], 'malformed'),
    await one('1,945 KiB', [large, rest(65)]),
    await one('1,945 KiB and a byte', [large, rest(66)], 'malformed'),
  ];
}

const varUint = (value: number): Bytes =>
  value < 128
    ? Uint8Array.of(value)
    : concat(Uint8Array.of(128 + (value % 128)), varUint(Math.floor(value / 128)));
const sized = (bytes: Bytes): Bytes => concat(varUint(bytes.length), bytes);

function plainBody(
  epoch: number,
  previous: Bytes,
  grants: number,
  rows: readonly (readonly [number, number])[],
): Bytes {
  const zeros = (length: number): Bytes => new Uint8Array(length);
  const numbered = (i: number): Bytes => concat(epochBytes(i), zeros(28));
  const total = rows.reduce((sum, [count]) => sum + count, 0);
  const parts: Bytes[] = [varUint(total)];
  let i = 0;
  for (const [count, seq] of rows) {
    const end = concat(Uint8Array.of(0), varUint(seq), zeros(32));
    for (let k = 0; k < count; k++) parts.push(numbered(i++), end);
  }
  const granted = Array.from({ length: grants }, (_, at) => concat(numbered(at), zeros(1 + 32 + 48)));
  return concat(
    Uint8Array.of(1),
    epochBytes(epoch),
    previous,
    zeros(8 + 96 + 48),
    varUint(grants),
    ...granted,
    sized(concat(...parts)),
  );
}

/** What is news to a tab that knows some statements (ROST-21). */
export const newsVectors = () => {
  const one = (name: string, epoch: number, known: number, roster: string, news: boolean) => ({
    name,
    rules: ['ROST-21'],
    epoch,
    known,
    roster: sameAs(`rosters/${roster}`),
    news,
  });
  return [
    one('the first epoch', 0, 0, 'of the first', true),
    one('two epochs at once', 0, 0, 'of both', true),
    one('the next', 1, 1, 'of both', true),
    one('the same', 1, 1, 'of the first', false),
    one('less', 2, 2, 'of the first', false),
    one('another branch', 1, 1, 'another first', false),
    one('after another genesis statement', 0, 0, 'another beginning', false),
    one('nothing but a genesis statement', 0, 0, 'of none', false),
    one('not believed', 0, 0, 'a statement with one bit changed', false),
    { ...one('to who came by a link of epoch 2', 2, 0, 'of both', true), genesis: false },
    { ...one('what does not reach the epoch of the link', 2, 0, 'of the first', false), genesis: false },
  ];
};
