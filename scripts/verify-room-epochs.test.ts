/** The verdict on room files of rooms whose owner has changed who is in them. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { toHex, type Bytes } from '../app/lib/core/bytes.ts';
import { formatLink, type RoomLink } from '../app/lib/crypto/links.ts';
import { roomFileSegments } from '../app/lib/log/room-file.ts';
import { exportRoom } from '../app/lib/workspace/export-room.ts';
import { EpochRoom, Person } from '../app/testing/epoch-room.ts';
import { until } from '../app/testing/replicas.ts';
import { noVerdictWords, verdictLines } from './verify-room-words.ts';
import { verdictOf } from './verify-room-verdict.ts';

let ann: Person;
let ben: Person;
let old: RoomLink;
beforeEach(async () => {
  const room = await EpochRoom.make();
  [ann, ben] = [await Person.of(room), await Person.of(room)];
  await ann.store.saveFacts({ genesis: room.genesis });
  await Promise.all([ann.open(), ben.open()]);
  ann.write('in epoch 0');
  await until('ben to have it', () => ben.read() === 'in epoch 0');
  old = ann.link;
  await ann.begin([{ device: ben.device.deviceId, role: 'commenter' }]);
  ann.write(', in epoch 1');
});
afterEach(async () => {
  await Promise.all([ann.close(), ben.close()]);
});

async function file(): Promise<Blob> {
  if (ann.replica === undefined) throw new Error('not open');
  await ann.replica.settled();
  return exportRoom(ann.link.roomId, ann.replica);
}

test('ROOM-10 says who could write in each epoch, to whom the owner gave it, and who wrote in which', async () => {
  const found = await verdictOf(await file(), formatLink(ann.link));
  if (!found.ok) throw new Error(noVerdictWords(found.error));
  const verdict = found.value;
  expect(verdict).toMatchObject({ verified: true, stateHash: ann.hash(), leftOut: [], repeated: 0 });
  const [statement] = verdict.statements;
  expect(verdict.statements).toHaveLength(1);
  expect(verdict.sessions.map(({ epoch, role, issuer }) => [epoch, role, issuer])).toEqual([
    [0, 'editor', 'edit link'],
    [1, 'editor', 'edit link'],
  ]);
  const words = verdictLines(verdict).join('\n');
  const time = new Date(statement?.time ?? 0).toISOString();
  for (const said of [
    `epoch 0, from the beginning until ${time}`,
    `epoch 1, from ${time} until now`,
    `editor: 1 (${ann.device.deviceId.slice(0, 16)}…)`,
    `commenter: 1 (${ben.device.deviceId.slice(0, 16)}…)`,
    'in epoch 0: 1',
    'in epoch 1: 1',
  ])
    expect(words).toContain(said);
  expect(words).toMatch(/\nVERIFIED: [^\n]*$/);
});

test('ROOM-10 names a flip in any byte of the statements, and a link of another epoch', async () => {
  const whole = await file();
  const bytes: Bytes = new Uint8Array(await whole.arrayBuffer());
  const link = formatLink(ann.link);
  for await (const { offset, sealed } of roomFileSegments(whole)) {
    for (let at = offset - 4; at < offset + sealed.length; at += 5) {
      const flipped = bytes.slice();
      flipped[at] = (flipped[at] ?? 0) ^ 2;
      const found = await verdictOf(new Blob([flipped]), link);
      expect(found.ok, `byte ${at}`).toBe(false);
      if (!found.ok) expect(noVerdictWords(found.error)).toMatch(/the file is (damaged|truncated)/);
    }
    const flipped = bytes.slice();
    flipped[offset + 60] = (flipped[offset + 60] ?? 0) ^ 2;
    const found = await verdictOf(new Blob([flipped]), link);
    if (found.ok) throw new Error('believed');
    expect(noVerdictWords(found.error)).toContain(`(record 0, byte ${offset})`);
    break;
  }
  const older = await verdictOf(whole, formatLink(old));
  expect(!older.ok && noVerdictWords(older.error)).toContain(
    'newer keys, of epoch 1; the link is of epoch 0',
  );
});

test('ROOM-10, ROOM-9 says who could change the room and when, also in a room that never had new keys', async () => {
  const code = await ann.makeCode();
  expect(await ben.recover('', { how: 'only' })).toEqual({ kind: 'empty' });
  expect(await ann.recover(code, { how: 'only' })).toBeUndefined();
  const found = await verdictOf(await file(), formatLink(ann.link));
  if (!found.ok) throw new Error(noVerdictWords(found.error));
  expect(found.value).toMatchObject({ verified: true, leftOut: [] });
  const [made, only] = found.value.owners;
  const words = verdictLines(found.value).join('\n');
  const [at, then] = [made, only].map((one) => new Date(one?.time ?? 0).toISOString());
  for (const said of [
    `from the beginning until ${at}: the key ${toHex(found.value.genesis.ownerPublicKey)}`,
    `from ${at}, in epoch 1, until ${then}: the key ${toHex(found.value.genesis.ownerPublicKey)}`,
    `from ${then}, in epoch 1, until now: the key ${toHex(ann.ownKey?.publicKey ?? new Uint8Array())}`,
    `the recovery code with the key ${toHex(made?.root ?? new Uint8Array())}`,
  ])
    expect(words).toContain(said);

  const room = await EpochRoom.make();
  await ann.close();
  ann = await Person.of(room);
  await ann.store.saveFacts({ genesis: room.genesis });
  await ann.open();
  ann.write('never another epoch');
  await ann.makeCode();
  const plain = await verdictOf(await file(), formatLink(ann.link));
  expect(
    plain.ok && [plain.value.verified, plain.value.owners.length, plain.value.statements.length],
  ).toEqual([true, 1, 0]);
});
