/** LOG.md, property test 12: a room of thousands of sessions. Each is a Yjs client and a tip for ever; nobody's chain stalls for it. */
import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { toHex, type Bytes } from '../core/bytes.ts';
import { decodeHeads } from './entry.ts';
import { openSealed } from './seal.ts';
import { decodeSegment } from './segment.ts';
import { Author, Forge, isPending, rawUpdate, stateHash, testRoom } from './test-room.ts';

/** More than one entry can name, at 17 bytes each; in the soak as many as there may be. */
const AUTHORS = process.env['RUNS'] === undefined ? 3_900 : 5_000;
const MAX_HEADS_BYTES = 64 * 1024;

test('LOG-4, LOG-7 of thousands who wrote one letter each an entry names as many as fit, the next ones the rest, and everybody takes them', async () => {
  const room = await testRoom();
  const [ann, ben] = [new Author(room, await room.newSession()), new Author(room, await room.newSession())];
  await ann.edit((text) => text.insert(0, '|'));
  await ben.receive(ann.sealed[0] as Bytes);
  const letters: Bytes[] = [];
  for (let i = 0; i < AUTHORS; i++) {
    const forge = new Forge(room, await room.newSession());
    const [letter] = await forge
      .add(rawUpdate(forge.session.clientId, 0, [{ origin: [ann.session.clientId, 0] }]))
      .cut([]);
    if (letter !== undefined) letters.push(letter);
  }
  for (const letter of letters) await ann.receive(letter);
  // A copy of the chains, as a worker gives it: the same again would cost as much again.
  expect(ben.log.adopt(ann.log.exportChains())).toBe(true);
  Y.applyUpdate(ben.doc, Y.encodeStateAsUpdate(ann.doc), 'log');
  expect(ann.text.length).toBe(AUTHORS + 1);

  const named = new Set<string>();
  for (const mark of ['a', 'b', 'c']) {
    await ann.edit((text) => text.insert(0, mark));
    const sealed = ann.sealed.at(-1) as Bytes;
    const opened = await openSealed(room.keys, 'segment', sealed);
    const segment = opened.ok ? decodeSegment(opened.value) : undefined;
    const bytes = segment?.ok ? segment.value.entries[0]?.heads : undefined;
    expect(bytes?.length).toBeLessThanOrEqual(MAX_HEADS_BYTES);
    const heads = bytes && decodeHeads(bytes);
    if (heads?.ok) for (const { hash } of heads.value) named.add(toHex(hash));
    expect((await ben.receive(sealed)).accepted).toHaveLength(1);
  }
  expect(named.size, 'each once all are named').toBe(AUTHORS);
  await ben.edit((text) => text.insert(0, 'and on '));
  expect((await ann.receive(ben.sealed.at(-1) as Bytes)).accepted).toHaveLength(1);
  expect(stateHash(ben.doc)).toBe(stateHash(ann.doc));
  expect([ann, ben].map(({ doc }) => isPending(doc))).toEqual([false, false]);
}, 180_000);
