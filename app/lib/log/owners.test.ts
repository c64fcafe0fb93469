/** Owners statements: what is believed of them, whose signatures then count for epochs, and attacks on both (ROST-30 to ROST-34). */
import { sha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { concat, fromHex, randomBytes, type Bytes } from '../core/bytes.ts';
import {
  compareBytes,
  decodeOwners,
  encodeOwners,
  ownersMessage,
  type OwnersFields,
} from '../core/owners-statement.ts';
import { deriveRoomKeys, type RoomKeys } from '../crypto/room-keys.ts';
import { generateSigningKeyPair, sign, type SigningKeyPair } from '../crypto/signatures.ts';
import { makeOwnersStatement } from './new-owners.ts';
import { makeStatement } from './new-statement.ts';
import { decodeOwnersStatement, isOwner, ownershipOf, type OwnersStatement } from './owners.ts';
import { believe, bytesOf, decodeRoster, encodeRoster, upTo, type Roster } from './roster.ts';
import { testRoom, type TestRoom } from './test-room.ts';

let room: TestRoom;
let code: SigningKeyPair, ann: SigningKeyPair, ben: SigningKeyPair;
/** Nothing after the genesis statement; the code made, Ann's device added. */
let start: Roster, coded: Roster, added: Roster;

const signer = ({ privateKey }: SigningKeyPair) => ({ sign: (message: Bytes) => sign(privateKey, message) });
const last = (roster: Roster): OwnersStatement => {
  const statement = roster.owners.at(-1);
  if (statement === undefined) throw new Error('no owners statement');
  return statement;
};
async function own(
  roster: Roster,
  root: SigningKeyPair,
  owners: readonly SigningKeyPair[],
  nextRoot = root,
): Promise<Roster> {
  const keys = owners.map(({ publicKey }) => publicKey);
  const made = await makeOwnersStatement({
    root: signer(root),
    roster,
    nextRoot: nextRoot.publicKey,
    owners: keys,
    time: 5,
  });
  if (!made.ok) throw new Error(made.error.kind);
  return { ...roster, owners: [...roster.owners, made.value] };
}
/** The roster with one more epoch, signed by that key whether it may or not. */
async function epochBy(
  by: SigningKeyPair,
  roster: Roster,
  former: RoomKeys = room.keys,
): Promise<{
  bytes: { statements: readonly Bytes[]; owners: readonly Bytes[] };
  keys: RoomKeys;
  roster: () => Roster;
}> {
  const keys = await deriveRoomKeys('e', randomBytes(32), roster.statements.length + 1, room.keys.roomId);
  let body: Bytes = new Uint8Array();
  // What an owner makes, with another's signature in its place.
  const statement = await makeStatement({
    owner: { sign: (message) => ((body = message), sign(room.owner.privateKey, message)) },
    genesis: roster.genesis,
    before: roster.statements,
    keys,
    former,
    closed: [],
    members: [],
    time: 6,
  });
  const bytes = statement.bytes.slice();
  bytes.set(await sign(by.privateKey, body), bytes.length - 64);
  const before = bytesOf(roster);
  return {
    bytes: { statements: [...before.statements, bytes], owners: before.owners },
    keys,
    roster: () => ({ ...roster, statements: [...roster.statements, { ...statement, bytes }] }),
  };
}
/** A statement of these fields that some key signs. */
async function signed(by: SigningKeyPair, fields: OwnersFields): Promise<Bytes> {
  const body = encodeOwners(fields);
  return concat(body, await sign(by.privateKey, ownersMessage(body)));
}
const whyNot = async (bytes: Bytes, roster: Roster): Promise<string> => {
  const read = await decodeOwnersStatement(bytes, roster.genesis, roster.statements, roster.owners);
  return read.ok ? 'believed' : read.error.kind;
};

beforeAll(async () => {
  room = await testRoom();
  [code, ann, ben] = await Promise.all([
    generateSigningKeyPair(),
    generateSigningKeyPair(),
    generateSigningKeyPair(),
  ]);
  start = { genesis: room.genesis, statements: [], owners: [] };
  coded = await own(start, room.owner, [room.owner], code);
  added = await own(coded, code, [room.owner, ann]);
});

describe('who owns the room', () => {
  test('ROST-32 at first who made it; then whom the newest statement names, for the epochs above it', async () => {
    expect(ownershipOf(room.genesis, []).root).toEqual(room.owner.publicKey);
    expect(ownershipOf(room.genesis, coded.owners).root).toEqual(code.publicKey);
    const one = (await epochBy(room.owner, coded)).roster();
    const only = await own(one, code, [ann]);
    const before = ownershipOf(room.genesis, only.owners, 1);
    expect([isOwner(before, room.owner.publicKey), isOwner(before, ann.publicKey)]).toEqual([true, false]);
    const after = ownershipOf(room.genesis, only.owners, 2);
    expect([isOwner(after, room.owner.publicKey), isOwner(after, ann.publicKey)]).toEqual([false, true]);
    expect(upTo(0, only).owners).toHaveLength(1);
  });

  test('ROST-32 an epoch is signed by any of its owners, and by nobody else', async () => {
    for (const [by, roster, fault] of [
      [room.owner, start, undefined],
      [room.owner, added, undefined],
      [ann, added, undefined],
      // The root signs no epochs, a stranger none, and a device that was left out none any more.
      [code, added, 'bad-signature'],
      [ben, added, 'bad-signature'],
      [room.owner, await own(coded, code, [ann]), 'bad-signature'],
    ] as const) {
      const { bytes } = await epochBy(by, roster);
      expect((await believe(room.genesis, bytes)).fault?.kind).toBe(fault);
    }
  });

  test('ROST-32 a device that is left out goes on owning what it signed before, and nothing after', async () => {
    const first = await epochBy(room.owner, coded);
    const only = await own(first.roster(), code, [ann]);
    const by = async (who: SigningKeyPair) => {
      const { bytes } = await epochBy(who, only, first.keys);
      return (await believe(room.genesis, bytes)).fault?.kind;
    };
    expect([await by(room.owner), await by(ann)]).toEqual(['bad-signature', undefined]);
  });
});

describe('what is believed of a statement', () => {
  const fieldsOf = (roster: Roster, changed: Partial<OwnersFields> = {}): OwnersFields => ({
    index: roster.owners.length + 1,
    previous: sha256(roster.owners.at(-1)?.bytes ?? roster.genesis.bytes),
    epoch: roster.statements.length,
    newest: sha256(roster.statements.at(-1)?.bytes ?? roster.genesis.bytes),
    time: 7,
    root: code.publicKey,
    owners: [ann.publicKey],
    ...changed,
  });

  test('ROST-31 only the root in force signs it: no owner, no root that was replaced', async () => {
    expect(await whyNot(await signed(code, fieldsOf(added)), added)).toBe('believed');
    for (const by of [ann, room.owner, ben])
      expect(await whyNot(await signed(by, fieldsOf(added)), added)).toBe('bad-signature');
    const handedOver = await own(added, code, [ben], ben);
    expect(await whyNot(await signed(code, fieldsOf(handedOver)), handedOver)).toBe('bad-signature');
    expect(await whyNot(await signed(ben, fieldsOf(handedOver)), handedOver)).toBe('believed');
  });

  test('ROST-31 it goes on from the one before it, in this room and epoch', async () => {
    const other = await testRoom();
    const one = (await epochBy(room.owner, added)).roster();
    for (const [changed, roster] of [
      [{ index: 1 }, added],
      [{ index: 4 }, added],
      [{ previous: sha256(room.genesis.bytes) }, added],
      [{ previous: sha256(last(added).bytes.slice(0, -64)) }, added],
      [{ newest: sha256(other.genesis.bytes) }, added],
      [{ epoch: 1 }, added],
      [{ epoch: 2 }, one],
      [{ newest: sha256(room.genesis.bytes) }, one],
    ] as const)
      expect(await whyNot(await signed(code, fieldsOf(roster, changed)), roster)).toBe('not-next');
    // Of an epoch below the statement before it: it would count for epochs that others signed.
    const later = await own(one, code, [ann]);
    const back = fieldsOf(later, { epoch: 0, newest: sha256(room.genesis.bytes) });
    expect(await whyNot(await signed(code, back), later)).toBe('not-next');
    // Said again in another room that has the same owner and code.
    const elsewhere = { ...start, genesis: { ...other.genesis, ownerPublicKey: room.owner.publicKey } };
    expect(await whyNot(last(coded).bytes, elsewhere)).toBe('not-next');
    expect(await whyNot(last(coded).bytes, start)).toBe('believed');
  });

  test('ROST-30, KEY-6 owners are ascending, each once, 1 to 8, and no key is weak', async () => {
    const pairs = await Promise.all(Array.from({ length: 9 }, generateSigningKeyPair));
    const keys = pairs.map(({ publicKey }) => publicKey).sort(compareBytes);
    const sign9 = async (owners: readonly Bytes[], rest: Partial<OwnersFields> = {}): Promise<Bytes> => {
      // Past what the encoder writes, too.
      const whole = encodeOwners(fieldsOf(coded, { ...rest, owners: keys.slice(0, 1) }));
      const body = concat(whole.slice(0, -33), Uint8Array.of(owners.length), ...owners);
      return concat(body, await sign(code.privateKey, ownersMessage(body)));
    };
    const [a, b] = keys as [Bytes, Bytes];
    expect(await whyNot(await sign9([a, b]), coded)).toBe('believed');
    expect(await whyNot(await sign9(keys.slice(0, 8)), coded)).toBe('believed');
    for (const owners of [[], keys, [b, a], [a, a]])
      expect(await whyNot(await sign9(owners), coded)).toBe('malformed');
    for (const weak of [
      `01${'00'.repeat(31)}`,
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
      'ff'.repeat(32),
    ].map(fromHex)) {
      expect(await whyNot(await sign9([weak]), coded)).toBe('malformed');
      expect(await whyNot(await sign9([a], { root: weak }), coded)).toBe('malformed');
    }
    const whole = await sign9([a]);
    for (const bytes of [
      whole.slice(0, -1),
      concat(whole, Uint8Array.of(0)),
      concat(Uint8Array.of(2), whole.slice(1)),
      new Uint8Array(435),
    ])
      expect(await whyNot(bytes, coded)).toBe('malformed');
  });

  test('ROST-34 a 65th statement is refused, and not made', async () => {
    let roster = start;
    for (let i = 0; i < 64; i++) roster = await own(roster, i === 0 ? room.owner : code, [ann], code);
    expect(await decodeRoster(encodeRoster(bytesOf(roster)), room.keys.roomId)).toMatchObject({ ok: true });
    expect(await whyNot(await signed(code, fieldsOf(roster)), roster)).toBe('malformed');
    const options = {
      root: signer(code),
      roster,
      nextRoot: code.publicKey,
      owners: [ann.publicKey],
      time: 1,
    };
    expect(await makeOwnersStatement(options)).toEqual({ ok: false, error: { kind: 'no-more-changes' } });
  });

  test('ROST-30 more than eight owners are not made, and one that is named twice counts once', async () => {
    const pairs = await Promise.all(Array.from({ length: 9 }, generateSigningKeyPair));
    const owners = pairs.map(({ publicKey }) => publicKey);
    const options = { root: signer(code), roster: coded, nextRoot: code.publicKey, time: 1 };
    expect(await makeOwnersStatement({ ...options, owners })).toEqual({
      ok: false,
      error: { kind: 'too-many-owners' },
    });
    const [a = ann.publicKey] = owners;
    const twice = await makeOwnersStatement({ ...options, owners: [a, ann.publicKey, a] });
    expect(twice.ok && twice.value.owners).toHaveLength(2);
  });
});

describe('a roster with owners statements', () => {
  test('ROST-34 reads back, and is the roster of before where there are none', async () => {
    const { bytes } = await epochBy(ann, added);
    const wire = encodeRoster({ genesis: room.genesis.bytes, ...bytes });
    const read = await decodeRoster(wire, room.keys.roomId);
    expect(read.ok && bytesOf(read.value)).toEqual({ genesis: room.genesis.bytes, ...bytes });
    const plain = encodeRoster(bytesOf(start));
    expect(await decodeRoster(concat(plain, Uint8Array.of(0)), room.keys.roomId)).toEqual({
      ok: false,
      error: { kind: 'malformed' },
    });
  });

  test('ROST-34 one fault in it, wherever, and nothing of it is believed', async () => {
    const { bytes } = await epochBy(ann, added);
    const why = async (parts: typeof bytes): Promise<string> => {
      const read = await decodeRoster(
        encodeRoster({ genesis: room.genesis.bytes, ...parts }),
        room.keys.roomId,
      );
      return read.ok ? 'believed' : read.error.kind;
    };
    expect(await why(bytes)).toBe('believed');
    expect(await why({ ...bytes, owners: bytes.owners.slice(0, 1) })).toBe('bad-signature');
    expect(await why({ ...bytes, owners: bytes.owners.slice(1) })).toBe('not-next');
    expect(await why({ ...bytes, owners: bytes.owners.toReversed() })).toBe('not-next');
    // A statement that names an epoch which is not there.
    const later = await own((await epochBy(room.owner, coded)).roster(), code, [ann]);
    expect(await why({ ...bytesOf(later), statements: [] })).toBe('not-next');
    const tooMany = Array.from({ length: 65 }, () => last(coded).bytes);
    expect(() => encodeRoster({ genesis: room.genesis.bytes, statements: [], owners: tooMany })).toThrow(
      RangeError,
    );
  });

  test('ROST-30, ROST-34 [seed 3401, 400 runs] changed or random bytes are refused or the same, and never throw', async () => {
    const wire = encodeRoster(bytesOf(added));
    const statement = last(added).bytes;
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 500 }),
          fc.record({ at: fc.nat(wire.length - 1), by: fc.integer({ min: 1, max: 255 }) }),
          fc.nat(wire.length - 1),
        ),
        async (change) => {
          const apply = (whole: Bytes): Bytes =>
            typeof change === 'number'
              ? whole.slice(0, change % whole.length)
              : change instanceof Uint8Array
                ? Uint8Array.from(change)
                : whole.map((byte, i) => (i === change.at % whole.length ? byte ^ change.by : byte));
          const read = decodeOwners(apply(statement));
          if (read.ok) {
            const { signature, ...fields } = read.value;
            expect(concat(encodeOwners(fields), signature)).toEqual(apply(statement));
          }
          expect((await decodeRoster(apply(wire), room.keys.roomId)).ok).toBe(false);
        },
      ),
      { seed: 3401, numRuns: 400 },
    );
  });
});
