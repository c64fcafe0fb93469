// `npm run soak [-- runs]`: the property tests that have fixed seeds in `npm test`, with many more cases from the same seeds.
import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** About an hour on two cores. */
const defaultRuns = 2000;
const soaked = [
  'app/lib/log/branches.test.ts',
  'app/lib/log/contested.test.ts',
  'app/lib/log/convergence.test.ts',
  'app/lib/log/in-few-segments.test.ts',
  'app/lib/log/many-authors.test.ts',
  'app/lib/sync/convergence.test.ts',
  'app/lib/sync/archive/archive-crash.test.ts',
  'app/lib/sync/joins.test.ts',
  'app/lib/sync/nothing-taken.test.ts',
  'app/lib/sync/owners-weather.test.ts',
  'app/lib/sync/rest-damage.test.ts',
  'app/lib/sync/second-lives.test.ts',
];

const runs = process.argv[2] ?? String(defaultRuns);
const child = spawn(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', '--project', 'unit', ...soaked],
  {
    cwd: join(import.meta.dirname, '..'),
    env: { ...process.env, RUNS: runs },
    stdio: 'inherit',
  },
);
child.on('exit', (code) => process.exit(code ?? 1));
