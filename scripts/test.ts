// `npm test`: every check in order, none skipped because an earlier one failed, one line of numbers at the end.
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findBrowser } from './setup/browser.ts';
import { buildIfChanged } from './setup/build.ts';
import { pocketbaseBinary } from './setup/pocketbase-binary.ts';
import { bringSamples } from './setup/sample-projects.ts';
import { sentenceFor } from './setup/start-problem.ts';
import { tallyPlaywright, tallyVitest, type Tally } from './test-reports.ts';

const root = join(import.meta.dirname, '..');
const bin = (name: string): string => join(root, 'node_modules', name);
const reports = join(root, 'test-results', 'reports');
const vitestFile = join(reports, 'vitest.json');
const playwrightFile = join(reports, 'playwright.json');

interface Step {
  readonly name: string;
  readonly run: () => Promise<Tally>;
}

const steps: readonly Step[] = [
  { name: 'types', run: types },
  { name: 'lint', run: () => check([bin('eslint/bin/eslint.js'), '.']) },
  {
    name: 'format',
    run: () => check([bin('prettier/bin/prettier.cjs'), '--check', '--log-level=warn', '.']),
  },
  {
    name: 'import rule',
    run: () => check([bin('dependency-cruiser/bin/dependency-cruiser.mjs'), ...ruleArgs]),
  },
  { name: 'dead code', run: () => check([bin('knip/bin/knip.js')]) },
  { name: 'rule ids of docs/SPEC.md', run: () => check(['scripts/spec-ids.ts']) },
  { name: 'unit and integration tests', run: unitTests },
  { name: 'build and licences', run: build },
  { name: 'size budget', run: () => check(['scripts/budget.ts']) },
  { name: 'journeys', run: journeys },
];
const ruleArgs = ['--config', '.dependency-cruiser.cjs', 'app', 'signaling'];

const childEnv: NodeJS.ProcessEnv = { ...process.env, FORCE_COLOR: '0' };
let running: ReturnType<typeof spawn> | undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    running?.kill(signal);
    process.exit(1);
  });
}

rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });
await setUp();
const results: { name: string; tally: Tally; seconds: number }[] = [];
for (const { name, run } of steps) {
  heading(name);
  const began = performance.now();
  const tally = await run();
  results.push({ name, tally, seconds: (performance.now() - began) / 1000 });
}
summarise();

/** What the tests need from outside, brought before the first of them runs. */
async function setUp(): Promise<void> {
  heading('set-up');
  const browser = await findBrowser(process.env, console.log);
  if (browser) {
    console.log(`Browser: ${browser.path} (${browser.source})`);
    childEnv['CHROMIUM_PATH'] = browser.path;
  }
  await bringSamples(console.log);
  const cache = join(root, 'node_modules', '.cache', 'codeface', 'bin');
  const server = await pocketbaseBinary(cache, join(root, 'pocketbase'), console.log);
  if (server.ok) {
    console.log(`PocketBase: ${server.value}`);
    childEnv['POCKETBASE_PATH'] = server.value;
  } else {
    console.log(`PocketBase: none (${server.error.tried.join('; ')})`);
  }
}

async function types(): Promise<Tally> {
  await command([bin('@sveltejs/kit/svelte-kit.js'), 'sync']);
  return check([bin('svelte-check/bin/svelte-check'), '--tsconfig', './tsconfig.json', '--fail-on-warnings']);
}

async function unitTests(): Promise<Tally> {
  const report = ['--reporter=default', '--reporter=json', `--outputFile.json=${vitestFile}`];
  const code = await command([bin('vitest/vitest.mjs'), 'run', ...report]);
  return tallyVitest(vitestFile, code);
}

async function build(): Promise<Tally> {
  const built = await buildIfChanged(root, console.log);
  if (!built.ok) console.error(sentenceFor(built.error));
  return verdict(built.ok);
}

async function journeys(): Promise<Tally> {
  childEnv['PLAYWRIGHT_JSON_OUTPUT_FILE'] = playwrightFile;
  const code = await command([bin('@playwright/test/cli.js'), 'test', '--reporter=list,json']);
  return tallyPlaywright(playwrightFile, code);
}

/** One command is one check. */
async function check(args: readonly string[]): Promise<Tally> {
  return verdict((await command(args)) === 0);
}

function verdict(good: boolean): Tally {
  return { passed: good ? 1 : 0, failed: good ? 0 : 1, skipped: 0 };
}

function command(args: readonly string[]): Promise<number> {
  return new Promise((done) => {
    running = spawn(process.execPath, args, {
      cwd: root,
      env: childEnv,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    running.on('error', (cause) => {
      console.error(cause.message);
      done(1);
    });
    running.on('close', (code) => done(code ?? 1));
  });
}

function heading(name: string): void {
  console.log(`\n== ${name} ==`);
}

function summarise(): void {
  heading('result');
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const { name, tally, seconds } of results) {
    for (const key of ['passed', 'failed', 'skipped'] as const) total[key] += tally[key];
    const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : '';
    const mark = tally.failed > 0 ? 'FAILED' : 'ok';
    console.log(
      `${mark.padEnd(7)}${name}: ${tally.passed} passed, ${tally.failed} failed${skipped} (${seconds.toFixed(1)} s)`,
    );
  }
  console.log(`${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed > 0 ? 1 : 0;
}
