import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { tallyPlaywright, tallyVitest } from './test-reports.ts';

const folder = mkdtempSync(join(tmpdir(), 'codeface-reports-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let made = 0;
function report(content: unknown): string {
  const file = join(folder, `${made++}.json`);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}
const vitest = (passed: number, failed: number, testResults: unknown[] = []): unknown => ({
  numPassedTests: passed,
  numFailedTests: failed,
  numPendingTests: 2,
  testResults,
});
const playwright = (stats: object, errors: unknown[] = []): unknown => ({
  stats: { expected: 3, unexpected: 0, flaky: 0, skipped: 0, ...stats },
  errors,
});

test('vitest’s numbers are taken as they are', () => {
  expect(tallyVitest(report(vitest(5, 1)), 1)).toEqual({ passed: 5, failed: 1, skipped: 2 });
});

test('a test file that broke before its first test is a failure', () => {
  const broken = [{ status: 'failed', assertionResults: [] }];
  expect(tallyVitest(report(vitest(5, 0, broken)), 1).failed).toBe(1);
});

test('an exit code that contradicts the report is a failure', () => {
  expect(tallyVitest(report(vitest(5, 0)), 1).failed).toBe(1);
  expect(tallyPlaywright(report(playwright({})), 1).failed).toBe(1);
});

test('a suite that ran nothing is a failure', () => {
  expect(tallyVitest(report(vitest(0, 0)), 0).failed).toBe(1);
  expect(tallyPlaywright(report(playwright({ expected: 0 })), 0).failed).toBe(1);
});

test('a report that is missing or cut short is a failure', () => {
  expect(tallyVitest(join(folder, 'none.json'), 0).failed).toBe(1);
  expect(tallyPlaywright(report('{"stats":'), 0).failed).toBe(1);
});

test('a flaky journey and an error outside the journeys are failures', () => {
  expect(tallyPlaywright(report(playwright({ flaky: 1 })), 0).failed).toBe(1);
  expect(tallyPlaywright(report(playwright({}, [{ message: 'no config' }])), 1).failed).toBe(1);
});
