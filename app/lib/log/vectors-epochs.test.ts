/** The part of docs/vectors.json that epochs brought, as the app sees it. epochs-by-hand.test.ts asks another implementation. */
import { beforeAll, describe, expect, test, vi } from 'vitest';
import {
  decodeAppended,
  decodeBatch,
  decodeDeleted,
  decodePage,
  decodeStatusOrAbsence,
} from '../core/archive-wire.ts';
import { decodeDeletion, decodeRegistration } from '../core/archive-statement.ts';
import { decodeRevert, decodeSuperseded, decodeSuperseding } from '../core/archive-superseding.ts';
import { concat, fromHex, toHex, type Bytes } from '../core/bytes.ts';
import type { PeerId, RoomId } from '../core/ids.ts';
import { deviceIdOf, deviceKeyPairFromSeed, isStrongDeviceKey } from '../crypto/device-keys.ts';
import { archiveKeys, deriveRoomKeys, roomIdOf, type RoomKeys, type SeedKind } from '../crypto/room-keys.ts';
import { signingKeyPairFromSeed, verifySignature } from '../crypto/signatures.ts';
import { Doors } from '../sync/doors.ts';
import { readFrame } from '../sync/frames.ts';
import { RosterNews } from '../sync/roster-news.ts';
import type { Transport, TransportEvents, TransportRoom } from '../sync/transport.ts';
import { bytesIn, bytesNamed, vectors, type Written } from '../../testing/by-hand.ts';
import { statementsOf, writeRoster } from '../../testing/roster-by-hand.ts';
import { decodeGenesis, namesInvites, type Genesis, type GenesisProblem } from './genesis.ts';
import { rosterOfFile, type FileRosterProblem } from './room-file-roster.ts';
import { checkRoomFile, encodeRoomFile, roomFileSegments, type RoomFileProblem } from './room-file.ts';
import { RoomLog } from './room-log.ts';
import { encodeFields, readStatement } from './roster-codec.ts';
import {
  decodeRoster,
  decodeStatement,
  encodeRoster,
  formerReadSeed,
  grantFor,
  type RosterProblem,
  type RosterStatement,
} from './roster.ts';
import { openSealed, type SealProblem } from './seal.ts';
import { sealBody } from '../../../scripts/vectors/vector-room.ts';

vi.setConfig({ testTimeout: 30_000 });

const roomId = vectors.room.id;
const { seeds } = vectors;
const own = (written: Written): Bytes => Uint8Array.from(bytesIn(written));

let genesis: Genesis;
/** Of epochs 0 to 2. */
let keys: RoomKeys[];
let statements: RosterStatement[];
beforeAll(async () => {
  const read = await decodeGenesis(fromHex(vectors.genesis[0]?.hex ?? ''), roomId);
  if (!read.ok) throw new Error(read.error.kind);
  genesis = read.value;
  keys = [];
  const past: RoomKeys[] = [];
  for (const [epoch, seed] of [seeds.edit, ...seeds.epochs.map(({ edit }) => edit)].entries()) {
    const ofEpoch = await deriveRoomKeys('e', fromHex(seed), epoch, roomId);
    keys.push({ ...ofEpoch, past: [...past] });
    past.push(await deriveRoomKeys('v', ofEpoch.seeds.v, epoch, roomId));
  }
  statements = [];
  for (const { bytes } of vectors.rosterStatements.slice(0, 2)) {
    const next = await decodeStatement(own(bytes), genesis, statements);
    if (!next.ok) throw new Error(next.error.kind);
    statements.push(next.value);
  }
});
const keysOf = (epoch: number): RoomKeys => {
  const found = keys[epoch];
  if (!found) throw new Error(`no epoch ${epoch}`);
  return found;
};

/** That every reason is shown by some vector, and no other. */
function expectEach(
  shown: readonly { readonly refused?: string }[],
  reasons: Readonly<Record<string, true>>,
) {
  const told = shown.flatMap(({ refused }) => refused ?? []);
  expect([...new Set(told)].sort()).toEqual(Object.keys(reasons).sort());
}

