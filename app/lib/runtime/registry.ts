/** Every runtime there is, and which one runs a file. */
import type { Runtime } from './runtime.ts';
import { javascript } from './runtimes/javascript.ts';
import { python } from './runtimes/python.ts';

export const runtimes: readonly Runtime[] = [python, javascript];

/** The runtime for a path by its ending, or undefined when nothing here runs it. */
export function runtimeFor(path: string): Runtime | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
  return runtimes.find((runtime) =>
    runtime.endings.some((ending) => name.endsWith(ending) && name.length > ending.length),
  );
}

/** Ends every sandbox that stands ready or is on its way there, for when a room is left. A later start opens a new one. */
export function releaseRuntimes(): void {
  for (const runtime of runtimes) runtime.release();
}
