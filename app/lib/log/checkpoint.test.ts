/** CHECK-1, CHECK-2: checkpoints as bytes, by the app and by a second implementation that shares nothing with it. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it, test } from 'vitest';
import * as Y from 'yjs';
import { bytesIn, hex, label, publicOf, roomId, seeds, vectors, verify } from '../../testing/by-hand.ts';
import { readRows } from '../../testing/roster-by-hand.ts';
import { refusalOf, refuse, Strict } from '../../testing/strict-by-hand.ts';
import { deviceKeyPairFromSeed } from '../crypto/device-keys.ts';
import { randomBytes, type Bytes } from '../core/bytes.ts';
import type { RoomId } from '../core/ids.ts';
import { Project } from '../document/project.ts';
import { unprovedSession } from '../../testing/former-sessions.ts';
import { issueSession, type OwnSession } from './certificate.ts';
import { makeCheckpoint, MAX_CHECKPOINT_BYTES, readCheckpoint, type Checkpoint } from './checkpoint.ts';
import { decodeGenesis, type Genesis } from './genesis.ts';
import { testRoom, type TestRoom } from './test-room.ts';

const own = (bytes: Buffer): Bytes => Uint8Array.from(bytes);

describe.each(vectors.checkpoints)('CHECK-1, CHECK-2 $name', (vector) => {
  const bytes = bytesIn(vector.bytes);
  const refused = 'refused' in vector ? vector.refused : undefined;

  test('by the app', async () => {
    const genesis = await decodeGenesis(own(hex(vectors.genesis[0]?.hex ?? '')), roomId as RoomId);
    if (!genesis.ok) throw new Error(genesis.error.kind);
    const read = await readCheckpoint(own(bytes), genesis.value);
    if (!('rows' in vector)) return expect(read).toMatchObject({ ok: false, error: { code: refused } });
    if (!read.ok) throw new Error(read.error.code);
    const { time, frontier, state, signer } = read.value;
    expect([time, frontier.length, signer.role]).toEqual([vector.time, vector.rows, 'editor']);
    expect(textOf(state)).toBe(vector.text);
  });

  test('by hand', () => {
    expect(refusalOf(() => readByHand(bytes))).toBe(refused);
    if (!('rows' in vector)) return;
    const read = readByHand(bytes);
    expect([read.time, read.rows]).toEqual([vector.time, vector.rows]);
    expect(read.state.includes(Buffer.from(vector.text ?? '-'))).toBe(true);
  });
});

describe('a checkpoint from anywhere', () => {
  let room: TestRoom;
  let session: OwnSession;
  let good: Bytes;
  beforeAll(async () => {
    room = await testRoom();
    session = await issueSession(room.keys, await deviceKeyPairFromSeed(randomBytes(32)));
    good = (await makeCheckpoint(session, moment())) ?? new Uint8Array();
  });
  const moment = (state: Bytes = new Uint8Array([0, 0])): Omit<Checkpoint, 'signer'> => ({
    time: 1,
    frontier: [{ session: session.id, channel: 'project', seq: 3, hash: new Uint8Array(32) }],
    state,
  });
  const codeOf = async (bytes: Bytes, genesis: Genesis = room.genesis): Promise<string> => {
    const read = await readCheckpoint(bytes, genesis);
    return read.ok ? 'read' : read.error.code;
  };

  it('CHECK-2: with any bit of it turned is refused', async () => {
    expect(await codeOf(good)).toBe('read');
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length * 8 - 1), async (bit) => {
        const turned = good.slice();
        turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(await codeOf(turned)).not.toBe('read');
      }),
      { numRuns: 300 },
    );
  });

  it('CHECK-2: of 5,000 that are cut, filled up or made up none is read, and none breaks the reader', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 2000 }),
          fc.nat(good.length - 1).map((length) => good.slice(0, length)),
          fc.uint8Array({ minLength: 1, maxLength: 40 }).map((more) => Uint8Array.from([...good, ...more])),
        ),
        async (bytes) => {
          expect(await codeOf(Uint8Array.from(bytes))).not.toBe('read');
        },
      ),
      { numRuns: 5000 },
    );
  });

  it('CHECK-2: of another room, of an unproved device: refused as its certificate is', async () => {
    const elsewhere = await testRoom();
    expect(await codeOf(good, elsewhere.genesis)).toBe('wrong-room');
    const former = await unprovedSession(room.keys, randomBytes(32));
    const made = await makeCheckpoint(former, moment());
    expect(await codeOf(made ?? new Uint8Array())).toBe('unproved-device');
  });

  it('CHECK-1: is not made where it is larger than it may be', async () => {
    const room = MAX_CHECKPOINT_BYTES - good.length;
    expect((await makeCheckpoint(session, moment(new Uint8Array(room - 1))))?.length).toBeLessThanOrEqual(
      MAX_CHECKPOINT_BYTES,
    );
    expect(await makeCheckpoint(session, moment(new Uint8Array(room + 2)))).toBeUndefined();
  });
});

/** The one text of a project. */
function textOf(state: Bytes): string {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, state);
  const project = new Project(doc);
  return String(project.list().flatMap(({ id }) => project.text(id) ?? [])[0]);
}

/** CHECK-1 and CHECK-2 by themselves: of a certificate (CERT-1) only what is needed here. */
function readByHand(bytes: Buffer) {
  const fault = 'malformed-checkpoint';
  const input = new Strict(bytes, fault);
  if (input.u8() !== 1) refuse(fault);
  const time = input.u64();
  const certificate = input.sized();
  const rows = readRows(input.sized());
  const state = input.sized();
  const signed = bytes.subarray(0, input.at);
  const signature = input.take(64);
  input.end();
  if (rows.length === 0 || rows.some(({ channel }) => channel !== 'project')) refuse(fault);
  // format ‖ roomId[52] ‖ epoch u32 ‖ role u8 ‖ session[32]
  if (certificate[57] !== 2) refuse('role-may-not-sign');
  const session = certificate.subarray(58, 90);
  expect([publicOf('70', hex(seeds.sessions.ann))]).toContainEqual(session);
  if (!verify(session, signature, label('checkpoint'), signed)) refuse('bad-signature');
  return { time, rows: rows.length, state };
}
