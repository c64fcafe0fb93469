/** The acceptance suite that every ArchiveServer passes: the real one over HTTP, and the one in memory that other tests share. */
import { describe, expect, it } from 'vitest';
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, randomBytes, toHex, type Bytes } from '../lib/core/bytes.ts';
import { encodeOwners, ownersMessage, type OwnersFields } from '../lib/core/owners-statement.ts';
import type { RoomId } from '../lib/core/ids.ts';
import { archiveKeys, deriveRoomKeys, type ArchiveKeys, type RoomKeys } from '../lib/crypto/room-keys.ts';
import { generateSigningKeyPair, sign, type SigningKeyPair } from '../lib/crypto/signatures.ts';
import type { ArchiveServer } from '../lib/sync/archive/archive-server.ts';
import { deletionOf, registrationOf } from '../lib/sync/archive/registration.ts';
import { makeRoom, type TestRoom } from './replicas.ts';

export type OpenArchive = (roomId: RoomId, keys: ArchiveKeys) => ArchiveServer;

export async function roomIn(open: OpenArchive) {
  const room = await makeRoom();
  const keys = await room.keys('e');
  const owner = ownerOf(room);
  return {
    room,
    keys,
    owner,
    server: open(keys.roomId, archiveKeys(keys)),
    statement: (counter: number) => registrationOf(owner, keys, room.genesis, counter),
  };
}
export async function roomOwned(open: OpenArchive) {
  const made = await roomIn(open);
  const { room } = made;
  /** The statements with one more, signed by any key and saying anything. */
  const own = async (
    before: readonly Bytes[],
    root: SigningKeyPair,
    next: SigningKeyPair,
    owners: readonly SigningKeyPair[],
    changed: Partial<OwnersFields> = {},
  ): Promise<Bytes[]> => {
    const body = encodeOwners({
      index: before.length + 1,
      previous: sha256(before.at(-1) ?? room.genesis.bytes),
      epoch: 0,
      newest: sha256(room.genesis.bytes),
      time: 1,
      root: next.publicKey,
      owners: owners.map(({ publicKey }) => publicKey).sort((a, b) => (toHex(a) < toHex(b) ? -1 : 1)),
      ...changed,
    });
    return [...before, concat(body, await sign(root.privateKey, ownersMessage(body)))];
  };
  const founder = room.owner.publicKey;
  return { ...made, own, claim: (statements: readonly Bytes[]) => ({ founder, statements }) };
}
export const newPair = generateSigningKeyPair;
export const ownerOf = (room: TestRoom) => ({
  sign: (message: Bytes) => sign(room.owner.privateKey, message),
});

export function must<T>(answer: { ok: true; value: T } | { ok: false; error: unknown }): T {
  if (!answer.ok) throw new Error(JSON.stringify(answer.error));
  return answer.value;
}
export const refusal = (reason: string, rest: object = {}) => ({ ok: false, error: { reason, ...rest } });
export const noises = (count: number, bytes = 40): Bytes[] =>
  Array.from({ length: count }, () => randomBytes(bytes));