describe('statements', () => {
  test.each(vectors.epochKeys)('ROST-1, KEY-5, ARCH-1 the keys of epoch $epoch', ({ epoch, ...given }) => {
    const { seeds: own, topic, ...rest } = keysOf(epoch);
    const { read, edit, comment } = archiveKeys({ seeds: own, topic, ...rest });
    const told = (bytes: Bytes | undefined) => toHex(bytes ?? new Uint8Array());
    expect(given).toMatchObject({
      comment: told(own.c),
      read: told(own.v),
      topic: told(topic.publicKey),
      archive: { read: told(read), edit: told(edit), comment: told(comment) },
    });
    expect(namesInvites(statements[epoch - 1] ?? genesis, keysOf(epoch))).toBe(true);
  });

  test.each(vectors.rosterStatements)(
    'ROST-1, ROST-2 a statement $name: $refused',
    async ({ bytes, after = [], made, refused }) => {
      const before = statements.slice(0, after.length);
      const read = await decodeStatement(own(bytes), genesis, before);
      if (refused) return expect(read).toEqual({ ok: false, error: { kind: refused } });
      if (!read.ok || !made) throw new Error('not believed');
      const { epoch, time, grants, closed } = read.value;
      expect({ epoch, time, closed: closed.map((row) => ({ ...row, hash: toHex(row.hash) })) }).toEqual({
        epoch: made.epoch,
        time: made.time,
        closed: made.closed,
      });
      expect(grants.map(({ role }) => role)).toEqual(made.members.map(({ role }) => role));
    },
  );

  test('ROST-1 what is read has one form only', () => {
    for (const { bytes } of vectors.rosterStatements) {
      const read = readStatement(own(bytes));
      if (read.ok) expect(concat(encodeFields(read.value), read.value.signature)).toEqual(own(bytes));
    }
  });

  test.each(vectors.deviceKeys)('ROST-3 a device key: $name', ({ hex, granted }) => {
    expect(isStrongDeviceKey(fromHex(hex))).toBe(granted);
  });

  test.each(vectors.grants)('ROST-3, ROST-5 a grant: $name', async ({ statement, device, ...vector }) => {
    const read = await decodeStatement(own(statement), genesis, []);
    if (!read.ok) throw new Error(read.error.kind);
    const of = (who: keyof typeof seeds.devices) => deviceKeyPairFromSeed(fromHex(seeds.devices[who]));
    const deviceId = deviceIdOf((await of(device)).publicKey);
    const { privateKey } = await of(vector.privateKeyOf ?? device);
    const given = await grantFor(read.value, { deviceId, privateKey });
    if (!('opens' in vector) || !vector.opens) return expect(given).toBeUndefined();
    const { kind, seed, used } = vector.opens;
    expect(given).toEqual({ kind, seed: fromHex(seed) });
    const theirs = await deriveRoomKeys(kind as SeedKind, fromHex(seed), 1, roomId);
    expect(namesInvites(read.value, theirs)).toBe(used);
  });

  test.each(vectors.formerSeeds)('ROST-4, ROST-5 the former seed: $name', async (vector) => {
    const { epoch, read: seed } = vector.reader;
    const before = statements.slice(0, epoch - 1);
    const after = readStatement(own(vector.statement));
    if (!after.ok) throw new Error(after.error);
    const holder = await deriveRoomKeys('v', fromHex(seed), epoch, roomId);
    const former = await formerReadSeed({ roomId, ...after.value, bytes: own(vector.statement) }, holder);
    if (!('opens' in vector) || !vector.opens) return expect(former).toBeUndefined();
    expect(former && toHex(former)).toBe(vector.opens.seed);
    const theirs = await deriveRoomKeys('v', former ?? fromHex(seed), epoch - 1, roomId);
    expect(namesInvites(before.at(-1) ?? genesis, theirs)).toBe(vector.opens.used);
  });
});

