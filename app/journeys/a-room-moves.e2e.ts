import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { expect, test } from './fixtures/codeface.ts';
import { openPerson } from './fixtures/person.ts';
import { makeRoom, newFile, openFile, output, runUntil, saved, tree, wholeText } from './fixtures/room.ts';
import { startCodeFace } from './fixtures/server-process.ts';

const program = "const tides = ['ebb', 'flood'];\nconsole.log(tides.join(' and '));\n";

test('a room is downloaded, and opened again on another server when the first one is gone', async ({
  codeface,
  person,
}, info) => {
  test.setTimeout(180_000);
  const ann = await person();
  const link = await makeRoom(ann.page);
  await ann.page.getByLabel('Room name').fill('Tides');
  await ann.page.keyboard.press('Enter');
  await newFile(ann.page, 'tides.js', program);
  await runUntil(ann.page, 'ebb and flood');
  await saved(ann.page);

  await ann.page.keyboard.press('Control+k');
  await ann.page.getByRole('combobox').fill('history');
  const [download] = await Promise.all([ann.page.waitForEvent('download'), ann.page.keyboard.press('Enter')]);
  expect(download.suggestedFilename()).toBe('Tides.codeface');
  await expect(
    ann.page.getByRole('status').filter({ hasText: 'Tides.codeface holds the room' }),
  ).toContainText('Keep the link');
  const file = info.outputPath('Tides.codeface');
  await download.saveAs(file);
  await codeface.kill();
  await ann.kill();

  const script = join(import.meta.dirname, '..', '..', 'scripts', 'verify-room.ts');
  const verdict = execFileSync(process.execPath, [script, file], { input: `${link}\n`, encoding: 'utf8' });
  expect(verdict).toContain('\nVERIFIED: ');

  const other = await startCodeFace();
  const ben = await openPerson(other.url);
  try {
    const { page } = ben;
    await page.goto('/');
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      page.getByRole('button', { name: 'Open room file' }).click(),
    ]);
    await chooser.setFiles(file);
    const dialog = page.getByRole('dialog', { name: 'Open a room file' });
    const field = dialog.getByRole('textbox', { name: 'Room link' });
    await field.fill(link.slice(0, -1));
    await field.press('Enter');
    await expect(dialog.getByRole('alert')).toContainText('This is not a whole room link');

    await field.fill(link);
    await field.press('Enter');
    await page.waitForURL(/\/r\/[a-z2-7]{52}#e\./);
    expect(new URL(page.url()).origin).toBe(new URL(other.url).origin);
    expect(new URL(page.url()).hash).toBe(new URL(link).hash);
    await expect(page.getByLabel('Room name')).toHaveValue('Tides');
    await openFile(page, 'tides.js');
    expect(await wholeText(page)).toBe(program);
    // What the program said there was in the file too.
    await expect(output(page)).toContainText('ebb and flood');
    await page.keyboard.type("console.log('and here');\n");
    await runUntil(page, 'and here');
    await saved(page);

    await page.goto('/');
    await expect(page.getByRole('list', { name: 'Recent rooms' })).toContainText('Tides');
    await page.getByRole('link', { name: 'Tides' }).click();
    await expect(tree(page).getByRole('treeitem', { name: 'tides.js' })).toBeVisible();
    expect(ben.complaints).toEqual([]);
  } finally {
    await ben.end();
    await other.end();
  }
});

test('a dropped room file that is cut, or no room file at all, is refused in one sentence', async ({
  person,
}) => {
  const { page } = await person();
  await page.goto('/');
  for (const [content, title] of [
    ['codeface/room\0', 'The end of this file is missing'],
    ['PK and so on', 'This is not a room file'],
  ] as const) {
    await drop(page, 'Tides.codeface', content);
    const dialog = page.getByRole('dialog', { name: 'Open a room file' });
    await expect(dialog.getByRole('alert')).toContainText(title);
    await expect(dialog.getByRole('alert')).toContainText('Nothing on this device was changed.');
    await dialog.getByRole('button', { name: 'Close' }).click();
  }
  expect(new URL(page.url()).pathname).toBe('/');
});

/** Holds a file over the page until the page shows that it takes it, as people do, and lets go. */
async function drop(page: Page, name: string, content: string): Promise<void> {
  const act = (kind: 'dragover' | 'drop'): Promise<void> =>
    page.evaluate(
      ([type, fileName, text]) => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([text], fileName));
        document.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
      },
      [kind, name, content] as const,
    );
  await expect(async () => {
    await act('dragover');
    await expect(page.locator('[data-over]')).toBeVisible({ timeout: 100 });
  }).toPass();
  await act('drop');
}
