import type { Page } from '@playwright/test';
import { twoStories } from '../testing/two-stories.ts';
import { formatLink } from '../lib/crypto/links.ts';
import { createRoom, deriveRoomKeys } from '../lib/crypto/room-keys.ts';
import { makeGenesis } from '../lib/log/genesis.ts';
import { expect, test } from './fixtures/codeface.ts';
import { importRoomFile, writeRoomFile } from './fixtures/room-file.ts';
import { openFile, saved, wholeText } from './fixtures/room.ts';
import { typeThrough } from './fixtures/typing.ts';

test('a computer that was restored from a copy told two people different things: both meet, and nobody loses a word', async ({
  person,
}, info) => {
  test.setTimeout(120_000);
  const { owner, roomId, editSeed } = await createRoom();
  const keys = await deriveRoomKeys('e', editSeed, 0, roomId);
  const genesis = await makeGenesis(owner, keys);
  const link = formatLink({ roomId, seedKind: 'e', epoch: 0, seed: editSeed });
  const stories = await twoStories(keys, genesis, 1, 'notes.txt');
  const files: string[] = [];
  for (const [i, story] of stories.entries()) {
    const file = info.outputPath(`story-${i}.codeface`);
    const segments = story.map(({ sealed }) => sealed);
    await writeRoomFile(file, { roomId, genesis: genesis.bytes }, segments);
    files.push(file);
  }

  const ann = await person({ savesData: true });
  const ben = await person({ savesData: true });
  // Each writes on top of what they heard; Ann has no network any more when Ben comes.
  for (const [i, { page }] of [ann, ben].entries()) {
    await page.goto('/');
    await importRoomFile(page, files[i] ?? '', link);
    await openFile(page, 'notes.txt');
    expect(await wholeText(page)).toBe(i === 0 ? 'start AA ' : 'start B ');
    await type(page, i === 0 ? 'and ann’s words' : 'and ben’s words');
    await saved(page);
    if (i === 0) await page.context().setOffline(true);
  }
  const went = await typeThrough(ben.page, () => ann.page.context().setOffline(false));

  for (const { page } of [ann, ben]) {
    const alert = page.getByRole('alert').filter({ hasText: 'told different people different things' });
    await expect(alert).toContainText('Nothing is lost', { timeout: 45_000 });
    await expect(async () => {
      await openFile(page, 'notes.txt');
      const text = await wholeText(page);
      expect(text).toContain('ann’s words');
      expect(text).toContain(`and ben’s words${went}`);
    }).toPass({ timeout: 45_000 });
    await expect(alert).toBeVisible();
  }
  expect(await wholeText(ben.page)).toBe(await wholeText(ann.page));
  await type(ann.page, ' They go on.');
  await expect(async () => expect(await wholeText(ben.page)).toContain('They go on.')).toPass();
  const [download] = await Promise.all([
    ben.page.waitForEvent('download'),
    ben.page.getByRole('button', { name: 'Save the proof' }).click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/^fork-[0-9a-f]{8}\.json$/u);
  expect(ben.complaints).toEqual([]);
  expect(ann.complaints.filter((one) => !one.includes('ERR_INTERNET_DISCONNECTED'))).toEqual([]);
});

async function type(page: Page, words: string): Promise<void> {
  await page.keyboard.press('Control+End');
  await page.keyboard.type(words);
}
