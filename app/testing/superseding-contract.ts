/** What every ArchiveServer does with statements about single segments: the acceptance suite beside archive-contract.ts. */
import { sha256 } from '@noble/hashes/sha2.js';
import { describe, expect, it } from 'vitest';
import {
  ARCHIVE_SUPERSEDE_NAMES,
  encodeSuperseding,
  revertMessage,
  type SupersedingGroup,
} from '../lib/core/archive-superseding.ts';
import { ARCHIVE_SUPERSEDED_MS } from '../lib/core/archive-wire.ts';
import { randomBytes, type Bytes } from '../lib/core/bytes.ts';
import { archiveKeys } from '../lib/crypto/room-keys.ts';
import { sign } from '../lib/crypto/signatures.ts';
import { deletionOf, registrationOf, revertOf, supersedingOf } from '../lib/sync/archive/registration.ts';
import {
  must,
  newPair,
  noises,
  ownerOf,
  refusal,
  roomIn,
  roomOwned,
  type OpenArchive,
} from './archive-contract.ts';
import { makeRoom } from './replicas.ts';

/** Lets so many days go by for that archive, and whatever it does by itself be done. */
export type PassDays = (days: number) => Promise<void>;

const nameOf = (segment: Bytes): Bytes => sha256(segment);
const group = (by: Bytes, of: readonly Bytes[]): SupersedingGroup => ({
  by: nameOf(by),
  names: of.map(nameOf),
});

/** A room with six segments of 40 bytes, the last two of which hold what the first four do, as their owner says. */
async function filledRoom(open: OpenArchive) {
  const made = await roomIn(open);
  const { server, owner, room, statement } = made;
  const { instance } = must(await server.register(await statement(1)));
  const segments = noises(6);
  must(await server.append(segments));
  const [a, b, c, d, ab, cd] = segments as [Bytes, Bytes, Bytes, Bytes, Bytes, Bytes];
  const supersede = async (counter: number, groups: readonly SupersedingGroup[], of = instance) =>
    server.supersede(await supersedingOf(owner, room.genesis, counter, of, groups));
  const revert = async (counter: number, of = instance) =>
    server.revert(await revertOf(owner, room.genesis, counter, of));
  const kept = async () => must(await server.page(0)).segments;
  const live = async () => must(await server.livePage(0)).segments;
  /** Whatever was refused: all six count, and nothing waits. */
  const isUntouched = async () => {
    expect(await live()).toEqual(segments);
    expect(must(await server.superseded())).toMatchObject({ segments: 0, bytes: 0, goesAt: 0 });
    expect(must(await server.status())).toMatchObject({ segments: 6, bytes: 6 * (40 + 256) });
  };
  return { ...made, instance, segments, a, b, c, d, ab, cd, supersede, revert, kept, live, isUntouched };
}

