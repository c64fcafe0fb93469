// A room outlives its owner's browser: by the recovery code, which also hands it over.
import type { Page } from '@playwright/test';
import { expect, test } from './fixtures/codeface.ts';
import { archived, connected, enterRoom, makeRoom } from './fixtures/room.ts';
import { callMe, linksOf } from './fixtures/people.ts';

/** Opens "People and links". */
async function people(page: Page) {
  await page.getByRole('button', { name: 'Share' }).click();
  await page.getByRole('button', { name: 'People and links' }).click();
  return page.getByRole('dialog', { name: 'People and links' });
}

/** Makes the room's recovery code, and writes it down. */
async function writeCodeDown(page: Page): Promise<string> {
  await (await people(page)).getByRole('button', { name: 'Recovery code…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Recovery code' });
  const shown = dialog.getByLabel('New recovery code');
  await expect(shown).toHaveText(/^([0-9A-HJKMNP-TV-Z]{5}-){5}[0-9A-HJKMNP-TV-Z]{5}$/);
  const code = await shown.innerText();
  await expect(dialog.getByRole('button', { name: 'Use this code' })).toBeDisabled();
  await dialog.getByLabel('I have written it down or saved it').check();
  await dialog.getByRole('button', { name: 'Use this code' }).click();
  await expect(dialog.getByText('That is the room’s recovery code now.')).toBeVisible();
  await page.keyboard.press('Escape');
  return code;
}

/** Types it where the room asks for it. */
async function typeCode(page: Page, code: string): Promise<void> {
  await (await people(page)).getByRole('button', { name: 'I have the recovery code…' }).click();
  await page.getByLabel('Recovery code of this room').fill(code);
  await page.getByRole('button', { name: 'Continue' }).click();
}

