/** A small `node:test`: tests and suites run in order and print TAP-like lines; a failure sets the exit code. */
import type { ProgramProcess } from './program-io.ts';

type Body = (context: object) => unknown;

/** The module's exports; `write` prints. */
export function testModule(process: ProgramProcess, write: (text: string) => void): unknown {
  let queue: Promise<unknown> = Promise.resolve();
  let depth = 0;
  const hooks: { before: Body[]; after: Body[] } = { before: [], after: [] };
  const say = (text: string, level: number): void => write(`${'    '.repeat(level)}${text}\n`);

  const runOne = async (name: string, body: Body | undefined, level: number): Promise<void> => {
    try {
      for (const hook of hooks.before) await hook({});
      await body?.({
        test: (inner: string, ...rest: unknown[]) => runOne(inner, bodyOf(rest), level + 1),
        diagnostic: () => undefined,
        name,
      });
      say(`ok - ${name}`, level);
    } catch (error) {
      process.exitCode = 1;
      say(`not ok - ${name}`, level);
      say(`  ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`, level);
    } finally {
      for (const hook of hooks.after) await hook({});
    }
  };
  const bodyOf = (rest: unknown[]): Body | undefined =>
    rest.find((argument) => typeof argument === 'function') as Body | undefined;
  const test = (name: string, ...rest: unknown[]): Promise<unknown> => {
    const level = depth;
    return (queue = queue.then(() => runOne(name, bodyOf(rest), level)));
  };
  const describe = (name: string, ...rest: unknown[]): void => {
    const level = depth;
    queue = queue.then(() => say(`# ${name}`, level));
    depth++;
    void bodyOf(rest)?.({});
    depth--;
  };
  const skip = (name: string): void => void (queue = queue.then(() => say(`ok - ${name} # SKIP`, depth)));
  Object.assign(test, { skip, todo: skip, only: test });
  Object.assign(describe, { skip, only: describe });
  return Object.assign(test, {
    test,
    it: test,
    describe,
    suite: describe,
    beforeEach: (hook: Body) => void hooks.before.push(hook),
    afterEach: (hook: Body) => void hooks.after.push(hook),
    before: (hook: Body) => void (queue = queue.then(() => hook({}))),
    after: (hook: Body) => void queueMicrotask(() => void (queue = queue.then(() => hook({})))),
    default: test,
  });
}
