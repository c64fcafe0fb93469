/** LOG.md property test 1: any order, duplication, loss and repair, any cut, valid and hostile entries. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import * as Y from 'yjs';
import { forge, hostile } from '../../testing/hostile-entries.ts';
import type { Bytes } from '../core/bytes.ts';
import type { FrontierRow } from './frontier.ts';
import type { RoomLog } from './room-log.ts';
import { decodeSegment, lastSeq } from './segment.ts';
import { openSealed } from './seal.ts';
import { applyTo, Author, Forge, isPending, stateHash, testRoom, type TestRoom } from './test-room.ts';

let room: TestRoom;
beforeAll(async () => {
  room = await testRoom();
});

type Step =
  | { do: 'insert'; who: number; at: number; text: string }
  | { do: 'delete'; who: number; at: number; length: number }
  | { do: 'nest'; who: number; at: number; text: string }
  | { do: 'sync'; who: number; from: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('insert' as const),
    who: fc.nat(1),
    at: fc.nat(60),
    text: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }),
  }),
  fc.record({
    do: fc.constant('delete' as const),
    who: fc.nat(1),
    at: fc.nat(60),
    length: fc.integer({ min: 1, max: 4 }),
  }),
  // Setting a key again deletes the text that was under it, and Yjs collects what was in it.
  fc.record({
    do: fc.constant('nest' as const),
    who: fc.nat(1),
    at: fc.nat(1),
    text: fc.string({ maxLength: 3 }),
  }),
  fc.record({ do: fc.constant('sync' as const), who: fc.nat(1), from: fc.nat(1) }),
);

interface Piece {
  readonly session: string;
  readonly first: number;
  readonly last: number;
  readonly sealed: Bytes;
}

async function piece(sealed: Bytes): Promise<Piece> {
  const body = await openSealed(room.keys, 'segment', sealed);
  const segment = body.ok ? decodeSegment(body.value) : undefined;
  if (!segment?.ok) throw new Error('not a segment');
  return { session: segment.value.session, first: segment.value.first, last: lastSeq(segment.value), sealed };
}

/** Delivers what a replica asks for until it asks for nothing that would move it. */
async function repair(
  log: RoomLog,
  doc: Y.Doc,
  claimed: readonly FrontierRow[],
  pieces: readonly Piece[],
): Promise<number> {
  for (let round = 1; ; round++) {
    const theyHave = log.missingFrom(claimed);
    const before = rowsOf(log).join();
    if (theyHave.length === 0) return round;
    if (round > 200) throw new Error('repair does not end');
    for (const { session, fromSeq, toSeq } of theyHave)
      for (const one of pieces)
        if (one.session === session && one.last >= fromSeq && one.first <= toSeq)
          applyTo(doc, await log.receive(one.sealed));
    // Beyond a refused entry there is nothing that honest people hold: who claims it is asked, and brings nothing.
    if (rowsOf(log).join() === before) return round;
  }
}

const rowsOf = (log: RoomLog) =>
  log
    .frontier()
    .map(({ session, seq, hash }) => `${session} ${seq} ${hash.join()}`)
    .sort();

describe('ACC-1 the accepted set depends on nothing but what was signed', () => {
  test('[seed 3101, 60 runs] any order, cut, loss and duplication; honest and hostile authors', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 4, maxLength: 30 }),
        fc.array(hostile, { maxLength: 5 }),
        fc.infiniteStream(fc.nat(1_000_000)),
        async (steps, attacks, random) => {
          const pick = (below: number): number => (random.next().value as number) % below;
          const authors = [
            new Author(room, await room.newSession()),
            new Author(room, await room.newSession()),
          ];
          const chains = new Map<Author, Forge>(authors.map((one) => [one, new Forge(room, one.session)]));
          for (const one of steps) {
            const author = authors[one.who] as Author;
            if (one.do === 'sync') {
              for (const sealed of (authors[one.from] as Author).sealed) await author.receive(sealed);
              continue;
            }
            await author.edit((text) => {
              if (one.do === 'nest') author.doc.getMap('meta').set(`key ${one.at}`, new Y.Text(one.text));
              else if (one.do === 'insert') text.insert(Math.min(one.at, text.length), one.text);
              else if (one.at < text.length) text.delete(one.at, Math.min(one.length, text.length - one.at));
            });
          }
          // The same chains, as their authors would have signed them in other cuts.
          for (const [author, chain] of chains)
            for (const sealed of author.sealed) {
              const body = await openSealed(room.keys, 'segment', sealed);
              const segment = body.ok ? decodeSegment(body.value) : undefined;
              if (segment?.ok) chain.entries.push(...segment.value.entries);
            }
          const attacker = new Forge(room, await room.newSession());
          let clock = 0;
          const honest = authors.map(({ session }) => session);
          for (const one of attacks) clock = forge(attacker, clock, honest, one);

          const all = [...chains.values(), attacker].filter(({ entries }) => entries.length > 0);
          const claimed = all.map(({ session, channel, entries }) => ({
            session: session.id,
            channel,
            seq: entries.length,
            hash: new Uint8Array(32),
          }));
          const replicas: { log: RoomLog; doc: Y.Doc }[] = [];
          for (let i = 0; i < 3; i++) {
            const pieces: Piece[] = [];
            for (const chain of all) {
              const cuts = chain.entries.map((_, at) => at + 1).filter(() => pick(3) === 0);
              for (const sealed of await chain.cut(cuts)) pieces.push(await piece(sealed));
            }
            const log = room.newLog();
            const doc = new Y.Doc();
            const delivered = pieces
              .flatMap((one) => Array.from({ length: pick(3) }, () => ({ one, at: pick(1000) })))
              .sort((a, b) => a.at - b.at);
            for (const { one } of delivered) {
              applyTo(doc, await log.receive(one.sealed));
              expect(isPending(doc)).toBe(false);
            }
            await repair(log, doc, claimed, pieces);
            expect(isPending(doc)).toBe(false);
            replicas.push({ log, doc });
          }
          const [first, ...others] = replicas as [
            { log: RoomLog; doc: Y.Doc },
            ...{ log: RoomLog; doc: Y.Doc }[],
          ];
          for (const { session, entries } of chains.values())
            expect(first.log.frontier().find((row) => row.session === session.id)?.seq ?? 0).toBe(
              entries.length,
            );
          for (const other of others) {
            expect(rowsOf(other.log)).toEqual(rowsOf(first.log));
            expect(other.doc.getText('files').toString()).toBe(first.doc.getText('files').toString());
            expect(stateHash(other.doc)).toBe(stateHash(first.doc));
          }
        },
      ),
      { seed: 3101, numRuns: Number(process.env['RUNS'] ?? 60) },
    );
  }, 300_000);
});
