/** The server as a process of its own, beside a small build: for tests of how it ends. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SMALL_BUILD, temporaryFolder } from './test-server.ts';

/** A folder with a copy of the server in it, so that no test needs the app to be built. Whoever asks removes it. */
export async function serverFolder(): Promise<string> {
  const folder = await temporaryFolder();
  const root = join(import.meta.dirname, '..', '..');
  await cp(join(root, 'signaling'), join(folder, 'signaling'), { recursive: true });
  await cp(join(root, 'app', 'lib', 'core'), join(folder, 'app', 'lib', 'core'), { recursive: true });
  await cp(join(root, 'package.json'), join(folder, 'package.json'));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  await mkdir(join(folder, 'build'));
  for (const [name, content] of Object.entries(SMALL_BUILD))
    await writeFile(join(folder, 'build', name), content);
  return folder;
}

export function serverProcess(folder: string, ...args: string[]) {
  const child = spawn(process.execPath, [join(folder, 'signaling', 'main.ts'), ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], CODEFACE_POCKETBASE: 'off' },
  });
  let out = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, out, errors }));
  /** Its address, once it listens. */
  const ready = async (): Promise<string> => {
    await once(child.stdout, 'data');
    return /ready at (.*)\n/.exec(out)?.[1] ?? '';
  };
  return { child, ready, ended };
}
