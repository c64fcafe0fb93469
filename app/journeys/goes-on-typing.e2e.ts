// The room gets new keys while people write: their pages are opened again, and they type on as if nothing had happened.
import { expect, test } from './fixtures/codeface.ts';
import { connected, editor, enterRoom, makeRoom, newFile, openFile, wholeText } from './fixtures/room.ts';
import { callMe, linksOf } from './fixtures/people.ts';
import { typeThrough } from './fixtures/typing.ts';

test('Ann makes Vic a viewer while Ben types in the code and Cleo in the chat: every character arrives, once and in order', async ({
  person,
}) => {
  // Four browsers, and two changes: on two busy cores each takes its time.
  test.setTimeout(120_000);
  const [ann, ben, cleo, vic] = [
    await person({ savesData: true }),
    await person({ savesData: true }),
    await person({ savesData: true }),
    await person({ savesData: true }),
  ];
  await makeRoom(ann.page);
  const [edit = '', comment = ''] = await linksOf(ann.page);
  await newFile(ann.page, 'long.txt', 'line\n'.repeat(200));
  for (const [who, name, link] of [
    [ben, 'Ben', edit],
    [cleo, 'Cleo', comment],
    [vic, 'Vic', edit],
  ] as const) {
    await enterRoom(who.page, link);
    await callMe(who.page, name);
  }
  await connected(ann.page, 'Direct · 4 here');
  const dialog = ann.page.getByRole('dialog', { name: 'People and links' });
  const openPeople = async (): Promise<void> => {
    await ann.page.getByRole('button', { name: 'Share' }).click();
    await ann.page.getByRole('button', { name: 'People and links' }).click();
  };
  const scrollTop = () =>
    ben.page.locator('.cm-scroller').evaluate((scroller) => Math.round(scroller.scrollTop));
  const message = cleo.page.getByRole('textbox', { name: 'Message', exact: true });

  await openFile(ben.page, 'words.py');
  await openFile(ben.page, 'long.txt');
  await ben.page.keyboard.press('Control+Home');
  for (let line = 0; line < 105; line++) await ben.page.keyboard.press('ArrowDown');
  for (let line = 0; line < 5; line++) await ben.page.keyboard.press('ArrowUp');
  await message.fill('Well: .');
  await message.press('ArrowLeft');
  const scrolled = await scrollTop();
  expect(scrolled).toBeGreaterThan(500);

  await test.step('in the middle of a file, and of a message', async () => {
    await openPeople();
    await dialog.getByRole('combobox', { name: 'Role of Vic' }).selectOption('Viewer');
    await dialog.getByRole('button', { name: 'Apply…' }).click();
    const change = dialog.getByRole('button', { name: 'Change and replace all links' });
    await expect(change).toBeVisible();
    // News goes by itself: it is looked at as it comes.
    const news = cleo.page.getByRole('status').filter({ hasText: 'The owner changed who can be here' });
    const stood = news.waitFor().then(() => Promise.all([message.boundingBox(), news.boundingBox()]));
    const vicTold = vic.page.getByText('The owner changed your role: you can read, not write').waitFor();
    let said = '';
    const typed = await typeThrough(ben.page, async () => {
      said = await typeThrough(cleo.page, () => change.click());
    });
    await vicTold;
    const text = 'line\n'.repeat(100) + typed + 'line\n'.repeat(100);
    await expect(editor(ben.page, 'long.txt')).toBeFocused();
    expect(await wholeText(ben.page)).toBe(text);
    expect(Math.abs((await scrollTop()) - scrolled)).toBeLessThan(3);
    await expect(message).toBeFocused();
    await expect(message).toHaveValue(`Well: ${said}.`);
    const [below, above] = await stood;
    expect((above?.y ?? Infinity) + (above?.height ?? 0)).toBeLessThanOrEqual(below?.y ?? 0);
    await openFile(ann.page, 'long.txt');
    await expect.poll(() => wholeText(ann.page)).toBe(text);
  });

  await test.step('Cleo is let edit while she writes a message', async () => {
    await openPeople();
    await dialog.getByRole('combobox', { name: 'Role of Cleo' }).selectOption('Editor');
    await message.fill('');
    const told = cleo.page.getByText('The owner changed your role: you can edit').waitFor();
    const said = await typeThrough(cleo.page, () =>
      dialog.getByRole('button', { name: 'Apply', exact: true }).click(),
    );
    await told;
    await expect(message).toBeFocused();
    await expect(message).toHaveValue(said);
  });

  // Whose statement of new keys was not the first: the server says so, and the room goes on.
  for (const { complaints } of [ann, ben, cleo, vic])
    expect(complaints.filter((one) => !/status of (403|409)/.test(one))).toEqual([]);
});

test('Ben is made a viewer while he types: what no longer fits in is told, and nothing goes unsaid', async ({
  person,
}) => {
  const [ann, ben] = [await person({ savesData: true }), await person({ savesData: true })];
  await makeRoom(ann.page);
  const [edit = ''] = await linksOf(ann.page);
  await enterRoom(ben.page, edit);
  await callMe(ben.page, 'Ben');
  await connected(ann.page, 'Direct · 2 here');
  const text = await openFile(ben.page, 'words.py');
  const before = await wholeText(ben.page);

  const dialog = ann.page.getByRole('dialog', { name: 'People and links' });
  await ann.page.getByRole('button', { name: 'Share' }).click();
  await ann.page.getByRole('button', { name: 'People and links' }).click();
  await dialog.getByRole('combobox', { name: 'Role of Ben' }).selectOption('Viewer');
  await dialog.getByRole('button', { name: 'Apply…' }).click();
  const change = dialog.getByRole('button', { name: 'Change and replace all links' });

  // Where something had not reached the room, the page is not opened again before he says so.
  const readOnly = ben.page.getByText(/^(View only|Read only: the room has new keys, and)/);
  const typed = await typeThrough(
    ben.page,
    () => change.click(),
    async () => (await readOnly.count()) > 0,
  );
  await expect(text).toBeFocused();
  const alert = ben.page.getByRole('alert').filter({ hasText: 'was not put in' });
  const told =
    (await alert.count()) === 0
      ? ''
      : (/“(.*)”$/u.exec((await alert.locator('p').textContent()) ?? '')?.[1] ?? '');
  const kept = (await wholeText(ben.page)).slice(before.length);
  expect(typed.startsWith(kept + told)).toBe(true);
  expect(kept.length).toBeGreaterThan(0);
});
