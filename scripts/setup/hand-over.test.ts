import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

let folder: string;
const started: number[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'codeface-hand-'));
});
afterEach(() => {
  for (const id of started.splice(0)) if (runs(id)) process.kill(id, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function runs(id: number): boolean {
  try {
    return process.kill(id, 0);
  } catch {
    return false;
  }
}

/** A shell that runs, as npm's does, what hands over to a script that says its process id and stays. */
async function startInShell(env: NodeJS.ProcessEnv): Promise<{ shell: number; script: number }> {
  const script = join(folder, 'stays.mjs');
  const starter = join(folder, 'starter.mjs');
  writeFileSync(script, 'console.log(process.pid); setInterval(() => {}, 1000);');
  const handOver = pathToFileURL(join(import.meta.dirname, 'hand-over.mjs')).href;
  writeFileSync(
    starter,
    `import { handOver } from '${handOver}'; handOver(process.execPath, ${JSON.stringify(script)}, [], '.');`,
  );
  const shell = spawn('sh', ['-c', `"${process.execPath}" "${starter}"; true`], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = (await once(shell.stdout, 'data')) as [Buffer];
  const ids = { shell: shell.pid ?? 0, script: Number(said.toString()) };
  started.push(ids.shell, ids.script);
  return ids;
}

test('whoever ends npm ends what it started, though the shell between tells nobody', async ({ skip }) => {
  if (process.platform === 'win32') skip('a process has its parent for ever on Windows');
  const { shell, script } = await startInShell({ npm_lifecycle_event: 'start' });
  expect(runs(script)).toBe(true);
  process.kill(shell, 'SIGTERM');
  await vi.waitUntil(() => !runs(script), { timeout: 20_000 });
});
