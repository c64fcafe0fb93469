import { expect, test } from './fixtures/codeface.ts';
import {
  connected,
  editor,
  enterRoom,
  makeRoom,
  newFile,
  openFile,
  output,
  runUntil,
  saved,
  tree,
} from './fixtures/room.ts';

test('two people write and run a program together, and nobody needed an account', async ({ person }) => {
  const ann = await person();
  const ben = await person({ colorScheme: 'dark' });

  await test.step('Ann makes a room; a small project greets her, and it runs', async () => {
    await makeRoom(ann.page);
    await expect(tree(ann.page).getByRole('treeitem')).toHaveCount(4);
    await connected(ann.page, 'Alone · 1 here');
    await openFile(ann.page, 'shapes.ts');
    await runUntil(ann.page, /exit 0 · \d/);
    await expect(output(ann.page)).toContainText('circle 3.14');
  });

  await test.step('she shares the link, and Ben opens it in another browser', async () => {
    await ann.page.getByRole('button', { name: 'Share' }).click();
    const dialog = ann.page.getByRole('dialog', { name: 'Share this room' });
    const link = await dialog.getByRole('textbox', { name: 'Edit link' }).inputValue();
    await expect(dialog.getByRole('img', { name: 'QR code' })).toBeVisible();
    await ann.page.keyboard.press('Escape');
    await enterRoom(ben.page, link);
    await connected(ann.page, 'Direct · 2 here');
    await connected(ben.page, 'Direct · 2 here');
    await expect(ben.page.getByRole('list', { name: 'People' }).getByRole('listitem')).toHaveCount(2);
  });

  await test.step('Ben sees the run that Ann made before he came', async () => {
    await expect(output(ben.page)).toContainText('circle 3.14');
  });

  await test.step('both type in one file; each sees the other’s words and name', async () => {
    await newFile(ann.page, 'song.py', 'verse = ["one", "two"]\n');
    const bens = await openFile(ben.page, 'song.py');
    await expect(bens).toContainText('verse');
    await ben.page.keyboard.type('print(verse[0])\n');
    const anns = editor(ann.page, 'song.py');
    await expect(anns).toContainText('print(verse[0])');
    await openFile(ann.page, 'song.py');
    await ann.page.keyboard.type('print(verse[1])\n');
    await expect(bens).toContainText('print(verse[1])');
    const name = await ben.page.getByRole('button', { name: /^You: / }).getAttribute('aria-label');
    await expect(ann.page.locator('.cm-editor')).toContainText((name ?? '').replace('You: ', ''));
  });

  await test.step('Ann runs it; both see the same output and who ran it', async () => {
    await runUntil(ann.page, /exit 0 · \d/);
    await expect(output(ann.page)).toContainText('one\ntwo', { useInnerText: true });
    await expect(output(ben.page)).toContainText('one\ntwo', { useInnerText: true });
    await expect(output(ben.page)).toContainText(/exit 0 · \d/);
    const name = await ann.page.getByRole('button', { name: /^You: / }).getAttribute('aria-label');
    await expect(ben.page.getByText(`${(name ?? '').replace('You: ', '')} ran this`)).toBeVisible();
  });

  await test.step('undo takes back what is mine alone', async () => {
    await ann.page.keyboard.press('Escape');
    await openFile(ann.page, 'song.py');
    await ann.page.keyboard.type('# mine');
    await openFile(ben.page, 'song.py');
    await ben.page.keyboard.press('Control+Home');
    await ben.page.keyboard.type('# his\n');
    await expect(editor(ann.page, 'song.py')).toContainText('# his');
    await editor(ann.page, 'song.py').focus();
    await ann.page.keyboard.press('Control+z');
    await expect(editor(ann.page, 'song.py')).not.toContainText('# mine');
    await expect(editor(ann.page, 'song.py')).toContainText('# his');
  });

  await test.step('a deleted file comes back with Undo', async () => {
    await tree(ann.page).getByRole('treeitem', { name: 'words.py' }).focus();
    await ann.page.keyboard.press('Delete');
    await expect(tree(ben.page).getByRole('treeitem', { name: 'words.py' })).toHaveCount(0);
    await ann.page.getByRole('button', { name: 'Undo' }).click();
    await expect(tree(ben.page).getByRole('treeitem', { name: 'words.py' })).toBeVisible();
  });

  await test.step('a program asks, and Ann answers', async () => {
    await openFile(ann.page, 'main.py');
    await ann.page.getByRole('button', { name: 'Run' }).first().click();
    const input = ann.page.getByRole('textbox', { name: 'Program input' });
    await input.fill('Ann');
    await input.press('Enter');
    await expect(output(ben.page)).toContainText('Hello, Ann. This ran in your tab.');
  });

  await saved(ann.page);
  await saved(ben.page);
  expect([...ann.complaints, ...ben.complaints], 'what the consoles complained about').toEqual([]);
});
