// Two people and a viewer work on projects that others wrote: a Python package from its source archive and an npm
// package, as their registries give them (scripts/setup/sample-projects.ts).
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Page } from '@playwright/test';
import { unzipSync, zipSync } from 'fflate';
import { sampleFiles, semver, tinydb, type Sample } from '../../scripts/setup/sample-projects.ts';
import { expect, test } from './fixtures/codeface.ts';
import {
  connected,
  editor,
  enterRoom,
  newFile,
  output,
  paste,
  runUntil,
  saved,
  tree,
  wholeText,
} from './fixtures/room.ts';

type Files = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/** What a real folder has beside the package: none of it belongs in a room. */
const leftOut = {
  '.git/HEAD': 'ref: refs/heads/main\n',
  '.git/objects/ab/cd': 'an object',
  'node_modules/left-pad/index.js': 'module.exports = 0;\n',
};
/** A file that is no text, to come back byte for byte like the others. */
const picture = Uint8Array.from({ length: 3_000 }, (_, i) => (i * i) % 256);

// Each starts a runtime in two browsers, and the first brings a third person: a minute where others use the cores too.
test.describe.configure({ timeout: 180_000 });

test('two people work on a Python package that was dropped as a folder', async ({ person }) => {
  const project = new Map(await bring(tinydb)).set('docs/picture.bin', picture);
  const ann = await person();
  const ben = await person({ colorScheme: 'dark' });
  const [annsName, bensName] = ['Ann', 'Ben'];

  await test.step('Ann drops the folder on the landing page; the room has its name and files', async () => {
    await withFolder('tinydb', project, async (folder) => {
      await ann.page.goto('/');
      await dropFolder(ann.page, folder);
      await expect(tree(ann.page)).toBeVisible();
      await saved(ann.page);
    });
    await expect(ann.page.getByRole('textbox', { name: 'Room name' })).toHaveValue('tinydb');
    for (const name of topNames(project))
      await expect(tree(ann.page).getByRole('treeitem', { name, exact: true, level: 1 })).toBeVisible();
  });

  await test.step('what was left out is said', async () => {
    const note = ann.page.getByRole('status').filter({ hasText: 'Some of it was left out' });
    await expect(note).toContainText('.git folders');
    await expect(note).toContainText('node_modules folders');
    for (const name of ['.git', 'node_modules'])
      await expect(tree(ann.page).getByRole('treeitem', { name, exact: true })).toHaveCount(0);
    await note.getByRole('button', { name: 'Dismiss' }).click();
  });

  await test.step('she sends the link, and Ben has the project too', async () => {
    await enterRoom(ben.page, await linkFrom(ann.page, 'Edit link'));
    await connected(ann.page, 'Direct · 2 here');
    await expect(ben.page.getByRole('textbox', { name: 'Room name' })).toHaveValue('tinydb');
    await callMyself(ann.page, annsName);
    await callMyself(ben.page, bensName);
  });

  const operations = 'tinydb/operations.py';
  const original = text(project, operations);
  const head = '# Ben was here\n';
  const double =
    '\n\ndef double(field):\n    def transform(doc):\n        doc[field] *= 2\n\n    return transform\n';
  const whole = `${head}${original}${double}`;

  await test.step('both edit one module at once, and see each other’s words, cursor and name', async () => {
    await openPath(ann.page, operations);
    await openPath(ben.page, operations);
    await ben.page.keyboard.press('Control+Home');
    await Promise.all([paste(ann.page, double), ben.page.keyboard.type(head)]);
    await expect.poll(() => wholeText(ann.page)).toBe(whole);
    await expect.poll(() => wholeText(ben.page)).toBe(whole);
    await ben.page.keyboard.press('Control+End');
    await ann.page.keyboard.press('ArrowUp');
    await expect(flag(ann.page, bensName)).toBeVisible();
    await expect(flag(ben.page, annsName)).toBeVisible();
  });

  const script = [
    'from tinydb import TinyDB, where',
    'from tinydb.operations import double',
    'from tinydb.storages import MemoryStorage',
    '',
    'people = TinyDB(storage=MemoryStorage)',
    'people.insert_multiple([{"name": "Ada", "age": 36}, {"name": "Bo", "age": 12}])',
    'people.update(double("age"), where("name") == "Bo")',
    'for person in people.search(where("age") > 20):',
    '    print(person["name"], person["age"])',
    '',
  ].join('\n');

  await test.step('Ann writes a script that imports the package and runs it; both see the same output', async () => {
    // A new file is offered a place beside the one in front.
    await openPath(ann.page, 'README.rst');
    await newFile(ann.page, 'try_it.py', script);
    await runUntil(ann.page, /exit 0 · \d/);
    for (const { page } of [ann, ben]) {
      await expect(output(page)).toContainText('Ada 36\nBo 24\n', { useInnerText: true });
      await expect(output(page)).toContainText(/exit 0 · \d/);
    }
    await expect(ben.page.getByText(`${annsName} ran this`)).toBeVisible();
  });

  const keep = [
    'from pathlib import Path',
    '',
    'from tinydb import Query, TinyDB',
    '',
    'with TinyDB("kept.json") as db:',
    '    db.insert({"fruit": "pear", "count": 3})',
    'with TinyDB("kept.json") as db:',
    '    print(db.get(Query().fruit.matches("p.*")))',
    'print(Path("kept.json").read_text())',
    '',
  ].join('\n');

  await test.step('Ben runs one of his own, in a folder; Ann sees what he sees', async () => {
    await openPath(ben.page, 'README.rst');
    await newFile(ben.page, 'examples/keep.py', keep);
    await runUntil(ben.page, '"fruit": "pear"');
    for (const { page } of [ann, ben]) {
      await expect(output(page)).toContainText("{'fruit': 'pear', 'count': 3}");
      await expect(output(page)).toContainText('{"_default": {"1": {"fruit": "pear", "count": 3}}}');
      await expect(output(page)).toContainText(/exit 0 · \d/);
    }
    await expect(ann.page.getByText(`${bensName} ran this`)).toBeVisible();
  });

  await test.step('a viewer reads the module and the output', async () => {
    const vic = await person();
    await enterRoom(vic.page, await linkFrom(ann.page, 'View link'));
    await openPath(vic.page, operations);
    await expect.poll(() => wholeText(vic.page)).toBe(whole);
    await expect(output(vic.page)).toContainText('"fruit": "pear"');
    await vic.page.keyboard.type('x');
    expect(await wholeText(vic.page)).toBe(whole);
    expect(vic.complaints, 'what the viewer’s console complained about').toEqual([]);
  });

  await test.step('what Ben takes out is what Ann dropped, byte for byte, and their edits', async () => {
    const expected = new Map(project)
      .set(operations, bytes(whole))
      .set('try_it.py', bytes(script))
      .set('examples/keep.py', bytes(keep));
    expectSame(await download(ben.page), expected);
  });
  expect([...ann.complaints, ...ben.complaints], 'what the consoles complained about').toEqual([]);
});

