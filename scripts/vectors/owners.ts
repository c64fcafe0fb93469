/** Vectors of recovery codes, owners statements and rosters with them (ROST-30 to ROST-34). */
import { concat, fromHex, utf8, type Bytes } from '../../app/lib/core/bytes.ts';
import { encodeOwners, type OwnersFields } from '../../app/lib/core/owners-statement.ts';
import { formatRecoveryCode, parseRecoveryCode, rootKeyOf } from '../../app/lib/crypto/recovery-code.ts';
import { signingKeyPairFromSeed, type SigningKeyPair } from '../../app/lib/crypto/signatures.ts';
import { encodeFields } from '../../app/lib/log/roster-codec.ts';
import type { RosterProblem } from '../../app/lib/log/roster.ts';
import { hashOf, signedStatement, type EpochRoom } from './epoch-room.ts';
import { applied, changedFrom, type Part, type Pieces } from './pieces.ts';
import { FIRST_BYTES } from './roster-statements.ts';
import { rosterOf, varUint } from './rosters.ts';
import { bytesOf, hex, SEEDS } from './vector-room.ts';

/** Codes as they are typed, and what they stand for. */
export async function recoveryVectors({ room }: EpochRoom) {
  const secret = fromHex(SEEDS.recovery);
  const code = formatRecoveryCode(secret);
  const rules = ['ROST-33'];
  const root = hex((await rootKeyOf(secret, room.roomId)).publicKey);
  const bad = (name: string, typed: string) => {
    const read = parseRecoveryCode(typed);
    if (read.ok) throw new Error(`${name} is a code`);
    return { name, rules, code: typed, refused: read.error.kind };
  };
  const good = (name: string, typed: string) => ({ name, rules, code: typed, secret: hex(secret), root });
  return [
    good('of this room', code),
    good(
      'small and grouped anyhow',
      code
        .toLowerCase()
        .replaceAll('-', '')
        .replace(/(.{7})/g, ' $1 – '),
    ),
    good('with letters that look like digits', code.replaceAll('0', 'O').replaceAll('1', 'l')),
    bad('nothing', ' - '),
    bad('a letter too few', code.slice(0, -1)),
    bad('a letter too many', `${code}0`),
    bad('a letter that is in no code', code.replace(/^./, 'U')),
    bad(
      'a wrong letter',
      code.replace(/.$/, (last) => (last === '7' ? '8' : '7')),
    ),
    bad('two letters swapped', code.replace(/^(.)(.)/, '$2$1')),
  ];
}

/** The code is made in epoch 0; in epoch 1 Ben's device, of the secret 0f…, becomes the only owner. */
export async function ownersParts({ room, statements }: EpochRoom) {
  const root = await rootKeyOf(fromHex(SEEDS.recovery), room.roomId);
  const ben = await signingKeyPairFromSeed(fromHex(SEEDS.ownerDevice));
  const [begun] = statements;
  const sign = (by: SigningKeyPair, fields: OwnersFields) => signedStatement(by, encodeOwners(fields), LABEL);
  const first: OwnersFields = {
    index: 1,
    previous: hashOf(room.genesis.bytes),
    epoch: 0,
    newest: hashOf(room.genesis.bytes),
    time: 1_700_000_050_000,
    root: root.publicKey,
    owners: [room.owner.publicKey],
  };
  const firstBytes = await sign(room.owner, first);
  const second: OwnersFields = {
    ...first,
    index: 2,
    previous: hashOf(firstBytes),
    epoch: 1,
    newest: hashOf(begun.bytes),
    time: 1_700_000_150_000,
    owners: [ben.publicKey],
  };
  return { root, ben, first, firstBytes, second, secondBytes: await sign(root, second), sign };
}

const LABEL = utf8('codeface/owners/1\0');
const CODE = 'the code is made';
const ALONE = 'another device alone';
const CODE_BYTES = `ownersStatements/${CODE}`;
const ALONE_BYTES = `ownersStatements/${ALONE}`;

