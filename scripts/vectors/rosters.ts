/** Vectors of rosters, and of what is news in them (ROST-6, ROST-21). */
import { concat, fromHex, utf8, type Bytes } from '../../app/lib/core/bytes.ts';
import { roomIdOf } from '../../app/lib/crypto/room-keys.ts';
import { signingKeyPairFromSeed } from '../../app/lib/crypto/signatures.ts';
import type { GenesisProblem } from '../../app/lib/log/genesis.ts';
import type { RosterProblem } from '../../app/lib/log/roster.ts';
import { hashOf, signedStatement, withFields, type EpochRoom } from './epoch-room.ts';
import { applied, changedFrom, sameAs, type Part, type Pieces } from './pieces.ts';
import { bytesOf, hex } from './vector-room.ts';

import { FIRST_BYTES, SECOND_BYTES } from './roster-statements.ts';
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

/** lib0's varUint. */
export const varUint = (value: number): Bytes =>
  value < 128
    ? Uint8Array.of(value)
    : concat(Uint8Array.of(128 + (value % 128)), varUint(Math.floor(value / 128)));

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
  const rival = await withFields(epochs, first, { time });
  return {
    genesis: of(GENESIS, room.genesis.bytes),
    first: of(FIRST_BYTES, first.bytes),
    second: of(SECOND_BYTES, second.bytes),
    like,
    genesisLike,
    otherGenesis: genesisLike(otherGenesis.bytes),
    branch: like(await withFields(epochs, first, { previous: hashOf(otherGenesis.bytes), time })),
    rival: like(rival),
    next: from(SECOND_BYTES, second.bytes, await withFields(epochs, second, { previous: hashOf(rival) })),
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
    good('another first, and on', 2, genesis, [rival, parts.next]),
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
    one('another branch, longer', 1, 1, 'another first, and on', false),
    one('after another genesis statement', 0, 0, 'another beginning', false),
    one('nothing but a genesis statement', 0, 0, 'of none', false),
    one('not believed', 0, 0, 'a statement with one bit changed', false),
    { ...one('to who came by a link of epoch 2', 2, 0, 'of both', true), genesis: false },
    { ...one('what does not reach the epoch of the link', 2, 0, 'of the first', false), genesis: false },
  ];
};
