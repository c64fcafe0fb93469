// Three people with three links: Ann edits, Ben comments, Cleo views. They talk, and each link does what it says.
import { expect, test } from './fixtures/codeface.ts';
import { callMe, linksOf } from './fixtures/people.ts';
import {
  connected,
  editor,
  enterRoom,
  makeRoom,
  openFile,
  readyOffline,
  saved,
  tree,
  wholeText,
} from './fixtures/room.ts';
import type { Locator, Page } from '@playwright/test';

const chat = (page: Page): Locator => page.getByRole('log', { name: 'Messages' });
const field = (page: Page): Locator => page.getByRole('textbox', { name: 'Message', exact: true });
const people = (page: Page): Locator => page.getByRole('list', { name: 'People' });

test('Ann edits, Ben comments and Cleo views: all read the chat, and each link does what it says', async ({
  person,
}) => {
  const [ann, ben, cleo] = [
    await person({ savesData: true }),
    await person({ savesData: true }),
    await person({ savesData: true }),
  ];
  await makeRoom(ann.page);
  await callMe(ann.page, 'Ann');
  const [edit = '', comment = '', view = ''] = await linksOf(ann.page);
  expect([edit, comment, view].map((link) => link.split('#')[1]?.slice(0, 2))).toEqual(['e.', 'c.', 'v.']);
  await openFile(ann.page, 'words.py');
  const before = await wholeText(ann.page);
  await enterRoom(ben.page, comment);
  await callMe(ben.page, 'Ben');
  await enterRoom(cleo.page, view);
  await callMe(cleo.page, 'Cleo');
  for (const { page } of [ann, ben, cleo]) await connected(page, 'Direct · 3 here');

  await test.step('what Ben writes is there for all, and is saved', async () => {
    await field(ben.page).fill('Line 3 looks odd: see https://example.org/x');
    await field(ben.page).press('Enter');
    for (const { page } of [ann, ben, cleo]) await expect(chat(page)).toContainText('Line 3 looks odd');
    await expect(field(ben.page)).toHaveValue('');
    await saved(ben.page);
    await expect(chat(ann.page)).toContainText('Ben');
    const link = chat(cleo.page).getByRole('link', { name: 'https://example.org/x' });
    await expect(link).toHaveAttribute('rel', /noopener noreferrer/);
  });

  await test.step('Ann answers in two lines; markup is only text', async () => {
    await field(ann.page).pressSequentially('Thanks,');
    await field(ann.page).press('Shift+Enter');
    await field(ann.page).pressSequentially('<b>Ben</b>');
    await ann.page.getByRole('button', { name: 'Send' }).click();
    await expect(chat(ben.page)).toContainText('<b>Ben</b>');
    await expect(chat(ben.page).locator('b')).toHaveCount(0);
  });

  await test.step('Ben edits and deletes his own words only, by keyboard', async () => {
    await field(ben.page).fill('Oops');
    await field(ben.page).press('Enter');
    await expect(chat(ann.page)).toContainText('Oops');
    await chat(ben.page).getByRole('button', { name: 'Edit message' }).first().press('Enter');
    const again = ben.page.getByRole('textbox', { name: 'Edit message' });
    await again.fill('Line 4 looks odd');
    await again.press('Enter');
    await expect(chat(ann.page)).toContainText(/Line 4 looks odd\s*\(edited\)/);
    await chat(ben.page).getByRole('button', { name: 'Delete message' }).last().press('Enter');
    await ben.page.getByRole('button', { name: 'Delete', exact: true }).press('Enter');
    await expect(chat(ann.page)).not.toContainText('Oops');
    await expect(chat(ann.page)).toContainText('Deleted');
    // Ann has one message, and the tools for that one.
    await expect(chat(ann.page).getByRole('button', { name: 'Edit message' })).toHaveCount(1);
  });

  await test.step('Ben cannot edit a file, and is told what he can do', async () => {
    await openFile(ben.page, 'words.py');
    await ben.page.keyboard.type('typed by a commenter');
    expect(await wholeText(ben.page)).toBe(before);
    await expect(ben.page.getByText(/this link lets you write in Chat/i).first()).toBeVisible();
    await expect(ben.page.getByRole('button', { name: 'New file' })).toHaveCount(0);
    expect((await linksOf(ben.page)).map((link) => link.split('#')[1]?.[0])).toEqual(['c', 'v']);
    await expect(people(ann.page).getByTitle(/Ben · can comment/)).toHaveCount(1);
  });

  await test.step('Cleo reads and has nowhere to write', async () => {
    await expect(field(cleo.page)).toHaveCount(0);
    await expect(cleo.page.getByText('To write here, ask for a comment link.')).toBeVisible();
    await expect(chat(cleo.page).getByRole('button')).toHaveCount(0);
    await expect(people(ann.page).getByTitle(/Cleo · view only/)).toHaveCount(1);
  });

  await test.step('with his editor forced open Ben changes nobody’s document', async () => {
    await ben.page.evaluate(() => {
      const content = document.querySelector('.cm-content') as HTMLElement & {
        readonly cmTile: { readonly view: { dispatch(change: object): void } };
      };
      content.cmTile.view.dispatch({ changes: { from: 0, insert: '# forced\n' } });
    });
    await openFile(ann.page, 'words.py');
    await ann.page.keyboard.type('# ann\n');
    await expect(editor(ben.page, 'words.py')).toContainText('# ann');
    expect(await wholeText(ann.page)).toBe(`${before}# ann\n`);
  });

  await test.step('TALK-5: Ben comes back alone: his link and the talk are there, and who said what', async () => {
    await ann.page.close();
    await cleo.page.close();
    await ben.page.goto('/');
    await expect(ben.page.getByRole('list', { name: 'Recent rooms' })).toContainText('can comment');
    await ben.page.getByRole('list', { name: 'Recent rooms' }).getByRole('link').first().click();
    await expect(tree(ben.page).getByRole('treeitem').first()).toBeVisible();
    await expect(chat(ben.page)).toContainText(/Line 4 looks odd\s*\(edited\)/);
    await expect(chat(ben.page)).toContainText(/Ann\s*\d\d:\d\d/);
    await field(ben.page).fill('Anyone?');
    await field(ben.page).press('Enter');
    await expect(chat(ben.page)).toContainText('Anyone?');
    await saved(ben.page);
  });
  for (const { complaints } of [ann, ben, cleo]) expect(complaints).toEqual([]);
});

