/** What every ArchiveServer does with a room's checkpoint: the acceptance suite beside archive-contract.ts. */
import { sha256 } from '@noble/hashes/sha2.js';
import { describe, expect, it } from 'vitest';
import { ARCHIVE_CHECKPOINT_BYTES } from '../lib/core/archive-wire.ts';
import { randomBytes, type Bytes } from '../lib/core/bytes.ts';
import { archiveKeys, deriveRoomKeys, type ArchiveKeys } from '../lib/crypto/room-keys.ts';
import { deletionOf, registrationOf, supersedingOf } from '../lib/sync/archive/registration.ts';
import { must, noises, refusal, roomIn, type OpenArchive } from './archive-contract.ts';

const NONE = new Uint8Array();
/** What a segment of 40 bytes counts, and a checkpoint of 90. */
const SEGMENT_COST = 40 + 256;
const CHECKPOINT_COST = 90 + 256;

/** A room with four segments of 40 bytes and, after them, a checkpoint of 90. */
async function roomWithCheckpoint(open: OpenArchive) {
  const made = await roomIn(open);
  const { server, statement } = made;
  const { instance } = must(await server.register(await statement(1)));
  const segments = noises(4);
  must(await server.append(segments));
  const [checkpoint = NONE] = noises(1, 90);
  must(await server.keepCheckpoint(checkpoint));
  return { ...made, instance, segments, checkpoint };
}

