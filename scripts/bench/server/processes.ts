// The processes of the server benchmark: the two signaling servers, and the clients of one of them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../../signaling/tethered-process.ts';
import type { Endings } from '../endings.ts';
import { Child } from './door.ts';
import type { LoadDoor } from './load.ts';
import type { UsageDoor } from './usage.ts';

const READY_LIMIT_MS = 10_000;
const RETRY_MS = 100;

export type Name = 'ours' | 'y-webrtc';

export interface Running {
  readonly url: string;
  readonly process: Child<UsageDoor>;
}

/** A server and nothing else, in a process that says what it uses. Resolves when it answers. */
export async function start(name: Name, endings: Endings): Promise<Running> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'codeface-bench-'));
  endings.add(() => rmSync(folder, { recursive: true, force: true }));
  const flags = ['--expose-gc', '--import', join(import.meta.dirname, 'usage.ts')];
  const process =
    name === 'ours'
      ? new Child<UsageDoor>(new URL('./our-server.ts', import.meta.url), {
          args: [String(port), folder],
          flags,
        })
      : new Child<UsageDoor>(join(import.meta.dirname, '../../../node_modules/y-webrtc/bin/server.js'), {
          flags,
          env: { PORT: String(port) },
        });
  endings.add(() => process.end());
  await answering(`http://127.0.0.1:${port}/healthz`);
  return { url: `ws://127.0.0.1:${port}/signal`, process };
}

async function answering(url: string): Promise<void> {
  for (const startedAt = performance.now(); ; await new Promise((resolve) => setTimeout(resolve, RETRY_MS))) {
    const answered = await fetch(url).then(
      () => true,
      () => false,
    );
    if (answered) return;
    if (performance.now() - startedAt > READY_LIMIT_MS) throw new Error(`nothing answers at ${url}`);
  }
}

/** A process for clients, without any yet. */
export function startLoad(endings: Endings): Child<LoadDoor> {
  const load = new Child<LoadDoor>(new URL('./load.ts', import.meta.url));
  endings.add(() => load.end());
  return load;
}
