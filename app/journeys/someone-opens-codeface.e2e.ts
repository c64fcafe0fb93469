import { expect, test } from './fixtures/codeface.ts';

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

test('the server is well, and says so', async ({ codeface, request }) => {
  await expect
    .poll(async () => (await (await request.get(`${codeface.url}/healthz`)).json()) as unknown)
    .toMatchObject({ status: 'ok', pocketbase: process.env['POCKETBASE_PATH'] ? 'up' : 'off' });
});