export function archiveContract(name: string, open: OpenArchive): void {
  describe(`${name} as an ArchiveServer`, () => {
    it('ARCH-3: knows no room before it is registered, and says so to everything', async () => {
      const { server } = await roomIn(open);
      for (const answer of [await server.status(), await server.page(0), await server.append(noises(1))])
        expect(answer).toMatchObject(refusal('unknown-room'));
    });

    it('ARCH-4, ARCH-5: keeps a room for its owner, once for each counter', async () => {
      const { server, statement } = await roomIn(open);
      const [first, second] = [await statement(3), await statement(4)];
      const status = must(await server.register(first));
      expect(status).toMatchObject({ counter: 3, epoch: 0, segments: 0, bytes: 0, cursor: 0 });
      expect(must(await server.register(first))).toEqual(status);
      expect(await server.register(await statement(2))).toMatchObject(refusal('old-counter', { counter: 3 }));
      expect(must(await server.register(second))).toMatchObject({ counter: 4, instance: status.instance });
      expect(await server.register(first)).toMatchObject(refusal('old-counter', { counter: 4 }));
      expect(must(await server.status())).toMatchObject({ counter: 4, instance: status.instance });
    });

    it('ARCH-4: believes no statement that the owner did not sign, or that is cut', async () => {
      const { keys, room, server, statement } = await roomIn(open);
      const stranger = await makeRoom();
      const forged = await registrationOf(ownerOf(stranger), keys, room.genesis, 1);
      expect(await server.register(forged)).toMatchObject(refusal('bad-proof'));
      const others = await registrationOf(ownerOf(stranger), keys, stranger.genesis, 1);
      expect(await server.register(others)).toMatchObject(refusal('bad-proof'));
      expect(await server.register((await statement(1)).slice(1))).toMatchObject({ ok: false });
      expect(await server.status()).toMatchObject(refusal('unknown-room'));
    });

    it('ARCH-1, ARCH-2: asks for the key of the route', async () => {
      const { keys, server, statement } = await roomIn(open);
      must(await server.register(await statement(1)));
      const { read, edit, comment } = archiveKeys(keys) as Required<ArchiveKeys>;
      const other = open(keys.roomId, { read: randomBytes(32), edit: randomBytes(32) });
      for (const answer of [await other.status(), await other.page(0), await other.append(noises(1))])
        expect(answer).toMatchObject(refusal('wrong-key'));
      const crossed = open(keys.roomId, { read: edit, edit: read });
      for (const answer of [await crossed.status(), await crossed.page(0), await crossed.append(noises(1))])
        expect(answer).toMatchObject(refusal('wrong-key'));
      expect(await open(keys.roomId, { read }).append(noises(1))).toEqual(refusal('no-key'));
      expect(must(await open(keys.roomId, { read, comment }).append(noises(1)))).toMatchObject({ stored: 1 });
    });

    it('ARCH-7, ARCH-9: keeps each segment once, in order, and gives what is above a cursor', async () => {
      const { server, statement } = await roomIn(open);
      const { instance } = must(await server.register(await statement(1)));
      expect(must(await server.page(0))).toEqual({ instance, next: 0, more: false, segments: [] });
      const [a, b, c] = noises(3) as [Bytes, Bytes, Bytes];
      expect(must(await server.append([a, b]))).toMatchObject({ stored: 2, known: 0, cursor: 2 });
      expect(must(await server.append([b, c, c]))).toMatchObject({ stored: 1, known: 2, cursor: 3 });
      expect(must(await server.append([a]))).toMatchObject({
        stored: 0,
        known: 1,
        cursor: 3,
        bytes: 3 * (40 + 256),
      });
      expect(must(await server.page(0))).toEqual({ instance, next: 3, more: false, segments: [a, b, c] });
      expect(must(await server.page(2))).toEqual({ instance, next: 3, more: false, segments: [c] });
      // A reader from another copy sees that it is ahead (ARCH-10).
      expect(must(await server.page(9))).toMatchObject({ instance, next: 3, segments: [] });
      expect(must(await server.status())).toMatchObject({ segments: 3, cursor: 3, bytes: 3 * (40 + 256) });
    });

    it('ARCH-9: cuts pages by count and by bytes, and gives one of any length', async () => {
      const { server, statement } = await roomIn(open);
      must(await server.register(await statement(1)));
      const small = noises(505);
      for (let at = 0; at < small.length; at += 200) must(await server.append(small.slice(at, at + 200)));
      const first = must(await server.page(0));
      expect([first.next, first.more, first.segments.length]).toEqual([500, true, 500]);
      const large = Array.from({ length: 2 }, (_, i) => new Uint8Array(3 * 1024 * 1024).fill(i));
      const huge = new Uint8Array(5 * 1024 * 1024);
      for (const one of [...large, huge]) must(await server.append([one]));
      const lengths: number[] = [];
      for (let since = 500, more = true; more;) {
        const page = must(await server.page(since));
        lengths.push(page.segments.length);
        ({ next: since, more } = page);
      }
      expect(lengths).toEqual([6, 1, 1]);
    });

    it('ARCH-5: other keys replace the first, and the segments stay', async () => {
      const { room, keys, owner, server, statement } = await roomIn(open);
      const { instance } = must(await server.register(await statement(1)));
      const kept = noises(2);
      must(await server.append(kept));
      const next = await deriveRoomKeys('e', randomBytes(32), 1, keys.roomId);
      must(await server.register(await registrationOf(owner, next, room.genesis, 2)));
      expect(await server.page(0)).toMatchObject(refusal('wrong-key'));
      const again = open(keys.roomId, archiveKeys(next));
      expect(must(await again.status())).toMatchObject({ epoch: 1, counter: 2 });
      expect(must(await again.page(0))).toEqual({ instance, next: 2, more: false, segments: kept });
    });

    it('ARCH-12: forgets for the owner, that copy only, and knows the counter for ever', async () => {
      const { room, owner, server, statement } = await roomIn(open);
      const { instance } = must(await server.register(await statement(1)));
      must(await server.append(noises(2)));
      const elsewhere = await deletionOf(owner, room.genesis, 2, randomBytes(16));
      expect(await server.delete(elsewhere)).toMatchObject(refusal('bad-proof'));
      const forged = await deletionOf(ownerOf(await makeRoom()), room.genesis, 2, instance);
      expect(await server.delete(forged)).toMatchObject(refusal('bad-proof'));
      const deletion = await deletionOf(owner, room.genesis, 2, instance);
      expect(must(await server.delete(deletion))).toMatchObject({ segments: 2 });
      expect(await server.page(0)).toMatchObject(refusal('unknown-room'));
      expect(await server.register(await statement(2))).toMatchObject(refusal('old-counter', { counter: 2 }));
      const anew = must(await server.register(await statement(3)));
      expect(anew).toMatchObject({ cursor: 0, segments: 0 });
      expect(anew.instance).not.toEqual(instance);
      expect(await server.delete(deletion)).toMatchObject({ ok: false });
      expect(must(await server.status())).toMatchObject({ counter: 3 });
    });

    it('ARCH-22: keeps who owns the room, and follows only what goes on from that', async () => {
      const { room, server, claim, own } = await roomOwned(open);
      const [code, ann, ben] = [await newPair(), await newPair(), await newPair()];
      expect(must(await server.owners(claim([])))).toEqual([]);
      const one = await own([], room.owner, code, [room.owner]);
      const two = await own(one, code, code, [ann]);
      const rival = await own(one, code, code, [ben]);
      expect(must(await server.owners(claim(one)))).toEqual(one);
      expect(must(await server.owners(claim(two)))).toEqual(two);
      // What is older, or another branch, is told what stands.
      const longer = await own(rival, code, code, [ben]);
      for (const other of [[], one, rival, longer])
        expect(must(await server.owners(claim(other)))).toEqual(two);
      // Neither an owner nor a root that was replaced signs who owns it.
      const three = await own(two, code, ben, [ben]);
      expect(must(await server.owners(claim(three)))).toEqual(three);
      for (const by of [ann, code, room.owner, ben]) {
        const next = await own(three, by, by, [by]);
        if (by === ben) expect(must(await server.owners(claim(next)))).toEqual(next);
        else expect(await server.owners(claim(next))).toMatchObject(refusal('bad-proof'));
      }
    });

    it('ARCH-22: believes no claim of another room, out of order, or with a weak key', async () => {
      const { room, server, claim, own } = await roomOwned(open);
      const [code, other] = [await newPair(), await roomOwned(open)];
      const one = await own([], room.owner, code, [room.owner]);
      const two = await own(one, code, code, [code]);
      const weak = { ...code, publicKey: Uint8Array.of(1, ...new Uint8Array(31)) };
      const back = await own(one, code, code, [code], { epoch: 0 });
      const ahead = await own(one, code, code, [code], { epoch: 3 });
      for (const statements of [
        two.slice(1),
        two.toReversed(),
        [...one, ...one],
        await own([], code, code, [code]),
        await own([], room.owner, weak, [room.owner]),
        await own([], room.owner, code, [weak]),
        await own(one, code, code, [code], { previous: randomBytes(32) }),
        await own(one, code, code, [code], { index: 3 }),
        [...ahead, ...(await own(ahead, code, code, [code], { epoch: 2 })).slice(-1)],
      ])
        expect(await server.owners(claim(statements))).toMatchObject(refusal('bad-proof'));
      const theirs = {
        founder: other.room.owner.publicKey,
        statements: await own([], other.room.owner, code, [code]),
      };
      expect(await server.owners(theirs)).toMatchObject(refusal('bad-proof'));
      expect(must(await server.owners(claim([])))).toEqual([]);
      expect(must(await server.owners(claim(back)))).toEqual(back);
    });

    it('ARCH-23: only owners that count now register and delete, also after a deletion', async () => {
      const { room, keys, server, claim, own } = await roomOwned(open);
      const [code, ann] = [await newPair(), await newPair()];
      const by = ({ publicKey, privateKey }: SigningKeyPair) => ({
        publicKey,
        sign: (message: Bytes) => sign(privateKey, message),
      });
      const register = async (who: SigningKeyPair, counter: number) =>
        server.register(await registrationOf(by(who), keys, room.genesis, counter));
      expect(await register(ann, 1)).toMatchObject(refusal('bad-proof'));
      must(await register(room.owner, 1));
      expect(await register(ann, 2)).toMatchObject(refusal('bad-proof'));
      const one = await own([], room.owner, code, [room.owner]);
      must(await server.owners(claim(one)));
      must(await register(room.owner, 2));
      const two = await own(one, code, code, [ann]);
      must(await server.owners(claim(two)));
      for (const who of [room.owner, code])
        expect(await register(who, 9)).toMatchObject(refusal('bad-proof'));
      const { instance } = must(await register(ann, 3));
      const deletion = async (who: SigningKeyPair, counter: number) =>
        server.delete(await deletionOf(by(who), room.genesis, counter, instance));
      for (const who of [room.owner, code])
        expect(await deletion(who, 9)).toMatchObject(refusal('bad-proof'));
      must(await deletion(ann, 4));
      expect(await register(room.owner, 9)).toMatchObject(refusal('bad-proof'));
      must(await register(ann, 5));
    });

    it('ARCH-22: takes no owners who leave out the one of an epoch that they have not heard of', async () => {
      const { room, keys, server, claim, own } = await roomOwned(open);
      const [code, ann, ben] = [await newPair(), await newPair(), await newPair()];
      const one = await own([], room.owner, code, [ann, ben]);
      must(await server.owners(claim(one)));
      const next = await deriveRoomKeys('e', randomBytes(32), 1, keys.roomId);
      const register = async ({ publicKey, privateKey }: SigningKeyPair, counter: number) => {
        const by = { publicKey, sign: (message: Bytes) => sign(privateKey, message) };
        must(await server.register(await registrationOf(by, next, room.genesis, counter)));
      };
      await register(ann, 1);
      // Who began it stays so, whoever registers it again.
      await register(ben, 2);
      for (const owners of [[ben], [code]])
        expect(must(await server.owners(claim(await own(one, code, code, owners))))).toEqual(one);
      const both = await own(one, code, code, [ann, code]);
      expect(must(await server.owners(claim(both)))).toEqual(both);
      const without = await own(both, code, code, [ben], { epoch: 1 });
      expect(must(await server.owners(claim(without)))).toEqual(without);
    });

    it('ARCH-23: a room can be owned by others before it is kept', async () => {
      const { room, keys, server, claim, own } = await roomOwned(open);
      const ann = await newPair();
      must(await server.owners(claim(await own([], room.owner, ann, [ann]))));
      expect(await server.status()).toMatchObject(refusal('unknown-room'));
      const owner = { publicKey: ann.publicKey, sign: (message: Bytes) => sign(ann.privateKey, message) };
      expect(must(await server.register(await registrationOf(owner, keys, room.genesis, 1)))).toMatchObject({
        counter: 1,
      });
    });

    it('ARCH-23: of two owners that begin an epoch the first has it, and nobody goes back', async () => {
      const { room, keys, owner, server, statement } = await roomIn(open);
      must(await server.register(await statement(1)));
      const [mine, yours] = await Promise.all(
        [0, 1].map(() => deriveRoomKeys('e', randomBytes(32), 1, keys.roomId)),
      );
      if (!mine || !yours) throw new Error('no keys');
      const register = async (of: RoomKeys, counter: number) =>
        server.register(await registrationOf(owner, of, room.genesis, counter));
      must(await register(mine, 2));
      expect(await register(yours, 3)).toMatchObject(refusal('other-roster'));
      expect(await server.register(await statement(4))).toMatchObject(refusal('other-roster'));
      must(await register(mine, 3));
      must(await register(await deriveRoomKeys('e', randomBytes(32), 2, keys.roomId), 4));
    });

    it('asks nothing any more once it is closed', async () => {
      const { server, statement } = await roomIn(open);
      must(await server.register(await statement(1)));
      server.close();
      expect(await server.status()).toEqual(refusal('later'));
    });
  });
}
