import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const cruiser = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
const report = z.object({
  summary: z.object({
    violations: z.array(z.object({ from: z.string(), to: z.string(), rule: z.object({ name: z.string() }) })),
  }),
});

const good: Record<string, string> = {
  'app/lib/core/clock.ts': 'export const now = 1;',
  'app/lib/log/entry.ts': "import { now } from '../core/clock.ts';\nexport const entry = now;",
  'app/lib/ui/Button.svelte': '<button>fine</button>',
  'app/lib/sync/replica.ts': "import { entry } from '../log/entry.ts';\nexport const replica = entry;",
  'app/lib/sync/transports/relay.ts': 'export const relay = 1;',
  'app/lib/workspace/Room.svelte':
    "<script lang=\"ts\">import Button from '$lib/ui/Button.svelte';\nimport { replica } from '$lib/sync/replica.ts';</script><Button />{replica}",
  'app/testing/fake.ts': 'export const fake = 1;',
  'signaling/main.ts': "import { now } from '../app/lib/core/clock.ts';\nexport const main = now;",
};

/** One broken rule a file: what is in it, and the rule that must say so. */
const bad: Record<string, [content: string, rule: string]> = {
  'app/lib/core/bad-up.ts': [
    "import { entry } from '../log/entry.ts';\nexport const x = entry;",
    'core-imports-what-is-below-it',
  ],
  'app/lib/ui/BadRelative.svelte': [
    '<script lang="ts">import { entry } from \'../log/entry.ts\';</script>{entry}',
    'ui-imports-what-is-below-it',
  ],
  'app/lib/ui/BadAlias.svelte': [
    '<script lang="ts">import Room from \'$lib/workspace/Room.svelte\';</script><Room />',
    'ui-imports-what-is-below-it',
  ],
  'app/lib/storage/bad-sibling.ts': [
    "import { replica } from '$lib/sync/replica.ts';\nexport const x = replica;",
    'storage-imports-what-is-below-it',
  ],
  'app/lib/sync/bad-svelte.ts': [
    "import Button from '../ui/Button.svelte';\nexport const x = Button;",
    'ts-imports-no-svelte',
  ],
  'app/lib/workspace/bad-plugin.ts': [
    "import { relay } from '../sync/transports/relay.ts';\nexport const x = relay;",
    'plugins-through-their-registry',
  ],
  'app/lib/attic/bad-room.ts': [
    "import { now } from '../core/clock.ts';\nexport const x = now;",
    'unknown-room',
  ],
  'app/lib/talk/bad-path.ts': ["import { x } from '$lib/core/gone.ts';\nexport const y = x;", 'resolvable'],
  'app/lib/document/bad-testing.ts': [
    "import { fake } from '../../testing/fake.ts';\nexport const x = fake;",
    'nothing-imports-testing',
  ],
  'app/lib/account/bad-server.ts': [
    "import { main } from '../../../signaling/main.ts';\nexport const x = main;",
    'app-takes-only-types-from-signaling',
  ],
  'signaling/bad-log.ts': [
    "import { entry } from '../app/lib/log/entry.ts';\nexport const x = entry;",
    'signaling-imports-core',
  ],
};

let folder: string;
let violations: { from: string; to: string; rule: { name: string } }[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'codeface-imports-'));
  for (const file of ['.dependency-cruiser.cjs', 'scripts/import-resolution.cjs']) {
    write(file, '');
    cpSync(join(root, file), join(folder, file));
  }
  for (const [file, content] of Object.entries(good)) write(file, content);
  for (const [file, [content]] of Object.entries(bad)) write(file, content);
  const args = [cruiser, '--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'app', 'signaling'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder });
  violations = report.parse(JSON.parse(stdout)).summary.violations;
}, 30_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(Object.entries(bad))('%s is refused', (file, [, rule]) => {
  expect(violations.filter(({ from }) => from === file).map((found) => found.rule.name)).toContain(rule);
});

test('what the rule allows is not refused', () => {
  expect(violations.filter(({ from }) => from in good)).toEqual([]);
});

function write(file: string, content: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), content);
}
