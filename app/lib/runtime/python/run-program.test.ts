/** run_program.py in Pyodide as Node loads it: how programs are found, and what people read when they fail. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { loadPyodide, type PyodideInterface } from 'pyodide';
import { beforeAll, expect, test } from 'vitest';

let python: PyodideInterface;
let programs = 0;
beforeAll(async () => {
  python = await loadPyodide({ env: { HOME: '/project' } });
  python.runPython(await readFile(path.join(import.meta.dirname, 'run_program.py'), 'utf8'));
  (python.globals as unknown as Map<string, (pause: () => void) => void>).get('prepare')?.(() => undefined);
});

/** Runs files in a folder of their own; `entry` is in it. */
async function run(
  files: Readonly<Record<string, string>>,
  entry = 'main.py',
): Promise<{ code: number; stdout: string; stderr: string }> {
  const said = { stdout: '', stderr: '' };
  python.setStdout({ batched: (line) => void (said.stdout += `${line}\n`) });
  python.setStderr({ batched: (line) => void (said.stderr += `${line}\n`) });
  const folder = `program${programs++}`;
  const fs = python.FS as {
    mkdirTree(name: string): void;
    writeFile(name: string, text: string): void;
  };
  for (const [name, text] of Object.entries(files)) {
    const full = `/project/${folder}/${name}`;
    fs.mkdirTree(path.dirname(full));
    fs.writeFile(full, text);
  }
  const globals = python.globals as unknown as Map<string, (entry: string) => number>;
  const code = globals.get('run')?.(`${folder}/${entry}`);
  return { code: code ?? -1, ...said };
}

test('the rehearsal before the first program runs one, and leaves nothing behind that a program could see', () => {
  const said: string[] = [];
  python.setStdout({ batched: (line) => said.push(line) });
  const seen = `(sys.argv, sys.path[:], sorted(sys.modules), sys.modules["__main__"], sorted(sys.path_importer_cache),
    sys.stdout, os.getcwd(), os.listdir("/project"), sorted(vars(builtins)), sorted(vars(sys.modules["__main__"])), sorted(globals()),
    sys.excepthook, time.sleep, socket.getaddrinfo)`;
  const same: unknown = python.runPython(
    `import os
os.makedirs("/project", exist_ok=True)
os.chdir("/")
before, after = (), ()
before = ${seen}
with open("/project/main.py", "w") as file: file.write("print('ready')")
del file
rehearse("main.py")
os.remove("/project/main.py")
after = ${seen}
before == after`,
  );
  expect(said).toEqual(['ready']);
  expect(same).toBe(true);
});

test('a file inside a package runs as its module, with relative imports and the src folder', async () => {
  const report = await run(
    {
      'demo-1.0/src/demo/__init__.py': 'VERSION = "1.0"',
      'demo-1.0/src/demo/core.py': 'def work(): return 42',
      'demo-1.0/src/demo/cli.py':
        'from . import VERSION\nfrom .core import work\nprint(__name__, __package__, VERSION, work())',
    },
    'demo-1.0/src/demo/cli.py',
  );
  expect(report).toEqual({ code: 0, stdout: '__main__ demo 1.0 42\n', stderr: '' });
});

test('a traceback shows the frames people wrote and nothing of the runtime', async () => {
  const { code, stderr } = await run({
    'main.py': 'import json\ndef load():\n    return json.loads("{")\nload()',
  });
  expect(code).toBe(1);
  expect(stderr.match(/File "[^"]*", line \d+/g)).toEqual([
    expect.stringMatching(/\/main\.py", line 4$/),
    expect.stringMatching(/\/main\.py", line 3$/),
  ]);
  expect(stderr).toContain('JSONDecodeError');
});

test('a package that is not here is named, with what to do', async () => {
  const { code, stderr } = await run({ 'main.py': 'import numpy.linalg' });
  expect(code).toBe(1);
  expect(stderr).toContain("'numpy' is not here");
  expect(stderr).toContain("import its folder 'numpy' into the project");
});

test.for([
  ['a page', 'import urllib.request\nurllib.request.urlopen("http://192.0.2.1/")'],
  ['a name', 'import socket\nsocket.getaddrinfo("example.org", 80)'],
  ['a socket', 'import socket\nsocket.socket().connect(("192.0.2.1", 80))'],
])('asking the network for %s fails at once, in words', async ([, source]) => {
  const { code, stderr } = await run({ 'main.py': source ?? '' });
  expect(code).toBe(1);
  expect(stderr).toContain('programs in the room have no network');
});

test.for([
  ['None', 0],
  ['7', 7],
  ['300', 44],
  ['"in words"', 1],
] as const)('sys.exit(%s) ends with %i', async ([argument, code]) => {
  const report = await run({
    'main.py': `import atexit, sys\natexit.register(print, "bye")\nsys.exit(${argument})`,
  });
  expect(report.code).toBe(code);
  expect(report.stdout).toBe('bye\n');
});
