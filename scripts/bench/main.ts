// `npm run bench [-- name …] [--profile]`: measures, and prints one table. Nothing here decides a test.
import { cpus, loadavg } from 'node:os';
import type { BenchOptions } from './browser.ts';
import { endOnSignals } from './endings.ts';
import { measureHistory } from './history.ts';
import { measureJoining } from './join.ts';
import { measureKeystrokes } from './keystroke.ts';
import { measurePastSessions } from './past-sessions.ts';
import { measureRuntimes } from './runtimes.ts';
import { measureServer } from './server.ts';
import { formatTable, type Findings, type Row } from './table.ts';
import { measureWeight } from './weight.ts';

const measurements: Readonly<Record<string, (options: BenchOptions) => Promise<Findings>>> = {
  keystroke: measureKeystrokes,
  sessions: measurePastSessions,
  join: measureJoining,
  history: measureHistory,
  runtimes: measureRuntimes,
  weight: measureWeight,
  server: measureServer,
};

const args = process.argv.slice(2);
const profiling = args.includes('--profile');
const asked = args.filter((arg) => arg !== '--profile');
const unknown = asked.filter((name) => !(name in measurements));
if (unknown.length > 0) {
  console.error(
    `There is no benchmark ${unknown.join(', ')}; there are ${Object.keys(measurements).join(', ')}.`,
  );
  process.exit(1);
}

endOnSignals();
const rows: Row[] = [];
for (const name of asked.length > 0 ? asked : Object.keys(measurements)) {
  console.error(`${name} … (load ${load()})`);
  const findings = await measurements[name]?.({ profiling }).catch((error: unknown): Findings => {
    process.exitCode = 1;
    return { rows: [], notes: [`${name} failed: ${String(error)}`] };
  });
  for (const note of findings?.notes ?? []) console.log(note);
  rows.push(...(findings?.rows ?? []));
}
console.log(`\n${cpus().length} cores, load ${load()} at the end\n`);
console.log(formatTable(rows));

function load(): string {
  return loadavg()[0]?.toFixed(1) ?? '?';
}
