// A room that has been typed in for weeks: whoever comes sees its text at once, and works on it before the history is there.
import type { Page } from '@playwright/test';
import * as Y from 'yjs';
import type { Bytes } from '../lib/core/bytes.ts';
import { generateDeviceKeyPair } from '../lib/crypto/device-keys.ts';
import { formatLink } from '../lib/crypto/links.ts';
import { createRoom, deriveRoomKeys } from '../lib/crypto/room-keys.ts';
import { Project } from '../lib/document/project.ts';
import { issueSession } from '../lib/log/certificate.ts';
import { makeGenesis } from '../lib/log/genesis.ts';
import { MAX_SEGMENT_ENTRIES } from '../lib/log/format.ts';
import type { StoredSegment } from '../lib/log/log-store.ts';
import { RoomLog } from '../lib/log/room-log.ts';
import { squash } from '../lib/log/squash.ts';
import { toStored } from '../lib/sync/fold-session.ts';
import { expect, test, type Person } from './fixtures/codeface.ts';
import { callMe } from './fixtures/people.ts';
import { importRoomFile, writeRoomFile } from './fixtures/room-file.ts';
import { connected, openFile, saved, savedStatus, tree, wholeText } from './fixtures/room.ts';

/** More than is folded before anything is shown. */
const KEYS = 6_000;

test('a newcomer reads and types before the history is there; it is saved when it is', async ({
  person,
}, info) => {
  const { ann, link } = await longRoom(person, info.outputPath('long.codeface'));
  const ben = await person();
  const history = await holdWorker(ben.page);

  await test.step('Ben sees all of the text, and types in it', async () => {
    await ben.page.goto(link);
    await openFile(ben.page, 'notes.txt');
    expect(await wholeText(ben.page)).toBe(await wholeText(ann.page));
    await ben.page.keyboard.type(' Ben was here.');
    await expect(savedStatus(ben.page)).toHaveText('Not saved yet: the room’s history is still coming');
    await connected(ben.page, 'Direct · 2 here');
    expect(await wholeText(ann.page)).not.toContain('Ben');
  });

  await test.step('the history comes: what he typed is Ann’s too, and saved', async () => {
    history.give();
    await expect(async () => expect(await wholeText(ann.page)).toContain(' Ben was here.')).toPass();
    await saved(ben.page);
    expect(await wholeText(ben.page)).toBe(await wholeText(ann.page));
  });

  await test.step('and it is all there when he opens the room again, alone', async () => {
    await ann.page.close();
    await ben.page.reload();
    await openFile(ben.page, 'notes.txt');
    expect(await wholeText(ben.page)).toContain(' Ben was here.');
  });
  expect(ben.complaints).toEqual([]);
});

test('where the history can’t be checked aside the room is opened by it, and what was typed stays', async ({
  person,
}, info) => {
  const { ann, link } = await longRoom(person, info.outputPath('long.codeface'));
  const ben = await person();
  const history = await holdWorker(ben.page);
  await ben.page.goto(link);
  await callMe(ben.page, 'Ben');
  await openFile(ben.page, 'notes.txt');
  await ben.page.keyboard.press('Control+Home');
  await ben.page.keyboard.type('Ben begins. ');
  const before = await ben.page.locator('.room').elementHandle();
  history.refuse();
  await expect.poll(async () => (await before?.evaluate((room) => room.isConnected)) ?? false).toBe(false);
  for (const { page } of [ben, ann]) {
    await expect(tree(page).getByRole('treeitem', { name: 'notes.txt' })).toBeVisible();
    await expect(async () => expect(await wholeText(page)).toMatch(/^Ben begins\. /)).toPass();
  }
  await saved(ben.page);
  expect(await wholeText(ben.page)).toBe(await wholeText(ann.page));
});

/** Ann's browser has a room of one file in which so many keys were typed, one entry each. */
async function longRoom(person: () => Promise<Person>, path: string): Promise<{ ann: Person; link: string }> {
  const { owner, roomId, editSeed } = await createRoom();
  const keys = await deriveRoomKeys('e', editSeed, 0, roomId);
  const genesis = await makeGenesis(owner, keys);
  const session = await issueSession(keys, await generateDeviceKeyPair());
  const log = new RoomLog({ roomId, keys, genesis });
  const doc = new Y.Doc();
  doc.clientID = session.clientId;
  const updates: Bytes[] = [];
  doc.on('update', (update: Uint8Array) => updates.push(update as Bytes));
  const made = new Project(doc).createText('notes.txt', '');
  const text = made.ok ? new Project(doc).text(made.value) : undefined;
  for (let i = 0; i < KEYS; i++)
    if (i % 10 === 9) text?.delete(text.length - 2, 1);
    else text?.insert(text.length, i % 50 === 0 ? '\n' : String.fromCharCode(97 + (i % 26)));
  const live: StoredSegment[] = [];
  for (const [i, update] of updates.entries()) {
    const appended = await log.append(session, 'project', update, i);
    if (!appended.ok) throw new Error(appended.error.code);
    live.push(toStored(appended.value));
  }
  // As a device keeps it.
  const squashed = await squash(keys, live, MAX_SEGMENT_ENTRIES);
  const replaced = new Set(squashed.flatMap((one) => one.replaced));
  const kept = [...squashed.map(({ segment }) => segment), ...live.filter((one) => !replaced.has(one))];
  const segments = kept.map(({ sealed }) => sealed);
  await writeRoomFile(path, { roomId, genesis: genesis.bytes }, segments);

  const link = formatLink({ roomId, seedKind: 'e', epoch: 0, seed: editSeed });
  const ann = await person();
  await ann.page.goto('/');
  await importRoomFile(ann.page, path, link);
  await openFile(ann.page, 'notes.txt');
  return { ann, link };
}

/** Holds back what folds a history, or refuses it. */
async function holdWorker(page: Page): Promise<{ give: () => void; refuse: () => void }> {
  const answer = Promise.withResolvers<'give' | 'refuse'>();
  await page.route(/\/fold\.worker[^/]*\.js/u, async (route) => {
    if ((await answer.promise) === 'give') await route.continue();
    else await route.abort('internetdisconnected');
  });
  return { give: () => answer.resolve('give'), refuse: () => answer.resolve('refuse') };
}
