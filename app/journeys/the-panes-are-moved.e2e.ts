// The lines between the panes: by pointer and by keys, as far as they go, and where they were after a reload.
import type { Locator, Page } from '@playwright/test';
import { expect, test } from './fixtures/codeface.ts';
import { makeRoom, tree } from './fixtures/room.ts';

const line = (page: Page, name: string): Locator => page.getByRole('separator', { name });
const middle = async (of: Locator): Promise<{ x: number; y: number }> => {
  const box = await of.boundingBox();
  if (!box) throw new Error('The line is not shown.');
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
};

async function drag(page: Page, name: string, x: number, y: number): Promise<void> {
  const from = await middle(line(page, name));
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(from.x + x / 2, from.y + y / 2);
  await page.mouse.move(from.x + x, from.y + y);
  await page.mouse.up();
}

test('Ann makes room for what she looks at: the panes go where she moves their lines, and stay there', async ({
  person,
}) => {
  const ann = await person({ savesData: true, viewport: { width: 1400, height: 900 } });
  const { page } = ann;
  await makeRoom(page);
  const at = (name: string, way: 'x' | 'y') => async (): Promise<number> =>
    Math.round((await middle(line(page, name)))[way]);
  const files = at('Width of Files', 'x');
  const talk = at('Width of Talk', 'x');
  const output = at('Height of Output', 'y');
  const begin = { files: await files(), talk: await talk(), output: await output() };

  await drag(page, 'Width of Files', 90, 0);
  await drag(page, 'Width of Talk', -60, 0);
  await drag(page, 'Height of Output', 0, -120);
  const near = (value: number, wanted: number): void =>
    expect(Math.abs(value - wanted)).toBeLessThanOrEqual(1);
  near(await files(), begin.files + 90);
  near(await talk(), begin.talk - 60);
  near(await output(), begin.output - 120);
  await expect(line(page, 'Width of Files'), 'a drag leaves no focus behind').not.toBeFocused();

  await page.reload();
  await expect(tree(page)).toBeVisible();
  near(await files(), begin.files + 90);
  near(await talk(), begin.talk - 60);
  near(await output(), begin.output - 120);

  // A narrow window takes nothing from what was wanted.
  await page.setViewportSize({ width: 760, height: 900 });
  await expect.poll(files).toBe(Math.round(760 * 0.4));
  await page.setViewportSize({ width: 1400, height: 900 });
  await expect.poll(async () => Math.abs((await files()) - begin.files - 90)).toBeLessThanOrEqual(1);

  await line(page, 'Width of Files').focus();
  await page.keyboard.press('ArrowRight');
  near(await files(), begin.files + 90 + 140);
  await page.keyboard.press('Home');
  near(await files(), 160);
  await page.keyboard.press('End');
  near(await files(), 560);
  await expect(line(page, 'Width of Files')).toHaveAttribute('aria-valuenow', '40');
  // Past its end it stays, and nothing else moves.
  await page.keyboard.press('ArrowRight');
  near(await files(), 560);
  near(await talk(), begin.talk - 60);
  await line(page, 'Width of Talk').focus();
  await page.keyboard.press('End');
  near(await talk(), 1400 - 220);
  expect(ann.complaints).toEqual([]);
});
