import { expect, test } from 'vitest';
import { type FileView, resolveModule } from './resolve.ts';

const view = (files: Record<string, string>): FileView => ({
  isFile: (path) => path in files,
  readText: (path) => files[path] ?? '',
});

const files = view({
  '/project/package.json':
    '{"name":"own","exports":{".":"./src/index.ts"},"imports":{"#inner":"./src/inner.ts"}}',
  '/project/src/index.ts': '',
  '/project/src/inner.ts': '',
  '/project/src/deep/index.js': '',
  '/project/node_modules/old/package.json': '{"main":"lib/main"}',
  '/project/node_modules/old/lib/main.js': '',
  '/project/node_modules/old/extra/index.js': '',
  '/project/node_modules/@s/new/package.json':
    '{"exports":{".":{"import":"./i.mjs","require":"./r.cjs"},"./f/*":"./lib/*.js"}}',
  '/project/node_modules/@s/new/i.mjs': '',
  '/project/node_modules/@s/new/r.cjs': '',
  '/project/node_modules/@s/new/lib/a.js': '',
  '/project/node_modules/broken/package.json': '{"exports":',
});

test.for([
  ['./index', 'import', '/project/src/index.ts'],
  ['./index.js', 'import', '/project/src/index.ts'],
  ['./deep', 'require', '/project/src/deep/index.js'],
  ['../src/inner.ts', 'import', '/project/src/inner.ts'],
  ['file:///project/src/inner.ts', 'import', '/project/src/inner.ts'],
  ['#inner', 'import', '/project/src/inner.ts'],
  ['own', 'import', '/project/src/index.ts'],
  ['old', 'require', '/project/node_modules/old/lib/main.js'],
  ['old/extra', 'require', '/project/node_modules/old/extra/index.js'],
  ['@s/new', 'import', '/project/node_modules/@s/new/i.mjs'],
  ['@s/new', 'require', '/project/node_modules/@s/new/r.cjs'],
  ['@s/new/f/a', 'import', '/project/node_modules/@s/new/lib/a.js'],
] as const)('%s by %s', ([specifier, kind, path]) => {
  expect(resolveModule(files, specifier, '/project/src', kind)).toEqual({ ok: true, value: path });
});

test.for(['./none', 'none', '@s/new/hidden', '#none', 'broken', '../../../../etc/passwd', ''])(
  '%s is refused with words',
  (specifier) => {
    const found = resolveModule(files, specifier, '/project/src', 'import');
    expect(found.ok).toBe(false);
  },
);

test('a package that is not there: the words say what can be done', () => {
  for (const name of ['left-pad', '@s/none']) {
    const found = resolveModule(files, `${name}/sub`, '/project/src', 'import');
    const words = found.ok ? '' : found.error;
    expect(words).toContain(`Cannot find package '${name}'. Programs have no network`);
    expect(words).toContain('import them by path');
    expect(words).toContain(`make the folder node_modules/${name} `);
  }
});
