/**
 * Child processes that never outlive the server, and a port for one: what they do is not known here.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';

/**
 * A shell that ends its child when our end of its stdin closes. So a server killed with -9 leaves no PocketBase behind, which
 * matters because two of them start on one data folder without complaint. (Windows has no such shell: started plainly.)
 */
const TETHER =
  'exec 3<&0; "$0" "$@" </dev/null 3<&- & pb=$!; trap "kill $pb" TERM; { cat <&3 >/dev/null; kill $pb; } 2>/dev/null & wait $pb; wait $pb';

/** Runs the binary on a tether, in a process group of its own; end it with `endGroup`. Its environment is this and no more. */
export function spawnTethered(
  binary: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): ChildProcess {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment };
  if (process.platform === 'win32') return spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  // A group of its own: Ctrl+C in a terminal reaches the server alone, which then ends its children in order.
  return spawn('/bin/sh', ['-c', TETHER, binary, ...args], { stdio: 'pipe', env, detached: true });
}

/** Signals the process and all it has started. Nothing when it is gone. */
export function endGroup(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined) return;
  try {
    if (process.platform === 'win32') child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch {
    // Already gone.
  }
}

/** A port of the loopback that is free now, for a program that cannot choose one and tell it (PocketBase prints `:0`). */
export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((listening, failed) =>
    probe.once('error', failed).listen(0, '127.0.0.1', listening),
  );
  const { port } = probe.address() as AddressInfo;
  await new Promise((closed) => probe.close(closed));
  return port;
}