/** After the first epoch, each with the statements before it that are believed. */
export async function ownersVectors(epochs: EpochRoom) {
  const { room } = epochs;
  const { root, ben, first, firstBytes, second, secondBytes, sign } = await ownersParts(epochs);
  const weak = bytesOf(`01${'00'.repeat(31)}`);
  const good = (name: string, bytes: Bytes, after: number, fields: OwnersFields) => ({
    name,
    rules: ['ROST-30', 'ROST-31'],
    after,
    index: fields.index,
    epoch: fields.epoch,
    time: fields.time,
    root: hex(fields.root),
    owners: fields.owners.map(hex),
    bytes: hex(bytes) as Pieces,
  });
  const bad =
    (refused: RosterProblem['kind'], rule: string) =>
    (name: string, bytes: Bytes, after = 0) => ({
      name,
      rules: [rule],
      after,
      bytes: (after === 0
        ? changedFrom(CODE_BYTES, firstBytes, bytes)
        : changedFrom(ALONE_BYTES, secondBytes, bytes)) as Pieces,
      refused,
    });
  const [malformed, notNext, unsigned] = [
    bad('malformed', 'ROST-30'),
    bad('not-next', 'ROST-31'),
    bad('bad-signature', 'ROST-31'),
  ];
  const two = [room.owner.publicKey, ben.publicKey].sort((a, b) => (hex(a) < hex(b) ? -1 : 1));
  const [low = weak, high = weak] = two;
  const pair = (a: Bytes, b: Bytes): Bytes => {
    const body = encodeOwners({ ...first, owners: [low] });
    return concat(body.slice(0, -33), Uint8Array.of(2), a, b);
  };
  const owner = (changed: Partial<OwnersFields>) => sign(room.owner, { ...first, ...changed });
  return [
    good(CODE, firstBytes, 0, first),
    good(ALONE, secondBytes, 1, second),
    malformed(
      'another format',
      await signedStatement(room.owner, applied(encodeOwners(first), [[0, 1, bytesOf('02')]]), LABEL),
    ),
    malformed(
      'a time of 2^53',
      await signedStatement(
        room.owner,
        applied(encodeOwners(first), [[73, 81, bytesOf('0020000000000000')]]),
        LABEL,
      ),
    ),
    malformed(
      'no owner',
      await signedStatement(room.owner, concat(encodeOwners(first).slice(0, -33), Uint8Array.of(0)), LABEL),
    ),
    malformed('two owners the wrong way round', await signedStatement(room.owner, pair(high, low), LABEL)),
    malformed('an owner twice', await signedStatement(room.owner, pair(low, low), LABEL)),
    { ...malformed('an owner of order 1', await owner({ owners: [weak] })), rules: ['KEY-6', 'ROST-31'] },
    { ...malformed('a root of order 1', await owner({ root: weak })), rules: ['KEY-6', 'ROST-31'] },
    malformed('a byte behind the signature', concat(firstBytes, bytesOf('00'))),
    notNext('an index left out', await owner({ index: 2 })),
    notNext('after another genesis statement', await owner({ previous: hashOf(epochs.otherGenesis.bytes) })),
    notNext('of an epoch that is not known', await owner({ epoch: 3 })),
    notNext(
      'that names another beginning of its epoch',
      await owner({ newest: hashOf(epochs.otherGenesis.bytes) }),
    ),
    unsigned("with another's signature", await sign(ben, first)),
    unsigned('signed for another purpose', await signedStatement(room.owner, encodeOwners(first))),
    unsigned('signed by an owner that is not the root', await sign(room.owner, second), 1),
    unsigned(
      'with one bit changed',
      firstBytes.map((byte, i) => (i === 80 ? byte ^ 1 : byte)),
    ),
    unsigned('signed by the root before it', await sign(root, first)),
  ];
}

/** Rosters by which an epoch was signed by somebody who was an owner then, or was not (ROST-32, ROST-34). */
export async function ownedRosterVectors(epochs: EpochRoom) {
  const { room, statements } = epochs;
  const [begun, next] = statements;
  const { ben, first, firstBytes, secondBytes, sign, second, root } = await ownersParts(epochs);
  const part = (of: string, bytes: Bytes): Part => ({ bytes, piece: { of } });
  const like = (of: string, base: Bytes, bytes: Bytes): Part => ({
    bytes,
    piece: changedFrom(of, base, bytes),
  });
  const genesis = part('genesis/of this room', room.genesis.bytes);
  const one = part(FIRST_BYTES, begun.bytes);
  const byOwner = part('rosterStatements/of epoch 2', next.bytes);
  const byBen = like(
    'rosterStatements/of epoch 2',
    next.bytes,
    await signedStatement(ben, encodeFields(next)),
  );
  const code = part(CODE_BYTES, firstBytes);
  const alone = part(ALONE_BYTES, secondBytes);
  const early = like(
    ALONE_BYTES,
    secondBytes,
    await sign(root, { ...second, epoch: 0, newest: first.newest }),
  );
  const roster = (
    name: string,
    epochsIn: readonly Part[],
    owners: readonly Part[],
    rest: { refused: RosterProblem['kind'] } | { believed: number; owned: number },
    count: Bytes = varUint(owners.length),
  ) => ({
    name,
    rules: ['ROST-32', 'ROST-34'],
    bytes: [
      ...(rosterOf(genesis, epochsIn).pieces as readonly Exclude<Pieces, readonly unknown[]>[]),
      ...(owners.length > 0 || count.length > 1 ? [hex(count)] : []),
      ...owners.flatMap(({ bytes, piece }) => [hex(varUint(bytes.length)), piece]),
    ] as Pieces,
    ...rest,
  });
  return [
    roster('the code alone', [], [code], { believed: 0, owned: 1 }),
    roster('an owner left out after the first epoch', [one, byBen], [code, alone], { believed: 2, owned: 2 }),
    roster('the second epoch by who was left out', [one, byOwner], [code, alone], {
      refused: 'bad-signature',
    }),
    roster('the first epoch by who was left out', [one], [code, early], { refused: 'bad-signature' }),
    roster('owners of an epoch that is not there', [], [code, alone], { refused: 'not-next' }),
    roster('the second owners statement alone', [one], [alone], { refused: 'not-next' }),
    roster('a count longer than needed', [], [code], { refused: 'malformed' }, bytesOf('8100')),
    {
      ...roster('a count of none', [], [], { refused: 'malformed' }),
      bytes: [...(rosterOf(genesis, []).pieces as readonly string[]), '00'] as Pieces,
    },
  ];
}
