/** Vectors of statements: what is believed, and each reason for which one is not (ROST-1, ROST-2). */
import { concat, fromHex, utf8, type Bytes } from '../../app/lib/core/bytes.ts';
import type { DeviceId } from '../../app/lib/core/ids.ts';
import { signingKeyPairFromSeed } from '../../app/lib/crypto/signatures.ts';
import type { StatementFields } from '../../app/lib/log/roster-codec.ts';
import type { RosterProblem } from '../../app/lib/log/roster.ts';
import { hashOf, signedStatement, withFields, type EpochRoom } from './epoch-room.ts';
import { applied, changedFrom, sameAs, type Pieces } from './pieces.ts';
import { bytesOf, hex } from './vector-room.ts';

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
export const FIRST_BYTES = `rosterStatements/${FIRST}`;
export const SECOND_BYTES = `rosterStatements/${SECOND}`;

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
