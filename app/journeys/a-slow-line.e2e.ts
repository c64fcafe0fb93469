// Parts of the room come late or not at all: what was pressed shows at once, what is typed is not lost, and all can be closed.
import { expect, test } from './fixtures/codeface.ts';
import { holdBack } from './fixtures/held-back.ts';
import { editor, makeRoom, wholeText } from './fixtures/room.ts';

test('a dialog is there before its content, closes meanwhile, and says what to do where it can’t come', async ({
  person,
}) => {
  const { page } = await person({ serviceWorkers: 'block' });
  const links = await holdBack(page, 'app/lib/workspace/ShareDialog.svelte');
  const people = await holdBack(page, 'app/lib/workspace/PeopleDialog.svelte');
  await makeRoom(page);
  const share = page.getByRole('button', { name: 'Share' });
  const dialog = page.getByRole('dialog', { name: 'Share this room' });

  await share.click();
  await expect(dialog.getByRole('status')).toHaveText('Loading…');
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect(share).toBeFocused();

  await share.click();
  await expect(dialog).toBeVisible();
  await page.mouse.click(5, 400);
  await expect(dialog).toBeHidden();

  await share.click();
  await expect(dialog).toBeVisible();
  links.give();
  await expect(dialog.getByRole('textbox', { name: 'Edit link' })).toBeVisible();
  await expect(dialog.getByText('Loading…')).toBeHidden();

  people.refuse();
  await dialog.getByRole('button', { name: 'People and links' }).click();
  const list = page.getByRole('dialog', { name: 'People and links' });
  await expect(list.getByRole('alert')).toContainText('could not be fetched');
  await expect(list.getByRole('button', { name: 'Try again' })).toBeFocused();
  people.give();
  await list.getByRole('button', { name: 'Try again' }).click();
  await expect(list.getByRole('listitem').first()).toBeVisible();
  expect(await list.evaluate((element) => element.contains(document.activeElement))).toBe(true);
  await page.keyboard.press('Escape');
  await expect(list).toBeHidden();
  await expect(share).toBeFocused();
});

test('Find and the palette take what is typed before they are there', async ({ person }) => {
  const { page } = await person({ serviceWorkers: 'block' });
  const find = await holdBack(page, 'app/lib/editor/searching.ts');
  const palette = await holdBack(page, 'app/lib/workspace/PaletteRows.svelte');
  await makeRoom(page);
  const code = editor(page, 'main.py');
  await code.focus();
  const before = await wholeText(page);
  const field = page.getByRole('textbox', { name: 'Find' });

  await page.keyboard.press('ControlOrMeta+f');
  await page.keyboard.type('print');
  await expect(field).toHaveValue('print');
  await page.keyboard.press('Escape');
  await expect(field).toBeHidden();
  await expect(code).toBeFocused();

  await page.keyboard.press('ControlOrMeta+f');
  await page.keyboard.type('prin');
  find.give();
  await expect(page.getByRole('button', { name: 'next' })).toBeVisible();
  await page.keyboard.type('t');
  await expect(field).toHaveValue('print');
  await page.keyboard.press('Enter');
  await expect.poll(() => page.evaluate(() => String(document.getSelection()))).toBe('print');
  expect(await wholeText(page)).toBe(before);

  await page.keyboard.press('ControlOrMeta+k');
  await page.keyboard.type('theme dark');
  await page.keyboard.press('Enter');
  palette.give();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await expect(page.getByRole('dialog')).toBeHidden();
  expect(await wholeText(page)).toBe(before);
});