test('on a phone the chat is a pane, with a count of what was not read', async ({ person }) => {
  const [ann, ben] = [
    await person({ savesData: true }),
    await person({ savesData: true, viewport: { width: 390, height: 844 } }),
  ];
  await makeRoom(ann.page);
  const [, comment = ''] = await linksOf(ann.page);
  await ben.page.goto(comment);
  const panes = ben.page.getByRole('navigation', { name: 'Panes' });
  await expect(panes.getByRole('button')).toHaveText([/Files/, /Code/, /Run/, /Output/, /Talk/]);
  await connected(ann.page, 'Direct · 2 here');
  await field(ann.page).fill('Can you see this?');
  await field(ann.page).press('Enter');
  await expect(panes.getByRole('button', { name: 'Talk' })).toContainText('1');
  await panes.getByRole('button', { name: 'Talk' }).click();
  await expect(chat(ben.page)).toContainText('Can you see this?');
  await expect(panes.getByRole('button', { name: 'Talk' })).not.toContainText('1');
  await field(ben.page).fill('Yes');
  await ben.page.getByRole('button', { name: 'Send' }).click();
  await expect(chat(ann.page)).toContainText('Yes');
});

test('what Ann wrote on a train comes in between, and takes nothing from the edit that Ben is at', async ({
  person,
}) => {
  const [ann, ben] = [await person(), await person({ savesData: true })];
  const link = await makeRoom(ann.page);
  await enterRoom(ben.page, link);
  await connected(ann.page, 'Direct · 2 here');
  await readyOffline(ann.page);
  const say = async (page: Page, words: string): Promise<void> => {
    await field(page).fill(words);
    await field(page).press('Enter');
    await saved(page);
  };
  await say(ben.page, 'one');
  await expect(chat(ann.page)).toContainText('one');
  await ann.context.setOffline(true);
  await ann.page.reload();
  await connected(ann.page, 'Offline · 1 here');
  await say(ben.page, 'two');
  await say(ann.page, 'from the train');
  await say(ben.page, 'three');
  await chat(ben.page).getByRole('button', { name: 'Edit message' }).last().press('Enter');
  const edit = ben.page.getByRole('textbox', { name: 'Edit message' });
  await edit.fill('three and a half');

  await ann.context.setOffline(false);
  await expect(chat(ben.page)).toContainText(/two.*from the train/s);
  await expect(edit).toHaveValue('three and a half');
  await expect(edit).toBeFocused();
  await edit.press('Enter');
  await expect(chat(ann.page)).toContainText(/two.*from the train.*three and a half/s);
});

test('the chat takes the focus when it is asked for by its command, and at no other time', async ({
  person,
}) => {
  const [ann, cleo] = [await person({ savesData: true }), await person({ savesData: true })];
  await makeRoom(ann.page);
  const [, , view = ''] = await linksOf(ann.page);
  const command = async (page: Page, words: string): Promise<void> => {
    await page.keyboard.press('ControlOrMeta+k');
    await page.keyboard.type(words);
    await page.keyboard.press('Enter');
  };
  await command(ann.page, 'Write a message');
  await expect(field(ann.page)).toBeFocused();
  await ann.page.getByRole('button', { name: 'Hide chat' }).click();
  await ann.page.getByRole('button', { name: 'Show chat' }).click();
  await expect(field(ann.page)).toBeVisible();
  await expect(ann.page.getByRole('button', { name: 'Hide chat' })).toBeFocused();

  await enterRoom(cleo.page, view);
  await command(cleo.page, 'Read the chat');
  await expect(chat(cleo.page)).toBeFocused();
});
