// Ann gives Vic more than Vic came with, and lets Rob in again, whom she had left out: nobody else notices either.
import { expect, test } from './fixtures/codeface.ts';
import { connected, editor, enterRoom, makeRoom, openFile, wholeText } from './fixtures/room.ts';
import { callMe, linksOf } from './fixtures/people.ts';

test('Vic, who came to read, is let edit under the same links; Rob, left out by mistake, comes back by himself', async ({
  person,
}) => {
  test.setTimeout(90_000);
  const [ann, ben, vic, rob] = [
    await person({ savesData: true }),
    await person({ savesData: true }),
    await person({ savesData: true }),
    await person({ savesData: true }),
  ];
  await makeRoom(ann.page);
  await callMe(ann.page, 'Ann');
  const [edit = '', , view = ''] = await linksOf(ann.page);
  for (const [who, name, link] of [
    [ben, 'Ben', edit],
    [vic, 'Vic', view],
    [rob, 'Rob', edit],
  ] as const) {
    await enterRoom(who.page, link);
    await callMe(who.page, name);
  }
  await openFile(ann.page, 'words.py');
  await connected(ann.page, 'Direct · 4 here');
  const start = await wholeText(ann.page);
  const dialog = ann.page.getByRole('dialog', { name: 'People and links' });
  const openPeople = async (): Promise<void> => {
    await ann.page.getByRole('button', { name: 'Share' }).click();
    await ann.page.getByRole('button', { name: 'People and links' }).click();
  };
  const role = (name: string) => dialog.getByRole('combobox', { name: `Role of ${name}` });
  const type = async ({ page }: typeof ann, words: string): Promise<void> => {
    await openFile(page, 'words.py');
    await expect(editor(page, 'words.py')).not.toHaveAttribute('aria-readonly', 'true');
    await editor(page, 'words.py').focus();
    await page.keyboard.press('ControlOrMeta+Home');
    await page.keyboard.type(words);
    await expect.poll(() => wholeText(ann.page)).toContain(words.trim());
  };

  await test.step('Vic may edit now, and the links are what they were', async () => {
    await expect(vic.page).toHaveURL(/#v\.0\./);
    await openPeople();
    await role('Vic').selectOption('Editor');
    await expect(dialog.getByText('Vic becomes an editor. Links')).toBeVisible();
    await dialog.getByRole('button', { name: 'Apply', exact: true }).click();
    await expect(vic.page.getByText('The owner changed your role: you can edit')).toBeVisible();
    await expect(vic.page).toHaveURL(/#e\.0\./);
    await expect(role('Vic')).toHaveValue('editor');
    await ann.page.keyboard.press('Escape');
    await type(vic, '# vic\n');
    await expect(ben.page).toHaveURL(edit);
    expect((await linksOf(ann.page))[0]).toBe(edit);
  });

  await test.step('Ann leaves Rob out, and learns that it was a mistake', async () => {
    await openPeople();
    await role('Rob').selectOption('Remove');
    await dialog.getByRole('button', { name: 'Apply…' }).click();
    await dialog.getByRole('button', { name: 'Remove and replace all links' }).click();
    await expect(rob.page.getByText('You are no longer let into this room', { exact: true })).toBeVisible({
      timeout: 20_000,
    });
    await expect(ann.page).toHaveURL(/#e\.1\./);
    await openFile(ann.page, 'words.py');
  });

  await test.step('Rob is let in again: his page goes on by itself', async () => {
    await openPeople();
    const out = dialog.getByRole('list', { name: 'Left out: give a role to let somebody in again' });
    await expect(out.getByRole('listitem')).toHaveCount(1);
    await role('Rob').selectOption('Editor');
    await dialog.getByRole('button', { name: 'Apply', exact: true }).click();
    await expect(rob.page.getByText('You are let into this room again')).toBeVisible({ timeout: 20_000 });
    await expect(rob.page).toHaveURL(/#e\.1\./);
    await expect(out).toBeHidden();
    await ann.page.keyboard.press('Escape');
    await type(rob, '# rob\n');
    await openFile(ben.page, 'words.py');
    await expect.poll(() => wholeText(ben.page)).toBe(`# rob\n# vic\n${start}`);
  });
});