test('two people work on an npm package that was opened as a zip', async ({ person }) => {
  const project = await bring(semver);
  const ann = await person();
  const ben = await person({ colorScheme: 'dark' });
  const [annsName, bensName] = ['Ann', 'Ben'];

  await test.step('Ann opens the zip; the room has its name and files', async () => {
    const zipped: Record<string, Uint8Array> = {};
    for (const [path, content] of [...project, ...leftOutFiles()]) zipped[`semver-7/${path}`] = content;
    await ann.page.goto('/');
    const chooser = ann.page.waitForEvent('filechooser');
    await ann.page.getByRole('button', { name: 'Open zip' }).click();
    const zip = { name: 'semver-7.zip', mimeType: 'application/zip', buffer: Buffer.from(zipSync(zipped)) };
    await (await chooser).setFiles(zip);
    await expect(ann.page.getByRole('textbox', { name: 'Room name' })).toHaveValue('semver-7');
    for (const name of topNames(project))
      await expect(tree(ann.page).getByRole('treeitem', { name, exact: true, level: 1 })).toBeVisible();
    const note = ann.page.getByRole('status').filter({ hasText: 'Some of it was left out' });
    await expect(note).toContainText('node_modules folders');
    await note.getByRole('button', { name: 'Dismiss' }).click();
  });

  await test.step('she sends the link, and Ben comes', async () => {
    await enterRoom(ben.page, await linkFrom(ann.page, 'Edit link'));
    await connected(ann.page, 'Direct · 2 here');
    await callMyself(ann.page, annsName);
    await callMyself(ben.page, bensName);
  });

  const describe = [
    "const SemVer = require('../classes/semver')",
    "const { MAX_LENGTH } = require('../internal/constants')",
    'module.exports = (version) => `${new SemVer(version).major} of at most ${MAX_LENGTH} letters`',
    '',
  ].join('\n');
  const exported = "module.exports.describe = require('./functions/describe')\n";

  await test.step('Ann writes a function in a file of its own, Ben exports it; they see each other', async () => {
    await newFile(ann.page, 'functions/describe.js', describe);
    await openPath(ben.page, 'index.js');
    await paste(ben.page, exported);
    await openPath(ann.page, 'index.js');
    await expect.poll(() => wholeText(ann.page)).toBe(text(project, 'index.js') + exported);
    await expect(flag(ann.page, bensName)).toBeVisible();
    await expect(flag(ben.page, annsName)).toBeVisible();
  });

  const required = [
    "const semver = require('..')",
    "console.log(semver.maxSatisfying(['1.2.3', '1.9.0', '2.0.0'], '^1.2'))",
    "console.log(semver.describe('7.8.9'))",
    '',
  ].join('\n');

  await test.step('Ann requires the package by its folder and runs; both see the same output', async () => {
    await newFile(ann.page, 'examples/newest.js', required);
    await runUntil(ann.page, /exit 0 · \d/);
    for (const { page } of [ann, ben]) {
      await expect(output(page)).toContainText('1.9.0\n7 of at most 256 letters\n', { useInnerText: true });
      await expect(output(page)).toContainText(/exit 0 · \d/);
    }
    await expect(ben.page.getByText(`${annsName} ran this`)).toBeVisible();
  });

  const imported = [
    "import semver, { Range } from '..';",
    "const range: Range = new Range('>=1.2.3 <2 || ~4.5');",
    "console.log(range.range, semver.satisfies('4.5.9', range));",
    '',
  ].join('\n');

  await test.step('Ben imports it from TypeScript; Ann sees what he sees', async () => {
    await newFile(ben.page, 'examples/range.ts', imported);
    await runUntil(ben.page, 'true');
    for (const { page } of [ann, ben]) {
      await expect(output(page)).toContainText('>=1.2.3 <2.0.0-0||>=4.5.0 <4.6.0-0 true');
      await expect(output(page)).toContainText(/exit 0 · \d/);
    }
  });

  await test.step('what Ben takes out is what Ann opened, byte for byte, and their edits', async () => {
    const expected = new Map(project)
      .set('index.js', bytes(text(project, 'index.js') + exported))
      .set('functions/describe.js', bytes(describe))
      .set('examples/newest.js', bytes(required))
      .set('examples/range.ts', bytes(imported));
    expectSame(await download(ben.page), expected);
  });
  expect([...ann.complaints, ...ben.complaints], 'what the consoles complained about').toEqual([]);
});

