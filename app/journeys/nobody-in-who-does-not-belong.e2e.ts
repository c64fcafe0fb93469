import { expect, test } from './fixtures/codeface.ts';
import {
  connected,
  editor,
  enterRoom,
  makeRoom,
  openFile,
  output,
  runUntil,
  wholeText,
} from './fixtures/room.ts';

test('a viewer reads along and runs alone; with the editor forced open they change nobody’s document', async ({
  person,
}) => {
  const [ann, vic] = [await person(), await person()];
  await makeRoom(ann.page);
  await ann.page.getByRole('button', { name: 'Share' }).click();
  const link = await ann.page.getByRole('textbox', { name: 'View link' }).inputValue();
  expect(link).toContain('#v.');
  await ann.page.keyboard.press('Escape');
  await openFile(ann.page, 'words.py');
  const before = await wholeText(ann.page);

  await enterRoom(vic.page, link);
  await connected(ann.page, 'Direct · 2 here');
  await openFile(vic.page, 'words.py');
  await vic.page.keyboard.type('typed by a viewer');
  expect(await wholeText(vic.page)).toBe(before);
  await expect(vic.page.getByRole('button', { name: 'New file' })).toHaveCount(0);

  await test.step('the editor is forced open', async () => {
    await vic.page.evaluate(() => {
      const content = document.querySelector('.cm-content') as HTMLElement & {
        readonly cmTile: { readonly view: { dispatch(change: object): void } };
      };
      content.cmTile.view.dispatch({ changes: { from: 0, insert: '# forced\n' } });
    });
    expect(await wholeText(vic.page)).toContain('# forced');
    // An edit of Ann's that the viewer then shows has passed everything of the viewer's on the way.
    await openFile(ann.page, 'words.py');
    await ann.page.keyboard.type('# ann\n');
    await expect(editor(vic.page, 'words.py')).toContainText('# ann');
    expect(await wholeText(ann.page)).toBe(`${before}# ann\n`);
  });

  await test.step('a viewer’s run is theirs alone, and says so', async () => {
    await openFile(vic.page, 'shapes.ts');
    await runUntil(vic.page, /exit 0 · \d/);
    await expect(
      vic.page
        .getByText(/only you/i)
        .or(vic.page.getByText(/yours alone/i))
        .first(),
    ).toBeVisible();
    // Nobody else's page has a run to show.
    await expect(output(ann.page)).toHaveCount(0);
  });
});

test('a link that was cut, mistyped or is of another room says so plainly', async ({ person }) => {
  const { page } = await person();
  const link = await makeRoom(page);
  const open = async (wrong: string): Promise<void> => {
    await page.goto('about:blank');
    await page.goto(wrong);
  };
  await open(link.split('#')[0] ?? '');
  await expect(page.getByRole('heading', { level: 1 })).toContainText('lost its key');
  await open(link.slice(0, -5));
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await expect(page.getByRole('tree')).toHaveCount(0);
  await open(link.replace(/\/r\/..../, '/r/aaaa!'));
  await expect(page.getByRole('heading', { level: 1 })).toContainText('names no room');
});
