import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import * as Y from 'yjs';
import type { Bytes } from '../core/bytes.ts';
import type { SessionId } from '../core/ids.ts';
import { Forge, rawUpdate, testRoom, type RawStruct, type TestRoom } from '../log/test-room.ts';
import { inPlaceFolder } from './folder.ts';
import { Intake, type CheckpointVerdict } from './intake.ts';

let room: TestRoom;
beforeAll(async () => {
  room = await testRoom();
});

describe('SYNC-13: what of an answer the page takes itself', () => {
  it('a large batch of a few long texts is taken where it is', async () => {
    expect(await take(await twoLong())).toEqual({ entries: 2, folds: 0, length: 600_000 });
  });

  it('a batch with much to place is folded', async () => {
    const structs = Array.from({ length: 2000 }, () => ({}));
    expect(await take([...(await twoLong()), await chain([structs])])).toEqual({
      entries: 3,
      folds: 1,
      length: 602_000,
    });
  });

  it('a batch with many entries is folded', async () => {
    const entries = Array.from({ length: 200 }, () => [{}]);
    expect(await take([...(await twoLong()), await chain(entries)])).toEqual({
      entries: 202,
      folds: 1,
      length: 600_200,
    });
  });

  it('a batch that inflates to much is folded', async () => {
    const spaces = ' '.repeat(4 * 1024 * 1024);
    expect(await take([...(await twoLong()), await chain([[{ text: spaces }]])])).toMatchObject({
      entries: 3,
      folds: 1,
    });
  });

  it('what does not open, decode or read as an update is refused as ever', async () => {
    const [torn, noUpdate] = [(await long()).slice(0, -1), await signed([new Uint8Array()])];
    expect(await take([torn, noUpdate, await long()])).toEqual({ entries: 1, folds: 0, length: 300_000 });
  });
});

describe('CHECK-4: a checkpoint, shown', () => {
  const shown = (state = 'shown'): Parameters<Intake['show']>[0] => {
    const doc = new Y.Doc();
    doc.getText('files').insert(0, state);
    const hash = new Uint8Array(32);
    const frontier = [{ session: 'ab'.repeat(32) as SessionId, channel: 'project' as const, seq: 1, hash }];
    return { state: Y.encodeStateAsUpdate(doc) as Bytes, frontier };
  };

  it('is not, where something of the project was taken into the doc before; it is, where that is folded aside', async () => {
    const light = intakeOf();
    await light.intake.take({ segments: [await chain([[{}]])], heavy: false, persist: true });
    expect([await light.intake.show(shown()), light.doc.getText('files').length]).toEqual([false, 1]);
    const heavy = intakeOf();
    await heavy.intake.take({ segments: [await chain([[{}]])], heavy: true, persist: true });
    expect([await heavy.intake.show(shown()), heavy.doc.getText('files').length]).toEqual([true, 6]);
    expect(await heavy.intake.show(shown('again'))).toBe(false);
  });

  it('CHECK-7: is true also where the page places what waited there, and the worker had not seen', async () => {
    const session = await room.newSession();
    const forge = new Forge(room, session);
    const state = new Y.Doc();
    for (const clock of [0, 1]) {
      const update = rawUpdate(session.clientId, clock, [{}]);
      forge.add(update);
      Y.applyUpdate(state, update);
    }
    const [first, second] = [await forge.segment(1, 1), await forge.segment(2, 2)];
    const { intake, verdicts } = intakeOf();
    // What they say in the chat brings their certificate.
    const talk = await new Forge(room, session, 'talk').add(new Uint8Array([1])).segment(1, 1);
    await intake.take({ segments: [talk, second], heavy: false, persist: true });
    const log = room.newLog();
    for (const segment of [first, second]) await log.receive(segment);
    const frontier = log.frontier();
    expect(await intake.show({ state: Y.encodeStateAsUpdate(state) as Bytes, frontier })).toBe(true);
    await intake.take({ segments: [first], heavy: false, persist: true });
    expect(verdicts).toEqual(['true']);
  });
});

/** Takes the segments as one part of an answer. `length`: of the text that came of it. */
async function take(segments: readonly Bytes[]) {
  const { intake, doc, folds } = intakeOf();
  const { entries } = await intake.take({ segments, heavy: false, persist: true });
  return { entries, folds: folds(), length: doc.getText('files').length };
}

function intakeOf() {
  const { keys } = room;
  const doc = new Y.Doc();
  let folds = 0;
  const verdicts: CheckpointVerdict[] = [];
  const folder = inPlaceFolder();
  const intake = new Intake({
    foldStart: () => ({
      roomId: keys.roomId,
      seed: { kind: 'e', bytes: keys.seeds.e ?? keys.seeds.v, epoch: 0 },
      genesis: room.genesis.bytes,
      statements: [],
      pastSeeds: [],
    }),
    log: room.newLog(),
    doc,
    folder: {
      ...folder,
      fold(sealed) {
        folds++;
        return folder.fold(sealed);
      },
    },
    onMessages: () => undefined,
    onForks: () => undefined,
    onProved: (verdict) => verdicts.push(verdict),
    keep: () => undefined,
    onError: (what, error) => {
      throw new Error(what, { cause: error });
    },
  });
  onTestFinished(() => intake.dispose());
  return { intake, doc, verdicts, folds: () => folds };
}

/** Above 256 KiB. */
const twoLong = async (): Promise<Bytes[]> => [await long(), await long()];

/** A text that stays above half of that however it is deflated. */
const long = (): Promise<Bytes> => chain([[{ text: randomBytes(225_000).toString('base64') }]]);

/** One entry for each list of structs, of a session of its own, as one segment. */
async function chain(entries: readonly (readonly RawStruct[])[]): Promise<Bytes> {
  let clock = 0;
  return signed((client) =>
    entries.map((structs) => {
      const update = rawUpdate(client, clock, structs);
      clock += structs.reduce((sum, { text = 'x' }) => sum + text.length, 0);
      return update;
    }),
  );
}

async function signed(payloads: readonly Bytes[] | ((client: number) => readonly Bytes[])): Promise<Bytes> {
  const session = await room.newSession();
  const forge = new Forge(room, session);
  for (const payload of typeof payloads === 'function' ? payloads(session.clientId) : payloads)
    forge.add(payload);
  return forge.segment(1, forge.entries.length);
}
