/** Statements from anybody: only the owner's, and only what goes on from what is known (ROST-21). */
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { randomBytes, type Bytes } from '../core/bytes.ts';
import { deriveRoomKeys, type RoomKeys } from '../crypto/room-keys.ts';
import { generateSigningKeyPair, sign, type SigningKeyPair } from '../crypto/signatures.ts';
import { makeGenesis } from '../log/genesis.ts';
import { makeOwnersStatement } from '../log/new-owners.ts';
import { makeStatement } from '../log/new-statement.ts';
import { RoomLog } from '../log/room-log.ts';
import { bytesOf, encodeRoster, type Roster, type RosterStatement } from '../log/roster.ts';
import { testRoom, type TestRoom } from '../log/test-room.ts';
import { RosterNews } from './roster-news.ts';

let room: TestRoom;
/** Two statements after each other, and another branch of them. */
let one: Roster, two: Roster, other: Roster, longerOther: Roster;
let keysOfOne: RoomKeys;

async function next(
  { genesis, statements, owners }: Roster,
  former: RoomKeys,
  owner: SigningKeyPair = room.owner,
): Promise<{ roster: Roster; keys: RoomKeys }> {
  const keys = await deriveRoomKeys('e', randomBytes(32), statements.length + 1, genesis.roomId);
  const statement: RosterStatement = await makeStatement({
    owner: { sign: (message) => sign(owner.privateKey, message) },
    genesis,
    before: statements,
    owners,
    keys,
    former,
    closed: [],
    members: [],
    time: 1,
  });
  return { roster: { genesis, statements: [...statements, statement], owners }, keys };
}

beforeAll(async () => {
  room = await testRoom();
  const start = { genesis: room.genesis, statements: [], owners: [] };
  ({ roster: one, keys: keysOfOne } = await next(start, room.keys));
  ({ roster: two } = await next(one, keysOfOne));
  const branch = await next(start, room.keys);
  other = branch.roster;
  ({ roster: longerOther } = await next(other, branch.keys));
});

const wire = (roster: Roster): Bytes => encodeRoster(bytesOf(roster));

function listen(known: readonly RosterStatement[] = []): { news: RosterNews; told: Bytes[] } {
  const told: Bytes[] = [];
  const keys = known.length === 0 ? room.keys : keysOfOne;
  const log = new RoomLog({ roomId: room.keys.roomId, keys, genesis: room.genesis, statements: known });
  return { news: new RosterNews(log, keys, { onNews: (roster) => told.push(wire(roster)) }), told };
}

test('ROST-21 what goes on from what is known is news, once; the same, less or another branch is not', async () => {
  const { news, told } = listen();
  for (const roster of [one, one, two, one, two, other]) await news.heard(wire(roster));
  expect(told).toEqual([wire(one), wire(two)]);
  const later = listen(one.statements);
  for (const roster of [one, other, longerOther, { ...one, statements: [] }, two])
    await later.news.heard(wire(roster));
  expect(later.told).toEqual([wire(two)]);
});

test('ROST-21 an editor can’t make one, and another room’s says nothing here', async () => {
  const { news, told } = listen();
  const strangers = await testRoom();
  const theirs = await next(
    { genesis: strangers.genesis, statements: [], owners: [] },
    strangers.keys,
    strangers.owner,
  );
  await news.heard(wire(theirs.roster));
  const [first] = one.statements;
  if (first === undefined) throw new Error('no statement');
  const forged = first.bytes.slice();
  forged.set(await sign(strangers.owner.privateKey, forged.subarray(0, -64)), forged.length - 64);
  await news.heard(encodeRoster({ genesis: room.genesis.bytes, statements: [forged] }));
  expect(told).toEqual([]);
});

