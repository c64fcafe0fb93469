// `npm test`: every check, none skipped because another one failed, one line of numbers at the end.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
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

const typeArgs = ['--tsconfig', './tsconfig.json', '--fail-on-warnings'];
const ruleArgs = ['--config', '.dependency-cruiser.cjs', 'app', 'signaling'];

/** Runs node with these arguments and gives its exit code. */
type Command = (args: readonly string[]) => Promise<number>;

interface Step {
  readonly name: string;
  readonly run: (command: Command) => Promise<Tally>;
}

/** One after another; the steps of one stage may run beside each other. */
const stages: readonly (readonly Step[])[] = [
  // They read the sources, write nothing, and no clock decides them. Lint takes as long as all others together.
  [
    { name: 'lint', run: check([bin('eslint/bin/eslint.js'), '.']) },
    { name: 'types', run: check([bin('svelte-check/bin/svelte-check'), ...typeArgs]) },
    { name: 'format', run: check([bin('prettier/bin/prettier.cjs'), '--check', '--log-level=warn', '.']) },
    { name: 'import rule', run: check([bin('dependency-cruiser/bin/dependency-cruiser.mjs'), ...ruleArgs]) },
    { name: 'dead code', run: check([bin('knip/bin/knip.js')]) },
    { name: 'rule ids of docs/SPEC.md', run: check(['scripts/spec-ids.ts']) },
    { name: 'table of faults and attacks', run: check(['scripts/faults-table.ts']) },
  ],
  [{ name: 'unit and integration tests', run: unitTests }],
  [{ name: 'build and licences', run: build }],
  [{ name: 'size budget', run: check(['scripts/budget.ts']) }],
  [{ name: 'journeys', run: journeys }],
];
/** Two already keep two cores busy; more would ask a gigabyte each of a small machine. */
const mostBesideEachOther = Math.min(2, availableParallelism());

const childEnv: NodeJS.ProcessEnv = { ...process.env, FORCE_COLOR: '0' };
const running = new Set<ChildProcess>();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    for (const child of running) child.kill(signal);
    process.exit(1);
  });
}

rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });
await setUp();
const results = new Map<Step, { readonly tally: Tally; readonly seconds: number }>();
for (const stage of stages) await runStage(stage);
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
  // The types of the routes, which lint reads as much as the type check does.
  await command([bin('@sveltejs/kit/svelte-kit.js'), 'sync'], 'inherit');
}

async function runStage(stage: readonly Step[]): Promise<void> {
  const waiting = [...stage];
  if (stage.length > 1) {
    console.log(`\nEach shows what it said when it has ended: ${stage.map(({ name }) => name).join(', ')}`);
  }
  const lane = async (): Promise<void> => {
    for (let step = waiting.shift(); step; step = waiting.shift()) {
      await (stage.length > 1 ? runHeld(step) : runAlone(step));
    }
  };
  await Promise.all(Array.from({ length: Math.min(mostBesideEachOther, stage.length) }, lane));
}

/** Shows what the step says as it says it. */
async function runAlone(step: Step): Promise<void> {
  heading(step.name);
  await timed(step, (args) => command(args, 'inherit'));
}

/** Shows what the step said when it has ended, in one piece. */
async function runHeld(step: Step): Promise<void> {
  const said: Buffer[] = [];
  await timed(step, (args) => command(args, 'pipe', (bytes) => said.push(bytes)));
  heading(step.name);
  process.stdout.write(Buffer.concat(said));
}

async function timed(step: Step, run: Command): Promise<void> {
  const began = performance.now();
  const tally = await step.run(run);
  results.set(step, { tally, seconds: (performance.now() - began) / 1000 });
}

async function unitTests(command: Command): Promise<Tally> {
  const report = ['--reporter=default', '--reporter=json', `--outputFile.json=${vitestFile}`];
  const code = await command([bin('vitest/vitest.mjs'), 'run', ...report]);
  return tallyVitest(vitestFile, code, root);
}

async function build(): Promise<Tally> {
  const built = await buildIfChanged(root, console.log);
  if (!built.ok) console.error(sentenceFor(built.error));
  return verdict(built.ok);
}

async function journeys(command: Command): Promise<Tally> {
  childEnv['PLAYWRIGHT_JSON_OUTPUT_FILE'] = playwrightFile;
  const code = await command([bin('@playwright/test/cli.js'), 'test', '--reporter=list,json']);
  return tallyPlaywright(playwrightFile, code);
}

/** One command is one check. */
function check(args: readonly string[]): Step['run'] {
  return async (command) => verdict((await command(args)) === 0);
}

function verdict(good: boolean): Tally {
  return { passed: good ? 1 : 0, failed: good ? 0 : 1, skipped: 0 };
}

function command(
  args: readonly string[],
  output: 'inherit' | 'pipe',
  hear?: (bytes: Buffer) => void,
): Promise<number> {
  return new Promise((done) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      env: childEnv,
      stdio: ['ignore', output, output],
    });
    running.add(child);
    const end = (code: number | null): void => {
      running.delete(child);
      done(code ?? 1);
    };
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes: Buffer) => hear?.(bytes));
    child.on('error', (cause) => {
      console.error(cause.message);
      end(1);
    });
    child.on('close', end);
  });
}

function heading(name: string): void {
  console.log(`\n== ${name} ==`);
}

function summarise(): void {
  heading('result');
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const step of stages.flat()) {
    const result = results.get(step);
    if (!result) throw new Error(`No result of ${step.name}`);
    const { tally, seconds } = result;
    for (const key of ['passed', 'failed', 'skipped'] as const) total[key] += tally[key];
    const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : '';
    const mark = tally.failed > 0 ? 'FAILED' : 'ok';
    console.log(
      `${mark.padEnd(7)}${step.name}: ${tally.passed} passed, ${tally.failed} failed${skipped} (${seconds.toFixed(1)} s)`,
    );
    for (const failure of tally.failures ?? []) console.log(`         ${failure}`);
  }
  console.log(`${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed > 0 ? 1 : 0;
}