/** The files of a sample; without them the test is skipped, and says why. */
async function bring(sample: Sample): Promise<Files> {
  const files = await sampleFiles(sample);
  if (files.ok) return files.value;
  console.log(`Skipped: ${files.error.why}`);
  test.skip(true, files.error.why);
  return new Map();
}

/** Runs `use` with a folder of this name and these files on the disk, version control and dependencies included. */
async function withFolder(name: string, files: Files, use: (folder: string) => Promise<void>): Promise<void> {
  const parent = mkdtempSync(join(tmpdir(), 'codeface-project-'));
  for (const [path, content] of [...files, ...leftOutFiles()]) {
    mkdirSync(dirname(join(parent, name, path)), { recursive: true });
    writeFileSync(join(parent, name, path), content);
  }
  await use(join(parent, name)).finally(() => rmSync(parent, { recursive: true, force: true }));
}

/** What a drag from the file manager does: only the browser itself can make an event that holds a real folder. */
async function dropFolder(page: Page, folder: string): Promise<void> {
  const client = await page.context().newCDPSession(page);
  const data = { items: [], files: [folder], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await client.send('Input.dispatchDragEvent', { type, x: 400, y: 400, data });
  await client.detach();
}

async function linkFrom(page: Page, name: 'Edit link' | 'View link'): Promise<string> {
  await page.getByRole('button', { name: 'Share' }).click();
  const dialog = page.getByRole('dialog', { name: 'Share this room' });
  const link = await dialog.getByRole('textbox', { name }).inputValue();
  await page.keyboard.press('Escape');
  return link;
}

async function callMyself(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: /^You: / }).click();
  await expect(page.getByRole('textbox', { name: 'Your name' })).toBeFocused();
  await page.keyboard.type(name);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: `You: ${name}` })).toBeVisible();
}

/** Opens a file by a word of its path (Ctrl+P) and puts the caret at its end. */
async function openPath(page: Page, path: string): Promise<void> {
  await page.keyboard.press('ControlOrMeta+p');
  await page.getByRole('combobox').fill(path);
  await page.keyboard.press('Enter');
  await editor(page, path).focus();
  await page.keyboard.press('Control+End');
}

/** The name beside somebody's cursor in the open file. */
const flag = (page: Page, name: string) => page.locator('.cm-editor').getByText(name, { exact: true });

async function download(page: Page): Promise<Map<string, Uint8Array>> {
  const coming = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download project' }).click();
  return new Map(Object.entries(unzipSync(readFileSync(await (await coming).path()))));
}

/** Names first, then content: a difference is told by its path, not by 300 KB of bytes. */
function expectSame(actual: ReadonlyMap<string, Uint8Array>, expected: Files): void {
  expect([...actual.keys()].sort()).toEqual([...expected.keys()].sort());
  const differ = [...expected].filter(
    ([path, content]) => !Buffer.from(content).equals(actual.get(path) ?? content.subarray(1)),
  );
  expect(differ.map(([path]) => path)).toEqual([]);
}

const leftOutFiles = (): [string, Uint8Array<ArrayBuffer>][] =>
  Object.entries(leftOut).map(([path, content]) => [path, bytes(content)]);
const topNames = (files: Files): string[] => [
  ...new Set([...files.keys()].map((path) => path.split('/')[0] ?? '')),
];
const bytes = (content: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(content);
const text = (files: Files, path: string): string => new TextDecoder().decode(files.get(path));
