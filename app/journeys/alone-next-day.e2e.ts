import { expect, test } from './fixtures/codeface.ts';
import {
  archived,
  enterRoom,
  makeRoom,
  newFile,
  openFile,
  savedStatus,
  tree,
  wholeText,
} from './fixtures/room.ts';

const noArchive = !process.env['POCKETBASE_PATH'];
if (noArchive) console.log('These journeys are skipped: POCKETBASE_PATH is not set (npm test sets it).');

test('someone opens a room alone the next day, from another browser, and everything is there', async ({
  person,
}) => {
  test.skip(noArchive, 'no PocketBase');
  const ann = await person({ savesData: true });
  const link = await makeRoom(ann.page);
  await newFile(ann.page, 'tides.py', 'print("ebb and flood")\n');
  await archived(ann.page);
  await ann.kill();

  const ben = await person({ savesData: true });
  await enterRoom(ben.page, link);
  await openFile(ben.page, 'tides.py');
  expect(await wholeText(ben.page)).toBe('print("ebb and flood")\n');
  await ben.page.keyboard.press('Control+End');
  await ben.page.keyboard.type('print("and here")\n');
  await archived(ben.page);
  await ben.kill();

  // What he wrote alone is there for her, whom he never met.
  const again = await ann.reopen();
  await enterRoom(again, link);
  await openFile(again, 'tides.py');
  await expect.poll(() => wholeText(again)).toBe('print("ebb and flood")\nprint("and here")\n');
  expect(ben.complaints).toEqual([]);
});

test('a room made where the browser keeps nothing is in the archive for whoever has its link', async ({
  person,
}) => {
  test.skip(noArchive, 'no PocketBase');
  const ann = await person({ savesData: true });
  await ann.context.addInitScript(() => {
    const open = (): never => {
      throw new DOMException('The operation is insecure.', 'SecurityError');
    };
    Object.defineProperty(globalThis, 'indexedDB', { value: { open, deleteDatabase: open } });
  });
  await ann.page.goto('/');
  await ann.page.getByRole('button', { name: 'New room' }).click();
  await ann.page.waitForURL(/#e\./);
  await expect(savedStatus(ann.page)).toHaveText('Saved in the archive', { timeout: 20_000 });
  const link = ann.page.url();
  await ann.kill();

  const ben = await person({ savesData: true });
  await enterRoom(ben.page, link);
  await expect(tree(ben.page).getByRole('treeitem', { name: 'main.py' })).toBeVisible();
});

test('who made a room deletes it from the server; those who have it keep it, and it can be kept there again', async ({
  person,
}) => {
  test.skip(noArchive, 'no PocketBase');
  const ann = await person({ savesData: true });
  const link = await makeRoom(ann.page);
  await archived(ann.page);
  await ann.page.getByRole('button', { name: 'Share' }).click();
  const share = ann.page.getByRole('dialog', { name: 'Share this room' });
  await expect(share).toContainText('The server keeps an encrypted copy');
  // A second press in the same place is no answer.
  await share.getByRole('button', { name: 'Delete from the server…' }).dblclick();
  await share.getByRole('button', { name: 'Delete from the server' }).click();
  await expect(ann.page.getByText('This room is deleted from the server')).toBeVisible();
  await expect(share.getByRole('button', { name: 'Keep a copy on the server' })).toBeVisible();
  await ann.page.keyboard.press('Escape');
  await newFile(ann.page, 'mine.py', '');
  await expect(savedStatus(ann.page)).toHaveText('Saved on this device');
  await ann.page.goto('about:blank');

  const ben = await person({ savesData: true });
  await ben.page.goto(link);
  await expect(
    ben.page.getByText('Nobody who has this room is here. The server has no copy of it.'),
  ).toBeVisible({
    timeout: 20_000,
  });

  await enterRoom(ann.page, link);
  await expect(tree(ben.page).getByRole('treeitem', { name: 'mine.py' })).toBeVisible({ timeout: 20_000 });
  await ann.page.getByRole('button', { name: 'Share' }).click();
  await share.getByRole('button', { name: 'Keep a copy on the server' }).click();
  await expect(share).toContainText('The server keeps an encrypted copy');
  await ann.page.keyboard.press('Escape');
  await archived(ann.page);
});
