// Ann's room changes who is in it: somebody is removed, somebody was away, and the old links end.
import { expect, test } from './fixtures/codeface.ts';
import {
  connected,
  editor,
  enterRoom,
  makeRoom,
  openFile,
  readyOffline,
  saved,
  wholeText,
} from './fixtures/room.ts';
import { callMe, linksOf } from './fixtures/people.ts';

test('Ann removes Rob and who calls himself “Ben 2”: Rob is told and keeps his words, Ben goes on, Cleo finds her way, and the old link opens nothing', async ({
  person,
}) => {
  // Six browsers: on two busy cores each opens slowly.
  test.setTimeout(120_000);
  const [ann, ben, ben2, rob, cleo] = [
    await person({ savesData: true }),
    await person({ savesData: true }),
    await person({ savesData: true }),
    await person({ savesData: true }),
    // Cleo will be on a train: what opens a room without a network is fetched before.
    await person(),
  ];
  await makeRoom(ann.page);
  await callMe(ann.page, 'Ann');
  const [edit = ''] = await linksOf(ann.page);
  await openFile(ann.page, 'words.py');
  for (const [who, name] of [
    [ben, 'Ben'],
    [ben2, 'Ben 2'],
    [rob, 'Rob'],
    [cleo, 'Cleo'],
  ] as const) {
    await enterRoom(who.page, edit);
    await callMe(who.page, name);
    await openFile(who.page, 'words.py');
  }
  await connected(ann.page, 'Direct · 5 here');
  // He has what he came for, and hopes that nobody remembers him.
  await ben2.page.goto('about:blank');
  const start = await wholeText(ann.page);

  await test.step('Cleo goes on a train, and writes', async () => {
    await readyOffline(cleo.page);
    await cleo.context.setOffline(true);
    await cleo.page.reload();
    await openFile(cleo.page, 'words.py');
    await cleo.page.keyboard.type('# from the train\n');
    await saved(cleo.page);
    await connected(ann.page, 'Direct · 3 here');
  });

  await test.step('Ann removes Rob, sees who stays, and leaves out whom she does not know', async () => {
    await ann.page.getByRole('button', { name: 'Share' }).click();
    await ann.page.getByRole('button', { name: 'People and links' }).click();
    const dialog = ann.page.getByRole('dialog', { name: 'People and links' });
    await dialog.getByRole('combobox', { name: 'Role of Rob' }).selectOption('Remove');
    await dialog.getByRole('button', { name: 'Apply' }).click();
    const staying = dialog.getByRole('list', { name: 'Who stays' });
    const stays = (name: string) => staying.getByRole('checkbox', { name, exact: true });
    await expect(stays('Rob')).not.toBeChecked();
    for (const name of ['Ben', 'Cleo', 'Ben 2']) await expect(stays(name)).toBeChecked();
    await expect(staying.getByRole('listitem').filter({ hasText: 'Cleo' })).toContainText('seen');
    await stays('Ben 2').uncheck();
    await expect(dialog.getByText('2 of 4 stay', { exact: true })).toBeVisible();
    await dialog.getByRole('button', { name: 'Remove and replace all links' }).click();
    await expect(ann.page.getByText('You changed who can be here')).toBeVisible({ timeout: 20_000 });
    await expect(ann.page).toHaveURL(/#e\.1\./);
  });

  await test.step('Rob is told, and what he has stays to be read', async () => {
    await expect(rob.page.getByText('You are no longer let into this room', { exact: true })).toBeVisible();
    await openFile(rob.page, 'words.py');
    expect(await wholeText(rob.page)).toBe(start);
    await expect(editor(rob.page, 'words.py')).toHaveAttribute('aria-readonly', 'true');
  });

  await test.step('so is who was left out beside him, in the same step', async () => {
    await ben2.page.goto(edit);
    await expect(ben2.page.getByText('You are no longer let into this room', { exact: true })).toBeVisible();
  });

  await test.step('Ann and Ben go on', async () => {
    await expect(ben.page).toHaveURL(/#e\.1\./);
    await openFile(ben.page, 'words.py');
    await openFile(ann.page, 'words.py');
    await connected(ann.page, 'Direct · 2 here');
    await editor(ben.page, 'words.py').focus();
    await ben.page.keyboard.press('ControlOrMeta+Home');
    await ben.page.keyboard.type('# after\n');
    await expect.poll(() => wholeText(ann.page)).toBe(`# after\n${start}`);
    expect(await wholeText(rob.page)).toBe(start);
  });

  await test.step('Cleo comes back, with her words', async () => {
    await cleo.context.setOffline(false);
    await expect(cleo.page).toHaveURL(/#e\.1\./, { timeout: 30_000 });
    await openFile(cleo.page, 'words.py');
    await expect.poll(() => wholeText(ann.page)).toContain('# from the train');
    await expect.poll(() => wholeText(cleo.page)).toContain('# after');
    await connected(ann.page, 'Direct · 3 here');
  });

  const eve = await person({ savesData: true });
  await test.step('the old link opens nothing for a stranger', async () => {
    await eve.page.goto(edit);
    await expect(eve.page.getByText('This link was replaced')).toBeVisible({ timeout: 30_000 });
  });

  await test.step('the new one does', async () => {
    const [next = ''] = await linksOf(ann.page);
    expect(next).toMatch(/#e\.1\./);
    await enterRoom(eve.page, next);
    await openFile(eve.page, 'words.py');
    await expect.poll(() => wholeText(eve.page)).toContain('# from the train');
  });
});
