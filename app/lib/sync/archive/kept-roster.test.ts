import { expect, test } from 'vitest';
import { randomBytes, utf8 } from '../../core/bytes.ts';
import { deriveRoomKeys, type SeedKind } from '../../crypto/room-keys.ts';
import { seal } from '../../log/seal.ts';
import { testRoom } from '../../log/test-room.ts';
import { KeptRoster } from './kept-roster.ts';

/** In epoch 1, of which the statements are `known`. */
async function kept(kind: SeedKind = 'e') {
  const { roomId } = (await testRoom()).keys;
  const keys = await deriveRoomKeys(kind, randomBytes(32), 1, roomId);
  const heard: string[] = [];
  const news = {
    known: utf8('all statements'),
    owners: [],
    heard: async (bytes: Uint8Array) => void heard.push(new TextDecoder().decode(bytes)),
  };
  return { keys, heard, news, roster: new KeptRoster(keys, news) };
}

test('ARCH-20 the statements are sent once, by who has W, where exactly they were not found', async () => {
  const { keys, heard, news, roster } = await kept();
  await roster.sift([await seal(keys, 'roster', utf8('others'))]);
  expect(heard).toEqual(['others']);
  const record = await roster.lacking();
  expect(record).toEqual(await seal(keys, 'roster', news.known));
  expect(await roster.sift([record ?? randomBytes(9)])).toEqual([]);
  expect(await roster.lacking()).toBeUndefined();
  expect(heard).toHaveLength(1);
  for (const kind of ['c', 'v'] as const) expect(await (await kept(kind)).roster.lacking()).toBeUndefined();
});

test('ROST-36 with more owners statements they are sent anew, also where the epoch is the same', async () => {
  const { keys, news, roster } = await kept();
  await roster.sift([await seal(keys, 'roster', news.known)]);
  expect(await roster.lacking()).toBeUndefined();
  Object.assign(news, { owners: [{}], known: utf8('all, and an owners statement') });
  expect(await roster.lacking()).toEqual(await seal(keys, 'roster', news.known));
  roster.found();
  expect(await roster.lacking()).toBeUndefined();
});