describe('rosters', () => {
  test.each(vectors.rosters)('ROST-6, GEN-2 a roster: $name, $refused', async (vector) => {
    const { bytes, room = roomId, believed, refused } = vector;
    const read = await decodeRoster(own(bytes), room as RoomId);
    if (refused) return expect(read).toEqual({ ok: false, error: { kind: refused } });
    if (!read.ok) throw new Error(read.error.kind);
    expect(read.value.statements).toHaveLength(believed ?? -1);
    const again = {
      genesis: read.value.genesis.bytes,
      statements: read.value.statements.map((one) => one.bytes),
    };
    expect(encodeRoster(again)).toEqual(own(bytes));
  });

  test.each(vectors.rosterCaps)('ROST-1, ROST-6 $name: $refused', async (vector) => {
    const made = statementsOf(vector);
    const bytes = Uint8Array.from(writeRoster(Buffer.from(genesis.bytes), made));
    const read = await decodeRoster(bytes, roomId);
    expect(bytes).toHaveLength(vector.rosterBytes);
    if (!vector.refused) return expect(read.ok && read.value.statements).toHaveLength(made.length);
    expect(read).toEqual({ ok: false, error: { kind: vector.refused } });
    const before = writeRoster(Buffer.from(genesis.bytes), made.slice(0, -1));
    const believed = await decodeRoster(Uint8Array.from(before), roomId);
    if (!believed.ok) throw new Error(believed.error.kind);
    const next = await decodeStatement(
      Uint8Array.from(made.at(-1) ?? before),
      genesis,
      believed.value.statements,
    );
    expect(next).toEqual({ ok: false, error: { kind: vector.refused } });
  });

  test.each(vectors.rosterNews)('ROST-21 $name: $news', async (vector) => {
    const told: unknown[] = [];
    const log = new RoomLog({
      roomId,
      keys: keysOf(vector.epoch),
      statements: statements.slice(0, vector.known),
      ...('genesis' in vector ? {} : { genesis }),
    });
    const news = new RosterNews(log, keysOf(vector.epoch), { onNews: (roster) => told.push(roster) });
    await news.heard(own(vector.roster));
    expect(told).toHaveLength(vector.news ? 1 : 0);
  });
});

describe('what of a former epoch is part of the room', () => {
  const all = [...vectors.segments, ...vectors.epochSegments];
  const ids: Record<string, string> = {};
  beforeAll(async () => {
    for (const [who, seed] of Object.entries({ ...seeds.sessions, ...seeds.laterSessions }))
      ids[who] = toHex((await signingKeyPairFromSeed(fromHex(seed))).publicKey);
  });

  test.each(vectors.epochSteps)('ROST-10, ROST-11 $name', async ({ epoch, steps }) => {
    const log = new RoomLog({ roomId, keys: keysOf(epoch), genesis, statements: statements.slice(0, epoch) });
    for (const { receive, accepted = [], held, refused } of steps) {
      const found = all.find(({ name }) => name === receive);
      if (!found) throw new Error(`no segment ${receive}`);
      const heldBefore = log.heldBytes;
      const receipt = await log.receive(fromHex(found.sealed));
      expect(receipt.refused?.code, receive).toBe(refused);
      const told = receipt.accepted.map(({ session, channel, entries }) => ({
        by: session.id,
        channel,
        seqs: entries.map(({ seq }) => seq),
      }));
      const named = accepted.map(({ by, ...rest }) => ({ by: ids[by], ...rest }));
      expect(told, receive).toEqual(named);
      if (held) expect(log.heldBytes, receive).toBeGreaterThan(heldBefore);
    }
  });
});

