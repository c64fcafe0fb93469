// Reads what vitest and Playwright report into two numbers. A report that is missing, empty or contradicts the exit
// code counts as a failure: a suite that never ran must not look green.
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const vitestReport = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number().default(0),
  testResults: z.array(z.object({ status: z.string(), assertionResults: z.array(z.unknown()) })),
});

const playwrightReport = z.object({
  stats: z.object({
    expected: z.number(),
    unexpected: z.number(),
    flaky: z.number(),
    skipped: z.number(),
  }),
  errors: z.array(z.unknown()),
});

export function tallyVitest(file: string, exitCode: number): Tally {
  const report = read(file, vitestReport);
  if (!report) return atLeastOneFailure({ passed: 0, failed: 1, skipped: 0 }, exitCode);
  // A file that broke before its first test has no assertions to count.
  const broken = report.testResults.filter((f) => f.status === 'failed' && f.assertionResults.length === 0);
  return atLeastOneFailure(
    {
      passed: report.numPassedTests,
      failed: report.numFailedTests + broken.length,
      skipped: report.numPendingTests + report.numTodoTests,
    },
    exitCode,
  );
}

export function tallyPlaywright(file: string, exitCode: number): Tally {
  const report = read(file, playwrightReport);
  if (!report) return atLeastOneFailure({ passed: 0, failed: 1, skipped: 0 }, exitCode);
  const { expected, unexpected, flaky, skipped } = report.stats;
  return atLeastOneFailure(
    { passed: expected, failed: unexpected + flaky + report.errors.length, skipped },
    exitCode,
  );
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
