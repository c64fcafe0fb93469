// Several tabs of one browser in a room: they connect once for all, and when the tab that does dies nobody notices.
import type { Page } from '@playwright/test';
import { expect, test, type Person } from './fixtures/codeface.ts';
import { callMe } from './fixtures/people.ts';
import { connected, connection, enterRoom, makeRoom, newFile, openFile, wholeText } from './fixtures/room.ts';

declare global {
  /** How many direct connections the page has made. */
  var directConnections: number;
  /** The fewest people that the page has shown since it began to look. */
  var fewestPeople: number;
}

const countConnections = ({ context }: Person): Promise<unknown> =>
  context.addInitScript(() => {
    globalThis.directConnections = 0;
    globalThis.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        globalThis.directConnections++;
      }
    };
  });

const connectionsOf = (pages: readonly Page[]): Promise<number[]> =>
  Promise.all(pages.map((page) => page.evaluate(() => globalThis.directConnections)));

const carets = (page: Page) => page.locator('.cm-peer-carets').getByText('Ann', { exact: true });

async function room(person: () => Promise<Person>) {
  const [ann, ben] = [await person(), await person()];
  for (const each of [ann, ben]) await countConnections(each);
  const link = await makeRoom(ann.page);
  await callMe(ann.page, 'Ann');
  await newFile(ann.page, 'both.txt', '');
  const second = await ann.context.newPage();
  await enterRoom(second, link);
  await enterRoom(ben.page, link);
  await callMe(ben.page, 'Ben');
  const third = await ann.context.newPage();
  await enterRoom(third, link);
  const tabs = { first: ann.page, second, third };
  for (const page of Object.values(tabs)) await connected(page, 'Direct · 2 here');
  await connected(ben.page, 'Direct · 2 here');
  return { ann, ben, ...tabs };
}

test('three tabs of Ann are one connection to Ben: what is typed in each arrives, and where she is', async ({
  person,
}) => {
  const { ben, first, second, third } = await room(person);
  for (const page of [second, third])
    await expect(connection(page)).toHaveAttribute(
      'title',
      /Your other tab of this room connects for this one/,
    );
  expect(await connectionsOf([first, second, third, ben.page])).toEqual([1, 0, 0, 1]);

  await openFile(ben.page, 'both.txt');
  await openFile(third, 'both.txt');
  await third.keyboard.type('from the third');
  await expect.poll(() => wholeText(ben.page)).toBe('from the third');
  // Her first tab has the file open too.
  await expect(carets(ben.page)).toHaveCount(2);
  await ben.page.keyboard.press('Control+End');
  await ben.page.keyboard.press('Enter');
  await ben.page.keyboard.type('and back');
  await expect.poll(() => wholeText(third)).toBe('from the third\nand back');
  await expect(third.locator('.cm-peer-carets').getByText('Ben', { exact: true })).toBeVisible();
  expect(await connectionsOf([first, second, third, ben.page])).toEqual([1, 0, 0, 1]);
});

/** Its process ends without a word: the command itself is never answered. */
async function crash(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const crashed = page.waitForEvent('crash');
  session.send('Page.crash').catch(() => undefined);
  await crashed;
}

/** As a telephone does with a tab that nobody looks at: it keeps its locks and its links, and does nothing. */
async function putToSleep(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send('Debugger.enable');
  await session.send('Debugger.pause');
}

for (const [how, end] of [
  ['crashes', crash],
  ['is closed', (page: Page) => page.close()],
  ['is put to sleep', putToSleep],
] as const)
  test(`the tab that connects ${how} while Ann types in another: everything arrives, and nobody sees her leave`, async ({
    person,
  }) => {
    const { ben, first, second, third } = await room(person);
    await openFile(ben.page, 'both.txt');
    await openFile(third, 'both.txt');
    await ben.page.evaluate(() => {
      const list = document.querySelector('ul[aria-label="People"]');
      if (list === null) throw new Error('no list of people');
      const count = (): void =>
        void (globalThis.fewestPeople = Math.min(
          globalThis.fewestPeople,
          list.querySelectorAll('[data-peer]').length,
        ));
      globalThis.fewestPeople = Infinity;
      count();
      new MutationObserver(count).observe(list, { childList: true, subtree: true });
    });
    const text = 'a sentence of no great interest that goes on and on, and on';
    let dying: Promise<unknown> | undefined;
    for (const [i, letter] of [...text].entries()) {
      await third.keyboard.type(letter, { delay: 40 });
      if (i === 10) dying = end(first);
    }
    await dying;
    await expect.poll(() => wholeText(ben.page)).toBe(text);
    for (const page of [second, third, ben.page]) await connected(page, 'Direct · 2 here');
    expect(await ben.page.evaluate(() => globalThis.fewestPeople)).toBe(2);
    const follows = async (page: Page): Promise<boolean> =>
      ((await connection(page).getAttribute('title')) ?? '').includes('Your other tab');
    await expect
      .poll(
        async () => [await follows(second), await follows(third)].filter(Boolean).length,
        'one of them connects',
      )
      .toBe(1);
    await ben.page.keyboard.press('Control+End');
    await ben.page.keyboard.type('!');
    await expect.poll(() => wholeText(third)).toBe(`${text}!`);
  });

test('in a browser without Web Locks each tab connects for itself', async ({ person }) => {
  const [ann, ben] = [await person(), await person()];
  for (const each of [ann, ben]) await countConnections(each);
  await ann.context.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, 'locks'));
  const link = await makeRoom(ann.page);
  await enterRoom(ben.page, link);
  const second = await ann.context.newPage();
  await enterRoom(second, link);
  for (const page of [ann.page, second, ben.page]) await connected(page, 'Direct · 2 here');
  expect(await connectionsOf([ann.page, second, ben.page]), 'each with each').toEqual([2, 2, 2]);
});