test('Ann loses her browser, and with the code on paper her new one removes somebody', async ({ person }) => {
  const [ann, rob] = [await person({ savesData: true }), await person({ savesData: true })];
  await makeRoom(ann.page);
  await callMe(ann.page, 'Ann');
  const [edit = ''] = await linksOf(ann.page);
  await enterRoom(rob.page, edit);
  await callMe(rob.page, 'Rob');
  await connected(ann.page, 'Direct · 2 here');
  const code = await writeCodeDown(ann.page);
  await archived(ann.page);

  await test.step('her profile is gone', () => ann.kill());
  const anew = await person({ savesData: true });
  await enterRoom(anew.page, edit);
  await callMe(anew.page, 'Ann anew');
  await connected(anew.page, 'Direct · 2 here');

  await test.step('a code with a slip is told from another room’s', async () => {
    const slip = code.replace(/.$/, (last) => (last === '7' ? '8' : '7'));
    await typeCode(anew.page, slip);
    await expect(anew.page.getByText('There is a mistake in it')).toBeVisible();
    await anew.page.keyboard.press('Escape');
  });

  await test.step('she types it, small and without dashes', async () => {
    await typeCode(anew.page, code.toLowerCase().replaceAll('-', ' '));
    await anew.page.getByRole('radio', { name: /Only this browser/ }).check();
    await anew.page.getByRole('button', { name: 'Own this room here' }).click();
    await expect(anew.page.getByText('Only this browser owns the room now.')).toBeVisible();
  });

  await test.step('she removes Rob', async () => {
    await anew.page.getByRole('button', { name: 'People and links' }).last().click();
    const dialog = anew.page.getByRole('dialog', { name: 'People and links' });
    await dialog.getByRole('combobox', { name: 'Role of Rob' }).selectOption('Remove');
    await dialog.getByRole('button', { name: 'Apply' }).click();
    await dialog.getByRole('button', { name: 'Remove and replace all links' }).click();
    await expect(anew.page).toHaveURL(/#e\.1\./, { timeout: 20_000 });
    await expect(rob.page.getByText('You are no longer let into this room', { exact: true })).toBeVisible();
  });

  await test.step('the server follows her: a stranger with the new link gets the room from it, with the old one nothing', async () => {
    await archived(anew.page);
    const [next = ''] = await linksOf(anew.page);
    await anew.kill();
    const dan = await person({ savesData: true });
    await enterRoom(dan.page, next);
    await expect(dan.page.getByText('changed who can be here')).toHaveCount(0);
    const eve = await person({ savesData: true });
    await eve.page.goto(edit);
    await expect(eve.page.getByText('This link was replaced')).toBeVisible({ timeout: 30_000 });
  });
});

test('Ann hands the room over to Ben: her dialog says so, and offers nothing that it can’t do', async ({
  person,
}) => {
  const [ann, ben] = [await person({ savesData: true }), await person({ savesData: true })];
  await makeRoom(ann.page);
  await callMe(ann.page, 'Ann');
  const [edit = ''] = await linksOf(ann.page);
  await enterRoom(ben.page, edit);
  await callMe(ben.page, 'Ben');
  await connected(ann.page, 'Direct · 2 here');
  const code = await writeCodeDown(ann.page);

  await test.step('she reads how', async () => {
    await (await people(ann.page)).getByRole('button', { name: 'Hand over…' }).click();
    await expect(ann.page.getByText('Give the person the room’s recovery code')).toBeVisible();
    await ann.page.keyboard.press('Escape');
  });

  await test.step('first Ben owns it beside her, and replaces the links: she reads that it was not her', async () => {
    await typeCode(ben.page, code);
    await ben.page.getByRole('button', { name: 'Own this room here' }).click();
    await expect(ann.page.getByText('Another browser owns this room now')).toBeVisible();
    await expect(ann.page.getByText('2 browsers own the room')).toBeVisible();
    await ben.page.getByRole('dialog').getByRole('button', { name: 'People and links' }).click();
    const mine = ben.page
      .getByRole('list', { name: 'Who can be in this room' })
      .getByRole('listitem')
      .first();
    await expect(mine).toContainText('you · owner');
    await ben.page.getByRole('button', { name: 'Replace all links…' }).click();
    await ben.page.getByRole('button', { name: 'Replace all links', exact: true }).click();
    await expect(ben.page.getByText('You changed who can be here')).toBeVisible({ timeout: 20_000 });
    await expect(ann.page.getByText('The owner changed who can be here')).toBeVisible({ timeout: 20_000 });
  });

  await test.step('Ben takes it over, with a new code', async () => {
    await typeCode(ben.page, code);
    await ben.page.getByRole('radio', { name: /Take the room over/ }).check();
    await ben.page.getByRole('button', { name: 'Continue' }).click();
    const dialog = ben.page.getByRole('dialog');
    await expect(dialog.getByLabel('New recovery code')).not.toHaveText(code);
    await dialog.getByLabel('I have written it down or saved it').check();
    await dialog.getByRole('button', { name: 'Take the room over' }).click();
    await expect(dialog.getByText('The room is yours')).toBeVisible();
    await ben.page.keyboard.press('Escape');
  });

  await test.step('Ann is told, and can’t change anything', async () => {
    await expect(ann.page.getByText('This browser doesn’t own the room any more')).toBeVisible();
    const dialog = await people(ann.page);
    await expect(dialog.getByText('This browser owned the room until')).toBeVisible();
    await expect(dialog.getByRole('combobox')).toHaveCount(0);
    for (const gone of [/Replace all links/, /Hand over/, /^Recovery code/])
      await expect(dialog.getByRole('button', { name: gone })).toHaveCount(0);
    await ann.page.keyboard.press('Escape');
  });

  await test.step('her copy of the code counts no more', async () => {
    await typeCode(ann.page, code);
    await expect(ann.page.getByText('not the one of this room')).toBeVisible();
    await ann.page.keyboard.press('Escape');
  });

  await test.step('Ben replaces the links, and Ann goes on by herself', async () => {
    const dialog = await people(ben.page);
    await dialog.getByRole('button', { name: 'Replace all links…' }).click();
    await dialog.getByRole('button', { name: 'Replace all links', exact: true }).click();
    await expect(ben.page).toHaveURL(/#e\.2\./, { timeout: 20_000 });
    await expect(ann.page).toHaveURL(/#e\.2\./, { timeout: 20_000 });
    await connected(ann.page, 'Direct · 2 here');
  });
});
