// What the built app costs: its JavaScript, the memory of a room with ten files, and the second `npm start`.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { makeRoom, newFile, saved, tree } from '../../app/journeys/fixtures/room.ts';
import { launchBrowser } from './browser.ts';
import { Endings } from './endings.ts';
import type { Findings, Row } from './table.ts';

const root = join(import.meta.dirname, '../..');
const REPETITIONS = 5;
const FILES = 10;
/** About what a file of a small program has: 100 lines. */
const FILE_TEXT = 'def answer(question):\n    return 42 if question else None\n\n\n'.repeat(25);
const MAX_START_SECONDS = 5;
/** The first start builds the app and fetches PocketBase. */
const FIRST_START_LIMIT_MS = 15 * 60_000;

export async function measureWeight(): Promise<Findings> {
  const endings = new Endings();
  try {
    const data = temporaryFolder(endings);
    const first = await start(data, endings);
    await end(first.process);
    const seconds: number[] = [];
    for (let repetition = 0; repetition < REPETITIONS; repetition++) {
      const started = await start(data, endings);
      seconds.push(started.seconds);
      await end(started.process);
    }
    const server = await start(data, endings);
    const heaps = await roomHeaps(server.url, endings);
    return {
      rows: [
        ...(await scriptSizes()),
        { name: `heap of a room with ${FILES} files`, unit: 'bytes', ours: heaps },
        {
          name: 'second npm start',
          unit: 'seconds',
          ours: seconds,
          target: { kind: 'value', atMost: MAX_START_SECONDS },
        },
      ],
    };
  } finally {
    await endings.run();
  }
}

function temporaryFolder(endings: Endings): string {
  const folder = mkdtempSync(join(tmpdir(), 'codeface-bench-'));
  endings.add(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

interface Started {
  readonly process: ChildProcess;
  readonly url: string;
  /** From the command to the line that says it is ready. */
  readonly seconds: number;
}

/** `npm start` on a free port, with that data folder. */
async function start(data: string, endings: Endings): Promise<Started> {
  const startedAt = performance.now();
  const child = spawn('npm', ['start', '--', '--port', '0', '--data', data], {
    cwd: root,
    // A group of its own: npm does not pass every signal on.
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  endings.add(() => end(child));
  let said = '';
  const url = await new Promise<string>((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error(`npm start said only: ${said}`)), FIRST_START_LIMIT_MS);
    child.stdout?.on('data', (text: Buffer) => {
      said += text.toString();
      const ready = /CodeFace ready at (\S+)/.exec(said)?.[1];
      if (ready === undefined) return;
      clearTimeout(limit);
      resolve(ready);
    });
    child.once('exit', () => reject(new Error(`npm start ended: ${said}`)));
  });
  return { process: child, url, seconds: (performance.now() - startedAt) / 1000 };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  process.kill(-child.pid, 'SIGTERM');
  await ended;
}

/** Bytes of JavaScript heap of the room's page, after a collection, in a new room each time. */
async function roomHeaps(url: string, endings: Endings): Promise<number[]> {
  const browser = await launchBrowser(temporaryFolder(endings), url);
  endings.add(() => browser.close());
  const heaps: number[] = [];
  for (let repetition = 0; repetition < REPETITIONS; repetition++) {
    const page = await browser.newPage();
    heaps.push(await heapOfRoom(page));
    await page.close();
  }
  return heaps;
}

async function heapOfRoom(page: Page): Promise<number> {
  await makeRoom(page);
  for (let count = await tree(page).getByRole('treeitem').count(); count < FILES; count++)
    await newFile(page, `file-${count}.py`, FILE_TEXT);
  await saved(page);
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  await session.detach();
  return usedSize;
}

/** Landing and room, as `scripts/budget.ts` weighs them: it knows what loading each brings along. */
async function scriptSizes(): Promise<Row[]> {
  const said = await outputOf(['scripts/budget.ts']);
  return ['landing', 'room'].map((page) => {
    const [, measured, most] = new RegExp(`^${page}: ([\\d.]+) KB of ([\\d.]+) KB`, 'm').exec(said) ?? [];
    return {
      name: `${page} page, JavaScript gzipped`,
      unit: 'bytes',
      ours: measured === undefined ? [] : [Number(measured) * 1000],
      target: { kind: 'value', atMost: Number(most) * 1000 },
    };
  });
}

function outputOf(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (text: Buffer) => (said += text.toString()));
    child.once('error', reject);
    child.once('close', () => resolve(said));
  });
}
