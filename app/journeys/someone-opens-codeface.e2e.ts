import { expect, test } from './fixtures/codeface.ts';
import { openPerson } from './fixtures/person.ts';
import { enterRoom, makeRoom, newFile, savedStatus, tree } from './fixtures/room.ts';
import { startCodeFace } from './fixtures/server-process.ts';

test('someone opens CodeFace and sees where to begin', async ({ codeface, person }) => {
  const { page, complaints } = await person();
  const answer = await page.goto(codeface.url);
  expect(answer?.headers()['content-security-policy']).toContain("default-src 'none'");

  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await expect(page.getByRole('button', { name: 'New room' })).toBeVisible();
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  await page.waitForLoadState('networkidle');
  expect(complaints, 'what the console complained about').toEqual([]);
});

test('on a slow line a button pressed before the code of the page has come is not pressed in vain', async ({
  person,
}) => {
  const { page } = await person();
  const codeComes = Promise.withResolvers<void>();
  await page.route('**/_app/immutable/**/*.js', async (route) => {
    await codeComes.promise;
    await route.continue();
  });
  await page.goto('/', { waitUntil: 'commit' });
  await page.getByRole('button', { name: 'New room' }).click();
  await expect(page.getByRole('button', { name: 'New room' })).toHaveAttribute('aria-busy', 'true');
  codeComes.resolve();
  await expect(tree(page).getByRole('treeitem')).toHaveCount(4, { timeout: 30_000 });
});

test('the server is well, and says so', async ({ codeface, request }) => {
  await expect
    .poll(async () => (await (await request.get(`${codeface.url}/healthz`)).json()) as unknown)
    .toMatchObject({ status: 'ok', pocketbase: process.env['POCKETBASE_PATH'] ? 'up' : 'off' });
});

test('no archive, and someone opens a link while nobody who has the room is there: it appears when one comes', async () => {
  const codeface = await startCodeFace({ CODEFACE_POCKETBASE: 'off' });
  const ann = await openPerson(codeface.url);
  const ben = await openPerson(codeface.url);
  try {
    const link = await makeRoom(ann.page);
    await expect(savedStatus(ann.page)).toHaveAttribute('title', /This server keeps no archive\./);
    await ann.page.goto('about:blank');

    await ben.page.goto(link);
    await expect(ben.page.getByText('Nobody who has this room is here.')).toBeVisible({ timeout: 20_000 });
    await expect(savedStatus(ben.page)).toHaveText('Nothing to save yet');
    // Nothing could be signed yet, so nothing can be typed.
    await expect(ben.page.getByRole('button', { name: 'New file' })).toHaveCount(0);
    await expect(ben.page.getByRole('log', { name: 'Messages' })).toHaveText(/comes with the room/);
    await expect(ben.page.getByRole('button', { name: 'Invite' })).toHaveCount(0);

    await enterRoom(ann.page, link);
    await expect(tree(ben.page).getByRole('treeitem')).toHaveCount(4, { timeout: 20_000 });
    await newFile(ben.page, 'ben.py', 'print("here")\n');
    await expect(tree(ann.page).getByRole('treeitem', { name: 'ben.py' })).toBeVisible();
  } finally {
    await ann.end();
    await ben.end();
    await codeface.end();
  }
});