test('ROST-21, ROST-35 a room that its owner begins a second time is not followed: the first genesis statement known stays', async () => {
  const seed = randomBytes(32);
  const again = await deriveRoomKeys('e', seed, 0, room.keys.roomId);
  const genesis = await makeGenesis(room.owner, again);
  const { roster } = await next({ genesis, statements: [], owners: [] }, again);
  const { news, told } = listen();
  await news.heard(wire(roster));
  expect(told).toEqual([]);
  await news.heard(wire(one));
  expect(told).toEqual([wire(one)]);
});

test('ROST-21 to who came by a link of a later epoch, what does not reach it is no news', async () => {
  const told: Bytes[] = [];
  const keys = await deriveRoomKeys('v', randomBytes(32), 2, room.keys.roomId);
  const news = new RosterNews(new RoomLog({ roomId: keys.roomId, keys }), keys, {
    onNews: (roster) => told.push(wire(roster)),
  });
  for (const roster of [one, other, two]) await news.heard(wire(roster));
  expect(told).toEqual([wire(two)]);
});

test('ROST-20 [seed 3401, 300 runs] changed or random bytes are no news and never throw', async () => {
  const { news, told } = listen();
  const whole = wire(two);
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array({ maxLength: 400 }),
        fc.record({ at: fc.nat(whole.length - 1), by: fc.integer({ min: 1, max: 255 }) }),
        fc.nat(whole.length - 1),
      ),
      async (bytes) => {
        const changed =
          typeof bytes === 'number'
            ? whole.slice(0, bytes)
            : bytes instanceof Uint8Array
              ? Uint8Array.from(bytes)
              : whole.map((byte, i) => (i === bytes.at ? byte ^ bytes.by : byte));
        await news.heard(changed);
      },
    ),
    { seed: 3401, numRuns: 300 },
  );
  expect(told).toEqual([]);
  await news.heard(whole);
  expect(told).toEqual([whole]);
});

test('ROST-35 [seed 3501, 60 runs] what does not contradict each other comes together, in any order and any parts of it', async () => {
  const [code, ann] = [await generateSigningKeyPair(), await generateSigningKeyPair()];
  const own = async (roster: Roster, root: SigningKeyPair, owners: readonly SigningKeyPair[]) => {
    const made = await makeOwnersStatement({
      root: { sign: (message) => sign(root.privateKey, message) },
      roster,
      nextRoot: code.publicKey,
      owners: owners.map(({ publicKey }) => publicKey),
      time: 2,
    });
    if (!made.ok) throw new Error(made.error.kind);
    return { ...roster, owners: [...roster.owners, made.value] };
  };
  const start = { genesis: room.genesis, statements: [], owners: [] };
  const coded = await own(start, room.owner, [room.owner]);
  const added = await own(coded, code, [room.owner, ann]);
  const first = await next(added, room.keys);
  const alone = await own(first.roster, code, [ann]);
  const { roster: whole } = await next(alone, first.keys, ann);
  const parts = [start, coded, added, first.roster, alone, whole].flatMap((roster) => [
    wire(roster),
    wire({ ...roster, statements: [] }),
    wire({ ...roster, owners: [] }),
  ]);
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray(parts),
      fc.shuffledSubarray(parts, { minLength: parts.length }),
      async (some, all) => {
        let [epochs, owners, branches, told] = [0, 0, 0, 0];
        const { keys } = room;
        const log = new RoomLog({ roomId: keys.roomId, keys, genesis: room.genesis });
        const news = new RosterNews(log, keys, {
          onNews: (roster) => void ([epochs, owners] = [roster.statements.length, roster.owners.length]),
          onSameKeys: (roster) => void (told++, (owners = roster.owners.length)),
          onBranch: () => void branches++,
        });
        // At one time, as from many links; then from whoever is met later.
        await Promise.all(some.map((part) => news.heard(part)));
        for (const part of [...all, wire(whole)]) await news.heard(part);
        expect([epochs, owners, branches]).toEqual([2, 3, 0]);
        // What is told is told on to all who are here: never the same again.
        expect(told).toBeLessThanOrEqual(3);
      },
    ),
    { seed: 3501, numRuns: 60 },
  );
});
