/** Stop in Pyodide as Node loads it, at the one moment that is easily missed. */
import { loadPyodide } from 'pyodide';
import { expect, test } from 'vitest';
import { hearStop } from './hear-stop.ts';

const SIGINT = 2;

test('Stop between a look at the cell and its clearing is heard, and heard once', async () => {
  const python = await loadPyodide();
  const memory = new SharedArrayBuffer(4);
  let looks = 0;
  hearStop(
    {
      setInterruptBuffer: (cell) =>
        python.setInterruptBuffer({
          get 0() {
            const seen = cell[0];
            if (++looks === 100) new Int32Array(memory)[0] = SIGINT;
            return seen;
          },
          set 0(cleared) {
            cell[0] = cleared as number;
          },
        } as unknown as typeof cell),
    },
    memory,
  );
  const heard: unknown = python.runPython(`
heard = 0
for _ in range(3):
  try:
    for _ in range(100_000): pass
  except KeyboardInterrupt: heard += 1
heard`);
  expect(looks).toBeGreaterThan(200);
  expect(heard).toBe(1);
});
