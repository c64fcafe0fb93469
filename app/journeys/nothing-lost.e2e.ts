import { expect, test } from './fixtures/codeface.ts';
import {
  connected,
  editor,
  enterRoom,
  makeRoom,
  newFile,
  openFile,
  paste,
  readyOffline,
  saved,
  savedStatus,
  tree,
  wholeText,
} from './fixtures/room.ts';

test('the server is killed mid-typing, and both keep editing', async ({ codeface, person }) => {
  const [ann, ben] = [await person(), await person()];
  const link = await makeRoom(ann.page);
  await newFile(ann.page, 'poem.txt', '');
  await enterRoom(ben.page, link);
  await connected(ann.page, 'Direct · 2 here');
  await connected(ben.page, 'Direct · 2 here');
  await openFile(ben.page, 'poem.txt');

  await openFile(ann.page, 'poem.txt');
  const typing = ann.page.keyboard.type('The server may go, and the words stay. ', { delay: 20 });
  await codeface.kill();
  await typing;
  await expect(editor(ben.page, 'poem.txt')).toContainText('and the words stay.');
  await ben.page.keyboard.type('They do.');
  await expect(editor(ann.page, 'poem.txt')).toContainText('They do.');
  await expect(ann.page.getByRole('status', { name: 'Connection' })).toHaveText('Direct · 2 here');
  await saved(ann.page);
});

test('the tab is killed right after “Saved on this device”, and every character is there', async ({
  person,
}) => {
  const ann = await person();
  const link = await makeRoom(ann.page);
  await newFile(ann.page, 'notes.txt', '');
  const typed = 'Nothing that was called saved may be missing: 0123456789';
  await ann.page.keyboard.type(typed);
  await saved(ann.page);
  await ann.kill();

  const page = await ann.reopen();
  await enterRoom(page, link);
  await openFile(page, 'notes.txt');
  expect(await wholeText(page)).toBe(typed);
});

test('two people offline edit the same file; both come back, and both edits are there', async ({
  codeface,
  person,
}) => {
  const [ann, ben] = [await person(), await person()];
  const link = await makeRoom(ann.page);
  await newFile(ann.page, 'plan.txt', 'plan: ');
  await enterRoom(ben.page, link);
  await openFile(ben.page, 'plan.txt');
  await connected(ann.page, 'Direct · 2 here');
  await readyOffline(ann.page);
  await readyOffline(ben.page);

  // With the server gone and the pages closed there is no path between them; each reopens from its own device.
  await ann.context.setOffline(true);
  await ben.context.setOffline(true);
  await codeface.kill();
  await Promise.all([ann, ben].map(({ page }) => page.reload()));
  await connected(ann.page, 'Offline · 1 here');
  await openFile(ann.page, 'plan.txt');
  await ann.page.keyboard.type('ann was here. ');
  await openFile(ben.page, 'plan.txt');
  await ben.page.keyboard.type('ben was here. ');
  await saved(ann.page);
  await saved(ben.page);

  await codeface.restart();
  await ann.context.setOffline(false);
  await ben.context.setOffline(false);
  await connected(ann.page, 'Direct · 2 here');
  for (const { page } of [ann, ben]) {
    await expect(editor(page, 'plan.txt')).toContainText('ann was here.');
    await expect(editor(page, 'plan.txt')).toContainText('ben was here.');
  }
  expect(await wholeText(ann.page)).toBe(await wholeText(ben.page));
});

test('a paste of 5 MB arrives whole', async ({ person }) => {
  const [ann, ben] = [await person(), await person()];
  const link = await makeRoom(ann.page);
  await newFile(ann.page, 'large.txt', '');
  await enterRoom(ben.page, link);
  await connected(ann.page, 'Direct · 2 here');
  await openFile(ben.page, 'large.txt');
  await openFile(ann.page, 'large.txt');

  const line = 'The quick brown fox jumps over the lazy dog, and the fox is quick. ';
  const text = Array.from(
    { length: Math.ceil((5 * 1024 * 1024) / 76) },
    (_, i) => `${String(i).padStart(8)} ${line}`,
  ).join('\n');
  await paste(ann.page, text);
  await expect(savedStatus(ann.page)).toHaveText(/^Saved (on this device|here and in the archive)$/, {
    timeout: 30_000,
  });
  await expect.poll(async () => (await wholeText(ben.page)).length, { timeout: 30_000 }).toBe(text.length);
  expect(await wholeText(ben.page)).toBe(text);
  await ben.page.keyboard.press('Control+Home');
  await ben.page.keyboard.type('still quick: ');
  await expect.poll(async () => (await wholeText(ann.page)).startsWith('still quick: ')).toBe(true);
});

test('a project dropped in comes out byte for byte', async ({ person }) => {
  const ann = await person();
  await makeRoom(ann.page);
  const binary = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 31) % 256);
  const files = [
    { name: 'crlf.txt', text: 'one\r\ntwo\r\n' },
    { name: 'bom.txt', text: '\ufeffhello\n' },
    { name: 'picture.bin', bytes: [...binary] },
  ];
  await ann.page.evaluate((dropped) => {
    const dataTransfer = new DataTransfer();
    for (const { name, text, bytes } of dropped)
      dataTransfer.items.add(new File([bytes ? Uint8Array.from(bytes) : (text ?? '')], name));
    for (const type of ['dragenter', 'dragover', 'drop'])
      document
        .querySelector('[role=tree]')
        ?.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
  }, files);
  await expect(tree(ann.page).getByRole('treeitem', { name: 'picture.bin' })).toBeVisible();
  await saved(ann.page);

  const download = ann.page.waitForEvent('download');
  await ann.page.getByRole('button', { name: 'Download project' }).click();
  const { readFile } = await import('node:fs/promises');
  const { unzipSync } = await import('fflate');
  const zip = unzipSync(await readFile(await (await download).path()));
  expect([...(zip['picture.bin'] ?? [])]).toEqual([...binary]);
  expect(Buffer.from(zip['crlf.txt'] ?? []).toString()).toBe('one\r\ntwo\r\n');
  expect([...(zip['bom.txt'] ?? [])]).toEqual([0xef, 0xbb, 0xbf, ...Buffer.from('hello\n')]);
});
