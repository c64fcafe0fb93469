// Runs the script that this process stands for, and ends as it does. Plain syntax: see bootstrap.mjs.
import { spawn } from 'child_process';

/** How often it is looked whether npm is still there. */
const ORPHAN_LOOK_MS = 500;

/** Spawns `node script …args` in `cwd`; this process ends with its exit code, and passes on what would end it. */
export function handOver(node, script, args, cwd) {
  const child = spawn(node, [script, ...args], { cwd, stdio: 'inherit' });
  // Ctrl+C reaches the whole group from the terminal; a signal sent to this process alone must be passed on.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  if (process.env.npm_lifecycle_event !== undefined) endWithParent(child);
  child.on('exit', (code, signal) => process.exit(signal ? 1 : code === null ? 1 : code));
  return child;
}

/** npm runs its scripts in a shell, and where that is ended by a signal it tells nobody: who ends npm means this too. */
function endWithParent(child) {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) child.kill('SIGTERM');
  }, ORPHAN_LOOK_MS).unref();
}
