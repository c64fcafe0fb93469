/** What counts as archived: nothing that only says so. */
import { beforeAll, describe, expect, test } from 'vitest';
import { randomBytes, type Bytes } from '../../core/bytes.ts';
import { seal, openSealed } from '../../log/seal.ts';
import { decodeSegment, encodeSegment, type Segment } from '../../log/segment.ts';
import { Forge, testRoom, type TestRoom } from '../../log/test-room.ts';
import { readLone } from '../lone-segment.ts';
import { ArchivedChains } from './archived-chains.ts';

let room: TestRoom;
beforeAll(async () => {
  room = await testRoom();
});
const session = 'a1'.repeat(32) as never;
const row = (seq: number, channel: 'project' | 'talk' = 'project') => ({
  session,
  channel,
  seq,
  hash: randomBytes(32),
});
const range = (first: number, last: number) => ({ session, channel: 'project' as const, first, last });

async function chainOf(entries: number): Promise<Forge> {
  const forge = new Forge(room, await room.newSession(), 'talk');
  for (let i = 0; i < entries; i++) forge.add(Uint8Array.of(i));
  return forge;
}

/** The same segment with something changed in it. */
async function changed(sealed: Bytes, change: (segment: Segment) => Segment): Promise<Bytes> {
  const body = await openSealed(room.keys, 'segment', sealed);
  const decoded = body.ok ? decodeSegment(body.value) : undefined;
  if (!decoded?.ok) throw new Error('not a segment');
  const { publicKey, channel, first, certificate, before, entries, signature } = change(decoded.value);
  const start = certificate ? { certificate } : { before: before as Bytes };
  return seal(
    room.keys,
    'segment',
    encodeSegment({ publicKey, channel, first, ...start, entries, signature }),
  );
}

describe('ARCH-15 how far the archive has each chain', () => {
  test('grows without gaps only, and never shrinks', () => {
    const archived = new ArchivedChains();
    expect(archived.hasAll([])).toBe(true);
    expect(archived.hasAll([row(1)])).toBe(false);
    archived.add(range(2, 9));
    expect(archived.endOf(row(1))).toBe(0);
    archived.add(range(1, 3));
    archived.add(range(2, 9));
    archived.add(range(4, 5));
    archived.add(range(11, 20));
    expect(archived.endOf(row(1))).toBe(9);
    archived.add(range(10, 10));
    expect(archived.hasAll([row(10)])).toBe(true);
    expect(archived.hasAll([row(10), row(1, 'talk')])).toBe(false);
    expect(archived.hasAll([row(11)])).toBe(false);
    expect(new ArchivedChains(archived.ends).ends).toEqual(archived.ends);
  });

  test('a segment is read as it stands; what does not read is none', async () => {
    const chain = await chainOf(6);
    const [sealed, later] = [await chain.segment(1, 4), await chain.segment(5, 6)];
    const log = room.newLog();
    await log.receive(sealed);
    await log.receive(later);
    for (const [one, first, last] of [
      [sealed, 1, 4],
      [later, 5, 6],
    ] as const) {
      const given = await readLone(room.viewKeys, one);
      expect(given).toMatchObject({ session: chain.session.id, channel: 'talk', first, last });
      expect(given && log.has(given.row)).toBe(true);
      expect(await given?.signed()).toBe(true);
    }
    expect(await readLone(room.keys, randomBytes(300))).toBeUndefined();
    expect(await readLone(room.keys, sealed.slice(1))).toBeUndefined();
    expect(await readLone(room.keys, await seal(room.keys, 'segment', randomBytes(99)))).toBeUndefined();
  });

  test('one changed entry, one changed hash: the log has no such end', async () => {
    const chain = await chainOf(6);
    const log = room.newLog();
    await log.receive(await chain.segment(1, 6));
    const later = await chain.segment(5, 6);
    for (const forged of [
      await changed(later, (segment) => ({
        ...segment,
        entries: segment.entries.map((entry, i) => (i === 0 ? { ...entry, payload: randomBytes(3) } : entry)),
      })),
      await changed(later, (segment) => ({ ...segment, before: randomBytes(32) })),
      await changed(await chain.segment(1, 6), (segment) => ({
        ...segment,
        certificate: randomBytes(segment.certificate?.length ?? 0),
      })).catch(() => randomBytes(9)),
    ]) {
      const given = await readLone(room.keys, forged);
      expect(given !== undefined && log.has(given.row)).toBe(false);
    }
  });

  test('the very entries under a signature that is not their author’s: no reader takes them', async () => {
    const chain = await chainOf(6);
    const forged = await changed(await chain.segment(1, 6), (segment) => ({
      ...segment,
      signature: randomBytes(64),
    }));
    const log = room.newLog();
    await log.receive(await chain.segment(1, 6));
    const given = await readLone(room.keys, forged);
    expect(given && log.has(given.row)).toBe(true);
    expect(await given?.signed()).toBe(false);
    expect((await room.newLog().receive(forged)).refused?.code).toBe('bad-signature');
  });
});
