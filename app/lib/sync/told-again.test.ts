/** Messages told anew at an opening from a snapshot, where somebody said them to be in the way (SYNC-11). */
import * as Y from 'yjs';
import { expect, test } from 'vitest';
import { openReplica } from '../../testing/replicas.ts';
import { utf8, type Bytes } from '../core/bytes.ts';
import { encodeHeads } from '../log/entry.ts';
import { HEAD_BYTES } from '../log/format.ts';
import type { Accepted } from '../log/receipt.ts';
import { applyTo, Author, Forge, testRoom } from '../log/test-room.ts';
import { memoryStore } from '../storage/stores/memory.ts';
import { toStored } from './fold-session.ts';

test('SYNC-11: a message that follows an entry of the project (LOG-4) hides none that follow it', async () => {
  const room = await testRoom();
  const author = new Author(room, await room.newSession());
  const doc = new Y.Doc();
  const accepted: Accepted[] = [];
  const take = async (sealed: Bytes) => {
    const receipt = await author.log.receive(sealed);
    accepted.push(...receipt.accepted);
    applyTo(doc, receipt);
  };
  const typed = await author.edit((text) => void text.insert(0, 'x'));
  const head = author.log.frontier()[0];
  if (typed === undefined || head === undefined) throw new Error('nothing was typed');
  accepted.push(typed);
  Y.applyUpdate(doc, typed.entries[0]?.payload ?? new Uint8Array());

  const heads = encodeHeads([{ seq: head.seq, hash: head.hash.subarray(0, HEAD_BYTES) }]);
  const other = new Forge(room, await room.newSession(), 'talk').add(utf8('in the way'), heads);
  await take(await other.segment(1, 1));
  const said = await author.log.append(author.session, 'talk', utf8('an answer'), 2_000);
  if (!said.ok) throw new Error(said.error.detail);
  accepted.push(said.value);

  const store = memoryStore();
  await store.append(accepted.filter(({ entries }) => entries.length > 0).map(toStored));
  const state = Y.encodeStateAsUpdate(doc) as Bytes;
  await store.saveSnapshot({ chains: author.log.exportChains(), state, entries: 3 });
  const keys = async () => room.keys;
  const again = await openReplica({ ...room, keys }, { store, transports: [] });
  await again.replica.told;
  const words = again.messages.flatMap(({ entries }) =>
    entries.map(({ payload }) => new TextDecoder().decode(payload)),
  );
  await again.replica.close();
  expect(words.sort()).toEqual(['an answer', 'in the way']);
});
