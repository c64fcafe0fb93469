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
  expect(tallyVitest(report(vitest(5, 1)), 1, '/')).toMatchObject({ passed: 5, failed: 1, skipped: 2 });
});

test('what failed is named with its file and the first line it said', () => {
  const failed = {
    status: 'failed',
    fullName: 'a room opens',
    failureMessages: ['\n\u001b[31mnot open\u001b[39m\nat …'],
  };
  const good = { status: 'passed', fullName: 'a room closes', failureMessages: [] };
  const files = [
    { name: '/here/app/room.test.ts', status: 'failed', assertionResults: [good, failed] },
    { name: '/here/app/door.test.ts', status: 'failed', message: 'no such module', assertionResults: [] },
  ];
  expect(tallyVitest(report(vitest(5, 1, files)), 1, '/here').failures).toEqual([
    'app/door.test.ts: no such module',
    'app/room.test.ts › a room opens: not open',
  ]);

  const spec = (title: string, message?: string): unknown => ({
    title,
    file: 'run.e2e.ts',
    line: 7,
    ok: message === undefined,
    tests: [{ results: [message === undefined ? {} : { error: { message } }] }],
  });
  const suites = [
    { specs: [spec('it runs')], suites: [{ specs: [spec('it stops', 'Timed out\nwaiting')] }] },
  ];
  const stats = { expected: 1, unexpected: 1, flaky: 0, skipped: 0 };
  expect(tallyPlaywright(report({ stats, errors: [], suites }), 1).failures).toEqual([
    'run.e2e.ts:7 › it stops: Timed out',
  ]);
});

test('a test file that broke before its first test is a failure', () => {
  const broken = [{ name: '/door.test.ts', status: 'failed', assertionResults: [] }];
  expect(tallyVitest(report(vitest(5, 0, broken)), 1, '/').failed).toBe(1);
});

test('an exit code that contradicts the report is a failure', () => {
  expect(tallyVitest(report(vitest(5, 0)), 1, '/').failed).toBe(1);
  expect(tallyPlaywright(report(playwright({})), 1).failed).toBe(1);
});

test('a suite that ran nothing is a failure', () => {
  expect(tallyVitest(report(vitest(0, 0)), 0, '/').failed).toBe(1);
  expect(tallyPlaywright(report(playwright({ expected: 0 })), 0).failed).toBe(1);
});

test('a report that is missing or cut short is a failure', () => {
  expect(tallyVitest(join(folder, 'none.json'), 0, '/').failed).toBe(1);
  expect(tallyPlaywright(report('{"stats":'), 0).failed).toBe(1);
});

test('a flaky journey and an error outside the journeys are failures', () => {
  expect(tallyPlaywright(report(playwright({ flaky: 1 })), 0).failed).toBe(1);
  expect(tallyPlaywright(report(playwright({}, [{ message: 'no config' }])), 1).failed).toBe(1);
});