describe('on the way', () => {
  test.each(vectors.rosterRecords)(
    'SEAL-1, SEAL-2, ROST-20 a sealed roster $name: $refused',
    async (vector) => {
      const { epoch, bytes, plain, refused } = vector;
      const opened = await openSealed(keysOf(epoch), 'roster', own(bytes));
      if (refused) return expect(opened).toMatchObject({ ok: false, error: { kind: refused } });
      expect(opened).toEqual({ ok: true, value: own(plain ?? '') });
    },
  );

  test.each(vectors.rosterFrames)('ROST-20, SYNC-1 a ROSTER frame: $name', async (vector) => {
    const frame = readFrame(own(vector.bytes));
    const refused = 'refused' in vector ? vector.refused : undefined;
    if (!frame.ok) return expect(frame.error.kind).toBe(refused);
    expect(frame.value.kind).toBe('roster');
    const opened = await openSealed(keysOf(vector.epoch), 'roster', frame.value.body);
    if (!opened.ok) return expect(opened.error.kind).toBe(refused);
    expect(refused).toBeUndefined();
    expect(await decodeRoster(opened.value, roomId)).toMatchObject({ ok: true });
  });

  test.each(vectors.doors)('ROST-22 doors: $name', async (vector) => {
    const joined: TransportRoom[] = [];
    const sent: { link: string; frame: Bytes }[] = [];
    let events: TransportEvents | undefined;
    const transport: Transport = {
      id: 'relay',
      connect: (room, theirs) => {
        joined.push(room);
        events = theirs;
        return {
          status: { kind: 'up' },
          links: () => [],
          send: (link, frame) => sent.push({ link, frame }),
          broadcast: (frame) => sent.push({ link: 'all', frame }),
          queuedBytes: () => 0,
          drained: async () => undefined,
          close: async () => undefined,
        };
      },
    };
    const former =
      'topics' in vector && vector.topics
        ? await Promise.all(
            vector.topics.map((_, epoch) => deriveRoomKeys('v', keysOf(0).seeds.v, epoch, roomId)),
          )
        : [keysOf(vector.epoch)];
    const roster = Uint8Array.from(bytesNamed('rosters/of the first'));
    const errors: unknown[] = [];
    const doors = new Doors(former, {
      roomId,
      self: 'ab'.repeat(16) as PeerId,
      transports: [transport],
      roster: () => roster,
      onError: (what) => errors.push(what),
    });
    const topics = joined.map(({ topic }) => toHex(topic));
    if ('joined' in vector && vector.joined) expect(topics.toSorted()).toEqual(vector.joined.toSorted());
    const answered: string[] = [];
    for (const { received, link, ...frame } of 'frames' in vector ? (vector.frames ?? []) : []) {
      events?.onFrame(String(link), own(received));
      if (!('answer' in frame) || !frame.answer) continue;
      answered.push(String(link));
      // Whoever got an answer before would have had it by now.
      await vi.waitFor(() => expect(sent.map((one) => one.link)).toContain(String(link)));
      const answer = sent.at(-1)?.frame ?? roster;
      expect(answer[0]).toBe(bytesIn(frame.answer)[0]);
      const opened = await openSealed(keysOf(0), 'roster', answer.subarray(1));
      expect(opened).toEqual(await openSealed(keysOf(0), 'roster', own(frame.answer).subarray(1)));
      expect(opened.ok).toBe(true);
    }
    expect(sent.map(({ link }) => link)).toEqual(answered);
    expect(errors).toEqual([]);
    await doors.close();
  });
});

describe('room files', () => {
  test.each(vectors.roomFiles)('ROOM-1, ROOM-4, ROOM-9 a file $name: $refused', async (vector) => {
    const checked = await checkRoomFile(new Blob([own(vector.bytes)]));
    if (vector.refused) return expect(checked).toMatchObject({ ok: false, error: { kind: vector.refused } });
    expect(checked).toMatchObject({ ok: true, value: { segments: vector.whole?.records } });
    const file = new Blob([own(vector.bytes)]);
    const { epoch = 0 } = vector.whole ?? {};
    expect(await rosterOfFile(file, genesis, keysOf(epoch))).toMatchObject({ ok: true });
    const records: Bytes[] = [];
    for await (const { sealed } of roomFileSegments(file)) records.push(sealed);
    expect(await fileOf(records)).toEqual(own(vector.bytes));
  });

  async function fileOf(records: readonly Bytes[]): Promise<Bytes> {
    const parts: Bytes[] = [];
    const batches = (async function* () {
      yield records;
    })();
    for await (const part of encodeRoomFile({ roomId, genesis: genesis.bytes }, batches)) parts.push(part);
    return concat(...parts);
  }

  test.each(vectors.filedRosters)('ROOM-9 the roster of a file: $name', async (vector) => {
    const { record, roster, epoch = 0, link, believed, refused, why } = vector;
    const first = roster
      ? await sealBody(keysOf(epoch), 'roster', own(roster), 'plain')
      : record && own(record);
    const ann = Uint8Array.from(bytesNamed('segments/ann-1'));
    const file = new Blob([await fileOf(first ? [first, ann] : [ann])]);
    expect((await checkRoomFile(file)).ok).toBe(true);
    const read = await rosterOfFile(file, genesis, keysOf(link));
    if (refused)
      return expect(read).toMatchObject({ ok: false, error: { kind: refused, ...(why && { why }) } });
    expect(read.ok && read.value.statements.map((one) => one.bytes)).toEqual(
      statements.slice(0, believed).map((one) => one.bytes),
    );
  });
});