export function checkpointContract(name: string, open: OpenArchive): void {
  describe(`${name} and a room’s checkpoint`, () => {
    it('ARCH-30, ARCH-31: is none before one comes, then the last that came, byte for byte', async () => {
      const { server, statement } = await roomIn(open);
      must(await server.register(await statement(1)));
      must(await server.append(noises(3)));
      expect(must(await server.checkpoint())).toEqual(NONE);
      const history = 3 * SEGMENT_COST;
      expect(must(await server.checkpointed())).toEqual({ length: 0, history, covered: 0 });
      const [first, second, third] = [randomBytes(1), randomBytes(65_000), randomBytes(500)];
      for (const one of [first, second, third]) {
        const said = must(await server.keepCheckpoint(one));
        expect(said).toEqual({ length: one.length, history, covered: history });
        expect(must(await server.checkpoint())).toEqual(one);
      }
      // The same once more is no fault.
      expect(must(await server.keepCheckpoint(third))).toEqual(must(await server.checkpointed()));
      expect(must(await server.checkpoint())).toEqual(third);
    });

    it('ARCH-30: counts once, by its length and 256 bytes, and is no segment', async () => {
      const { server, segments } = await roomWithCheckpoint(open);
      const history = 4 * SEGMENT_COST;
      const status = { segments: 4, cursor: 4, bytes: history + CHECKPOINT_COST };
      expect(must(await server.status())).toMatchObject(status);
      must(await server.keepCheckpoint(randomBytes(90)));
      expect(must(await server.status())).toMatchObject(status);
      must(await server.keepCheckpoint(randomBytes(10)));
      expect(must(await server.status())).toMatchObject({ ...status, bytes: history + 10 + 256 });
      expect(must(await server.page(0)).segments).toEqual(segments);
      expect(must(await server.livePage(0)).segments).toEqual(segments);
      expect(must(await server.append(noises(1)))).toMatchObject({ bytes: 5 * SEGMENT_COST + 10 + 256 });
    });

    it('ARCH-31: says what there was when it came, and how much there is now', async () => {
      const { server } = await roomWithCheckpoint(open);
      const covered = 4 * SEGMENT_COST;
      must(await server.append(noises(2)));
      expect(must(await server.checkpointed())).toEqual({ length: 90, history: 6 * SEGMENT_COST, covered });
      expect(must(await server.keepCheckpoint(randomBytes(5)))).toMatchObject({ covered: 6 * SEGMENT_COST });
    });

    it('ARCH-31: where others are superseded it covers what is left, and not more when they come back', async () => {
      const { server, owner, room, instance, segments } = await roomWithCheckpoint(open);
      const [by = NONE, ...names] = segments.map((one) => sha256(one) as Bytes);
      must(await server.supersede(await supersedingOf(owner, room.genesis, 1, instance, [{ by, names }])));
      const left = { length: 90, history: SEGMENT_COST, covered: SEGMENT_COST };
      expect(must(await server.checkpointed())).toEqual(left);
      must(await server.append(noises(1)));
      expect(must(await server.checkpointed())).toEqual({ ...left, history: 2 * SEGMENT_COST });
    });

    it('ARCH-30: is one record of 1 byte to 4 MiB; what is refused changes nothing', async () => {
      const { server, checkpoint } = await roomWithCheckpoint(open);
      expect(await server.keepCheckpoint(NONE)).toMatchObject(refusal('malformed'));
      const most = new Uint8Array(ARCHIVE_CHECKPOINT_BYTES + 1).fill(7);
      expect(await server.keepCheckpoint(most)).toMatchObject(refusal('too-large'));
      expect(must(await server.checkpoint())).toEqual(checkpoint);
      must(await server.keepCheckpoint(most.subarray(1)));
      expect(must(await server.checkpoint())).toHaveLength(ARCHIVE_CHECKPOINT_BYTES);
    });

    it('ARCH-30, ARCH-31: comes with the edit key alone, and is read with the read key', async () => {
      const { keys, checkpoint, server } = await roomWithCheckpoint(open);
      const { read, edit, comment } = archiveKeys(keys) as Required<ArchiveKeys>;
      const other = randomBytes(32);
      const [mine] = noises(1);
      for (const not of [comment, read, other]) {
        const as = open(keys.roomId, { read, edit: not });
        expect(await as.keepCheckpoint(mine ?? NONE)).toMatchObject(refusal('wrong-key'));
      }
      expect(await open(keys.roomId, { read, comment }).keepCheckpoint(NONE)).toEqual(refusal('no-key'));
      for (const not of [edit, comment, other]) {
        const as = open(keys.roomId, { read: not, edit });
        expect(await as.checkpoint()).toMatchObject(refusal('wrong-key'));
        expect(await as.checkpointed()).toMatchObject(refusal('wrong-key'));
      }
      expect(must(await server.checkpoint())).toEqual(checkpoint);
      const { server: nowhere } = await roomIn(open);
      for (const answer of [
        await nowhere.checkpoint(),
        await nowhere.checkpointed(),
        await nowhere.keepCheckpoint(randomBytes(9)),
      ])
        expect(answer).toMatchObject(refusal('unknown-room'));
    });

    it('ARCH-32: new keys end it; the same keys, registered again, do not', async () => {
      const { keys, room, owner, server, statement, checkpoint } = await roomWithCheckpoint(open);
      must(await server.register(await statement(2)));
      expect(must(await server.checkpoint())).toEqual(checkpoint);
      const next = await deriveRoomKeys('e', randomBytes(32), 1, keys.roomId);
      const registration = await registrationOf(owner, next, room.genesis, 3);
      const bytes = 4 * SEGMENT_COST;
      expect(must(await server.register(registration))).toMatchObject({ epoch: 1, bytes });
      expect(await server.keepCheckpoint(checkpoint)).toMatchObject(refusal('wrong-key'));
      const again = open(keys.roomId, archiveKeys(next));
      expect(must(await again.checkpoint())).toEqual(NONE);
      expect(must(await again.checkpointed())).toEqual({ length: 0, history: bytes, covered: 0 });
      must(await again.keepCheckpoint(checkpoint));
      must(await again.register(registration));
      expect(must(await again.checkpoint())).toEqual(checkpoint);
    });

    it('ARCH-32, ARCH-12: is forgotten with the room, and counted in what was', async () => {
      const { owner, room, server, instance, statement } = await roomWithCheckpoint(open);
      const deleted = must(await server.delete(await deletionOf(owner, room.genesis, 2, instance)));
      expect(deleted).toMatchObject({ segments: 4, bytes: 4 * 40 + 90 });
      expect(await server.checkpoint()).toMatchObject(refusal('unknown-room'));
      expect(must(await server.register(await statement(3)))).toMatchObject({ segments: 0, bytes: 0 });
      expect(must(await server.checkpoint())).toEqual(NONE);
      expect(must(await server.checkpointed())).toEqual({ length: 0, history: 0, covered: 0 });
    });
  });
}
