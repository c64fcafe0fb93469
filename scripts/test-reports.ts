// Reads what vitest and Playwright report into numbers and the names of what failed. A report that is missing, empty
// or contradicts the exit code counts as a failure: a suite that never ran must not look green.
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { z } from 'zod';

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** One line for each test that is known to have failed: its file, its name, what it said first. */
  readonly failures?: readonly string[];
}

const vitestReport = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number().default(0),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().default(''),
      assertionResults: z.array(
        z.object({
          status: z.string(),
          fullName: z.string(),
          failureMessages: z.array(z.string()).nullish(),
        }),
      ),
    }),
  ),
});
type VitestFile = z.infer<typeof vitestReport>['testResults'][number];

const playwrightSpec = z.object({
  title: z.string(),
  file: z.string(),
  line: z.number(),
  ok: z.boolean(),
  tests: z.array(
    z.object({
      results: z.array(z.object({ error: z.object({ message: z.string().default('') }).optional() })),
    }),
  ),
});
type PlaywrightSpec = z.infer<typeof playwrightSpec>;
interface PlaywrightSuite {
  readonly specs: readonly PlaywrightSpec[];
  readonly suites: readonly PlaywrightSuite[];
}
const playwrightSuite: z.ZodType<PlaywrightSuite> = z.object({
  specs: z.array(playwrightSpec).default([]),
  suites: z.lazy(() => z.array(playwrightSuite)).default([]),
});

const playwrightReport = z.object({
  stats: z.object({
    expected: z.number(),
    unexpected: z.number(),
    flaky: z.number(),
    skipped: z.number(),
  }),
  errors: z.array(z.object({ message: z.string().default('') })),
  suites: z.array(playwrightSuite).default([]),
});

/** @param root what the names of test files are told from */
export function tallyVitest(file: string, exitCode: number, root: string): Tally {
  const report = read(file, vitestReport);
  if (!report) return atLeastOneFailure({ passed: 0, failed: 1, skipped: 0 }, exitCode);
  // A file that broke before its first test has no assertions to count.
  const broken = report.testResults.filter((f) => f.status === 'failed' && f.assertionResults.length === 0);
  return atLeastOneFailure(
    {
      passed: report.numPassedTests,
      failed: report.numFailedTests + broken.length,
      skipped: report.numPendingTests + report.numTodoTests,
      failures: [
        ...broken.map(({ name, message }) => failure([relative(root, name)], message)),
        ...report.testResults.flatMap((one) => failuresIn(one, root)),
      ],
    },
    exitCode,
  );
}

export function tallyPlaywright(file: string, exitCode: number): Tally {
  const report = read(file, playwrightReport);
  if (!report) return atLeastOneFailure({ passed: 0, failed: 1, skipped: 0 }, exitCode);
  const { expected, unexpected, flaky, skipped } = report.stats;
  return atLeastOneFailure(
    {
      passed: expected,
      failed: unexpected + flaky + report.errors.length,
      skipped,
      failures: [
        ...report.errors.map(({ message }) => failure(['outside the journeys'], message)),
        ...report.suites.flatMap(specsIn).flatMap(({ ok, file, line, title, tests }) => {
          const [error] = tests.flatMap(({ results }) => results.flatMap((result) => result.error ?? []));
          return ok && error === undefined ? [] : [failure([`${file}:${line}`, title], error?.message)];
        }),
      ],
    },
    exitCode,
  );
}

function failuresIn({ name, assertionResults }: VitestFile, root: string): string[] {
  return assertionResults
    .filter(({ status }) => status === 'failed')
    .map(({ fullName, failureMessages }) => failure([relative(root, name), fullName], failureMessages?.[0]));
}

function specsIn({ specs, suites }: PlaywrightSuite): PlaywrightSpec[] {
  return [...specs, ...suites.flatMap(specsIn)];
}

function failure(where: readonly string[], message = ''): string {
  const [first = ''] = stripVTControlCharacters(message).trimStart().split('\n', 1);
  return `${where.join(' › ')}: ${first.slice(0, 300) || 'no message'}`;
}

function atLeastOneFailure(tally: Tally, exitCode: number): Tally {
  const silent = exitCode !== 0 || tally.passed === 0;
  return silent && tally.failed === 0 ? { ...tally, failed: 1 } : tally;
}

function read<T>(file: string, schema: z.ZodType<T>): T | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return schema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined; // cut short by a crash: counted as a failure above
  }
}