export function supersedingContract(name: string, open: OpenArchive, pass: PassDays): void {
  describe(`${name}: what others contain`, () => {
    it('ARCH-24, ARCH-25, ARCH-26: no longer counts, is still given to readers, and is told apart', async () => {
      const { server, instance, segments, a, b, c, d, ab, cd, supersede, kept, live } =
        await filledRoom(open);
      const before = must(await server.superseded());
      expect(before).toEqual({ instance, counter: 0, reverted: false, segments: 0, bytes: 0, goesAt: 0 });
      const said = must(await supersede(1, [group(ab, [a, b]), group(cd, [c])]));
      expect(said).toMatchObject({ instance, counter: 1, reverted: false, segments: 3, bytes: 3 * 296 });
      expect(must(await server.superseded())).toEqual(said);
      expect(said.goesAt).toBeGreaterThanOrEqual(ARCHIVE_SUPERSEDED_MS);
      expect(must(await server.status())).toMatchObject({ segments: 3, bytes: 3 * 296, cursor: 6 });
      expect(await kept()).toEqual(segments);
      expect(await live()).toEqual([d, ab, cd]);
      expect(must(await server.livePage(4))).toEqual({ instance, next: 6, more: false, segments: [ab, cd] });
      expect(must(await server.livePage(6))).toMatchObject({ next: 6, more: false, segments: [] });
      // What is known stays as it is.
      expect(must(await server.append([a, d]))).toMatchObject({ stored: 0, known: 2, cursor: 6 });
      expect(await live()).toEqual([d, ab, cd]);
      must(await supersede(2, [group(cd, [d, c])]));
      expect(must(await server.superseded())).toMatchObject({ counter: 2, segments: 4 });
    });

    it('ARCH-28, ARCH-9: goes after 30 days, not before, and every cursor still reads on', async () => {
      const { server, instance, a, b, c, d, ab, cd, supersede, kept } = await filledRoom(open);
      must(await supersede(1, [group(ab, [a, b])]));
      await pass(29);
      expect(await kept()).toHaveLength(6);
      must(await supersede(2, [group(cd, [c])]));
      await pass(2);
      expect(await kept()).toEqual([c, d, ab, cd]);
      expect(must(await server.superseded())).toMatchObject({ segments: 1, bytes: 296 });
      for (const since of [0, 1, 2])
        expect(must(await server.page(since))).toEqual({
          instance,
          next: 6,
          more: false,
          segments: [c, d, ab, cd],
        });
      await pass(29);
      expect(must(await server.page(3))).toMatchObject({ next: 6, segments: [d, ab, cd] });
      expect(must(await server.page(6))).toMatchObject({ next: 6, segments: [] });
      expect(must(await server.superseded())).toMatchObject({ counter: 2, segments: 0, bytes: 0, goesAt: 0 });
      expect(must(await server.status())).toMatchObject({ segments: 3, cursor: 6 });
      // Its place is not given to another, and it can come again.
      expect(must(await server.append([a]))).toMatchObject({ stored: 1, cursor: 7 });
      expect(must(await server.page(6))).toMatchObject({ next: 7, segments: [a] });
    });

    it('ARCH-24: what stands for others can be contained itself, and what it stood for is in the last', async () => {
      const { a, b, ab, cd, supersede, kept, live, server } = await filledRoom(open);
      must(await supersede(1, [group(ab, [a, b])]));
      await pass(20);
      must(await supersede(2, [group(cd, [ab])]));
      expect(await live()).not.toContainEqual(ab);
      await pass(11);
      // Their 30 days are over, that of what stood for them is not: the last has them.
      expect(await kept()).toHaveLength(4);
      expect(await kept()).toContainEqual(ab);
      await pass(20);
      expect(await kept()).toHaveLength(3);
      expect(await kept()).toContainEqual(cd);
      expect(must(await server.superseded())).toMatchObject({ segments: 0 });
    });

    it('ARCH-24: nothing goes by what is not kept, or is superseded itself; then nothing of the statement is done', async () => {
      const { a, b, c, d, ab, cd, supersede, isUntouched, live } = await filledRoom(open);
      const [unknown = a] = noises(1);
      expect(await supersede(1, [group(ab, [a, b]), group(unknown, [c])])).toMatchObject(refusal('not-kept'));
      // Two that stand for each other, by two hands.
      expect(await supersede(1, [group(ab, [a, b]), group(a, [c])])).toMatchObject(refusal('malformed'));
      await isUntouched();
      must(await supersede(1, [group(ab, [a, b, unknown])]));
      expect(await live()).toEqual([c, d, ab, cd]);
      expect(await supersede(2, [group(a, [ab])])).toMatchObject(refusal('not-kept'));
      expect(await supersede(2, [group(cd, [ab]), group(ab, [c])])).toMatchObject(refusal('malformed'));
      must(await supersede(2, [group(cd, [c])]));
      expect(await supersede(3, [group(c, [cd])])).toMatchObject(refusal('not-kept'));
      await pass(31);
      expect(await live()).toEqual([d, ab, cd]);
    });

    it('ARCH-24: nothing stands for itself; no name twice, none at all, or more than may be', async () => {
      const { a, b, ab, supersede, isUntouched } = await filledRoom(open);
      for (const groups of [
        [],
        [group(ab, [])],
        [group(ab, [ab])],
        [group(ab, [a, a])],
        [group(ab, [a]), group(ab, [b])],
        [group(ab, [a]), group(b, [a])],
      ])
        expect(await supersede(1, groups)).toMatchObject(refusal('malformed'));
      const names = Array.from({ length: ARCHIVE_SUPERSEDE_NAMES }, () => randomBytes(32));
      expect(await supersede(1, [{ by: nameOf(ab), names }])).toMatchObject(refusal('too-large'));
      await isUntouched();
      must(await supersede(1, [{ by: nameOf(ab), names: names.slice(1) }]));
      await isUntouched();
    });

    it('ARCH-24, ARCH-27: only an owner’s signature, over this statement, for this copy', async () => {
      const { room, server, owner, instance, a, b, ab, supersede, revert, isUntouched } =
        await filledRoom(open);
      const groups = [group(ab, [a, b])];
      const stranger = ownerOf(await makeRoom());
      const statement = { ownerPublicKey: room.owner.publicKey, counter: 1, instance, groups };
      const genuine = await supersedingOf(owner, room.genesis, 1, instance, groups);
      const changed = Array.from([1, 34, 40, 60, 90, genuine.length - 1], (at) =>
        genuine.map((byte, i) => (i === at ? byte ^ 1 : byte)),
      );
      for (const forged of [
        await supersedingOf(stranger, room.genesis, 1, instance, groups),
        await supersedingOf({ ...stranger, publicKey: randomBytes(32) }, room.genesis, 1, instance, groups),
        encodeSuperseding(statement, await owner.sign(revertMessage(statement))),
        ...changed,
      ])
        expect(await server.supersede(forged)).toMatchObject({ ok: false });
      expect(await supersede(1, groups, randomBytes(16))).toMatchObject(refusal('bad-proof'));
      await isUntouched();
      must(await supersede(1, groups));
      expect(await server.revert(await revertOf(stranger, room.genesis, 2, instance))).toMatchObject(
        refusal('bad-proof'),
      );
      // A deletion's bytes are those of a revert but for what the signature is over.
      expect(await server.revert(await deletionOf(owner, room.genesis, 2, instance))).toMatchObject(
        refusal('bad-proof'),
      );
      expect(await server.delete(await revertOf(owner, room.genesis, 9, instance))).toMatchObject(
        refusal('bad-proof'),
      );
      expect(await revert(2, randomBytes(16))).toMatchObject(refusal('bad-proof'));
      expect(must(await server.superseded())).toMatchObject({ counter: 1, segments: 2 });
    });

    it('ARCH-24, ARCH-23: who owns the room now, and nobody who did', async () => {
      const { room, keys, server, claim, own, statement } = await roomOwned(open);
      const { instance } = must(await server.register(await statement(1)));
      const [a, ab] = noises(2) as [Bytes, Bytes];
      must(await server.append([a, ab]));
      const [code, ann] = [await newPair(), await newPair()];
      const two = await own(await own([], room.owner, code, [room.owner]), code, code, [ann]);
      must(await server.owners(claim(two)));
      const by = async (who: typeof ann) => {
        const signer = { publicKey: who.publicKey, sign: (message: Bytes) => sign(who.privateKey, message) };
        return server.supersede(await supersedingOf(signer, room.genesis, 1, instance, [group(ab, [a])]));
      };
      for (const who of [room.owner, code]) expect(await by(who)).toMatchObject(refusal('bad-proof'));
      must(await by(ann));
      expect(keys.epoch).toBe(0);
    });

    it('ARCH-24, ARCH-27: each counter once, so that nothing comes true again, not after a revert nor in another copy', async () => {
      const { room, owner, server, instance, a, b, ab, supersede, revert, live, statement } =
        await filledRoom(open);
      const groups = [group(ab, [a, b])];
      must(await supersede(3, groups));
      for (const counter of [1, 3])
        expect(await supersede(counter, groups)).toMatchObject(refusal('old-counter', { counter: 3 }));
      expect(await revert(3)).toMatchObject(refusal('old-counter', { counter: 3 }));
      expect(must(await revert(4))).toMatchObject({ counter: 4, reverted: true, segments: 0, goesAt: 0 });
      expect(await live()).toHaveLength(6);
      expect(await supersede(3, groups)).toMatchObject(refusal('old-counter', { counter: 4 }));
      expect(await revert(4)).toMatchObject(refusal('old-counter'));
      expect(await live()).toHaveLength(6);
      // Other statements have a count of their own.
      must(await server.register(await statement(2)));
      must(await server.delete(await deletionOf(owner, room.genesis, 3, instance)));
      expect(await supersede(9, groups)).toMatchObject(refusal('unknown-room'));
      const anew = must(await server.register(await statement(4)));
      expect(await supersede(9, groups)).toMatchObject(refusal('bad-proof'));
      expect(must(await server.superseded())).toMatchObject({ instance: anew.instance, counter: 0 });
    });

    it('ARCH-27: until it has gone, all of it can be had back', async () => {
      const { server, segments, a, b, c, ab, cd, supersede, revert, kept, live } = await filledRoom(open);
      must(await supersede(1, [group(ab, [a, b])]));
      await pass(20);
      must(await supersede(2, [group(cd, [c])]));
      expect(must(await revert(3))).toMatchObject({ reverted: true, segments: 0, bytes: 0 });
      expect(must(await server.status())).toMatchObject({ segments: 6, bytes: 6 * 296 });
      await pass(40);
      expect(await kept()).toEqual(segments);
      // Its time begins anew.
      expect(must(await supersede(4, [group(ab, [a, b])]))).toMatchObject({ reverted: false });
      await pass(29);
      expect(await kept()).toEqual(segments);
      await pass(2);
      must(await revert(5));
      expect(await live()).toEqual(segments.slice(2));
    });

    it('ARCH-12: what waits is forgotten with the rest', async () => {
      const { room, owner, server, instance, a, b, ab, supersede } = await filledRoom(open);
      must(await supersede(1, [group(ab, [a, b])]));
      const deleted = must(await server.delete(await deletionOf(owner, room.genesis, 2, instance)));
      expect(deleted).toMatchObject({ segments: 6, bytes: 240 });
    });

    it('ARCH-25, ARCH-26: asks for the read key, of a room that is kept', async () => {
      const { keys, server, room, owner } = await filledRoom(open);
      const other = open(keys.roomId, { read: randomBytes(32), edit: randomBytes(32) });
      for (const answer of [await other.livePage(0), await other.superseded()])
        expect(answer).toMatchObject(refusal('wrong-key'));
      const nobody = await roomIn(open);
      for (const answer of [await nobody.server.livePage(0), await nobody.server.superseded()])
        expect(answer).toMatchObject(refusal('unknown-room'));
      // New keys change nothing of what waits.
      must(await server.register(await registrationOf(owner, keys, room.genesis, 2)));
      expect(must(await open(keys.roomId, archiveKeys(keys)).livePage(0)).segments).toHaveLength(6);
    });
  });
}
