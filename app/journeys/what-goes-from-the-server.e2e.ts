// The room's share of the server: how full it is, what is set to go from it and on which day, and that its owner keeps it.
import { expect, test as base, type Page } from '@playwright/test';
import { openPerson, type PersonOptions } from './fixtures/person.ts';
import type { Person } from './fixtures/codeface.ts';
import { archived, enterRoom, makeRoom, newFile, openFile } from './fixtures/room.ts';
import { startCodeFace, type CodeFace } from './fixtures/server-process.ts';

const noArchive = !process.env['POCKETBASE_PATH'];
if (noArchive) console.log('This journey is skipped: POCKETBASE_PATH is not set (npm test sets it).');

/** A server on which a room is soon full. */
const test = base.extend<{
  readonly codeface: CodeFace;
  readonly person: (options?: PersonOptions) => Promise<Person>;
}>({
  // eslint-disable-next-line no-empty-pattern
  codeface: async ({}, use) => {
    const codeface = await startCodeFace({ CODEFACE_ARCHIVE_MB: '1' });
    await use(codeface);
    await codeface.end();
  },
  person: async ({ codeface }, use) => {
    const open: { end: () => Promise<void> }[] = [];
    await use(async (options) => {
      const person = await openPerson(codeface.url, options);
      open.push(person);
      return person;
    });
    await Promise.all(open.map((person) => person.end()));
  },
});

const share = (page: Page) => page.getByRole('dialog', { name: 'Share this room' });
async function openShare(page: Page) {
  await page.getByRole('button', { name: 'Share' }).click();
  return share(page);
}

/** Each of them is a piece on the server. */
async function typeLines(page: Page, lines: readonly string[]): Promise<void> {
  await openFile(page, 'tides.py');
  for (const line of lines) {
    await page.keyboard.type(`${line}\n`);
    await expect(page.getByRole('status', { name: 'Saved' })).not.toHaveText('Saved here and in the archive');
    await archived(page);
  }
}

/** A text that does not get smaller. */
const noise = (length: number): string => {
  let [text, state] = ['', 20_261_123];
  while (text.length < length) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += state.toString(36);
  }
  return text;
};

/** The day 30 days from now; two where midnight is near. */
const daysAhead = (...moments: readonly number[]): RegExp => {
  const days = moments.map((ms) =>
    new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long' }).format(ms + 30 * 86_400_000),
  );
  return new RegExp(`\\d+ pieces \\(.+\\), contained in others, go from (${days.join('|')})( \\d{4})? on\\.`);
};

test('the owner sees what goes from the server and on which day, keeps it, and has it go after all', async ({
  person,
  codeface,
}) => {
  test.skip(noArchive, 'no PocketBase');
  test.setTimeout(240_000);
  const ann = await person({ savesData: true });
  const link = await makeRoom(ann.page);
  const ben = await person({ savesData: true });
  await enterRoom(ben.page, link);
  await newFile(ben.page, 'noise.txt', noise(900_000));
  await newFile(ann.page, 'tides.py', '');
  await archived(ben.page);
  await archived(ann.page);
  await typeLines(ann.page, 'slack ebb flood ebb flood slack neap spring ebb flood'.split(' '));
  const dialog = await openShare(ann.page);
  await expect(dialog).toContainText(/It takes up \d+ kB of the 1\.0 MB that this room has there\./);
  const before = Date.now();
  await dialog.getByRole('button', { name: 'Make room' }).press('Enter');
  await expect(dialog).toContainText(daysAhead(before, Date.now()));

  // Others see it, and have no say in it.
  const his = await openShare(ben.page);
  await expect(his).toContainText(daysAhead(before, Date.now()));
  await expect(his.getByRole('button', { name: 'Keep them…' })).toHaveCount(0);
  await ben.kill();

  // By keyboard; the second press in the same place keeps nothing.
  await dialog.getByRole('button', { name: 'Keep them…' }).focus();
  await ann.page.keyboard.press('Enter');
  await expect(dialog).toContainText(/Keep \d+ pieces \(.+\)\? They count again: .+ of 1\.0 MB\./);
  await expect(dialog.getByRole('button', { name: 'Let them go' })).toBeFocused();
  await ann.page.keyboard.press('Enter');
  await expect(dialog).toContainText(daysAhead(before, Date.now()));

  // Without a server nothing is promised.
  await codeface.kill();
  await dialog.getByRole('button', { name: 'Keep them…' }).click();
  await dialog.getByRole('button', { name: 'Keep them', exact: true }).click();
  await expect(dialog).toContainText('The server did not answer, so the pieces may still be set to go.');
  await codeface.restart();
  await expect(dialog.getByRole('button', { name: 'Keep them…' })).toBeVisible({ timeout: 60_000 });

  await dialog.getByRole('button', { name: 'Keep them…' }).focus();
  await ann.page.keyboard.press('Enter');
  await ann.page.keyboard.press('Shift+Tab');
  await ann.page.keyboard.press('Enter');
  await expect(dialog).toContainText('Nothing goes from it, as an owner wanted.');

  // Nor does this tab say otherwise by itself, when it is opened again and something comes.
  await ann.page.reload();
  await typeLines(ann.page, ['spring', 'neap']);
  await openShare(ann.page);
  await expect(dialog).toContainText('Nothing goes from it, as an owner wanted.');
  await dialog.getByRole('button', { name: 'Make room' }).click();
  await expect(dialog).toContainText(daysAhead(before, Date.now()));
});