describe('the archive', () => {
  const plain = (value: object) =>
    Object.fromEntries(
      Object.entries(value).map(([name, field]: [string, unknown]) => [
        name,
        field instanceof Uint8Array ? toHex(field) : Array.isArray(field) ? field.length : field,
      ]),
    );
  test.each(vectors.archive)(
    'ARCH-4 to ARCH-12, ARCH-20, ARCH-24, ARCH-26, ARCH-27 $name: $refused',
    async (vector) => {
      const { type, value, believed, refused } = vector;
      const bytes = own(vector.bytes);
      const decoders = {
        registration: decodeRegistration,
        deletion: decodeDeletion,
        batch: decodeBatch,
        appended: decodeAppended,
        page: decodePage,
        status: decodeStatusOrAbsence,
        deleted: decodeDeleted,
        superseding: decodeSuperseding,
        revert: decodeRevert,
        superseded: decodeSuperseded,
      };
      const read = decoders[type](bytes);
      if (refused) return expect(read).toEqual({ ok: false, error: { kind: refused } });
      if (!read.ok) throw new Error(read.error.kind);
      if (typeof read.value === 'string') return expect({ absence: read.value }).toEqual(value);
      if (Array.isArray(read.value)) return expect({ segments: read.value.length }).toEqual(value);
      if (!('statement' in read.value)) return expect(plain(read.value)).toEqual(value);
      const { statement, message, signature } = read.value;
      if (value) expect(plain(statement)).toMatchObject(value);
      const { ownerPublicKey } = statement;
      const proven = await verifySignature(ownerPublicKey, signature, message);
      expect(proven && roomIdOf(ownerPublicKey) === roomId).toBe(believed);
    },
  );

  test('ARCH-1, ARCH-4, ARCH-19 a registration names the keys of its epoch, and the genesis statement', async () => {
    const read = decodeRegistration(Uint8Array.from(bytesNamed('archive/a registration of epoch 1')));
    if (!read.ok) throw new Error(read.error.kind);
    const opened = await openSealed(keysOf(1), 'genesis', read.value.statement.blob);
    expect(opened).toEqual({ ok: true, value: genesis.bytes });
  });
});

test('each reason for which these are refused has a vector, or a word why it has none', () => {
  const statement = {
    malformed: true,
    'not-next': true,
    'bad-signature': true,
  } satisfies Record<RosterProblem['kind'], true>;
  expectEach(vectors.rosterStatements, statement);
  const begun = { malformed: true, 'wrong-room': true, 'bad-signature': true } satisfies Record<
    GenesisProblem['kind'],
    true
  >;
  expectEach(vectors.rosters, { ...statement, ...begun });
  const sealed = {
    'too-large': true,
    'malformed-sealed': true,
    'unknown-format': true,
    'wrong-kind': true,
    'wrong-epoch': true,
    'not-ours': true,
  } satisfies Record<SealProblem['kind'], true>;
  expectEach(vectors.rosterRecords, sealed);
  const file = {
    'not-a-room-file': true,
    'other-version': true,
    'too-large': true,
    truncated: true,
    damaged: true,
    unreadable: true,
  } satisfies Record<RoomFileProblem['kind'], true>;
  const { noFileFor } = vectors;
  const unshown = (of: object) => Object.keys(of).map((refused) => ({ refused }));
  expectEach([...vectors.roomFiles, ...unshown(noFileFor.file)], file);
  const filed = { 'newer-keys': true, 'older-keys': true, 'bad-roster': true } satisfies Record<
    FileRosterProblem['kind'],
    true
  >;
  expectEach(vectors.filedRosters, filed);
  const whys = vectors.filedRosters.map(({ why }) => ({ ...(why && { refused: why }) }));
  expectEach([...whys, ...unshown(noFileFor.roster)], {
    ...sealed,
    ...statement,
    ...begun,
    'another-genesis': true,
    'another-epoch': true,
  });
  for (const type of ['registration', 'batch', 'page', 'status', 'superseding'] as const)
    expectEach(
      vectors.archive.filter((one) => one.type === type),
      { malformed: true, 'too-large': true },
    );
  for (const type of ['deletion', 'appended', 'deleted', 'revert', 'superseded'] as const)
    expectEach(
      vectors.archive.filter((one) => one.type === type),
      { malformed: true },
    );
});
