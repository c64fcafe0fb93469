// The import rule of docs/architecture.md as one table. `npm run imports` checks it; scripts/import-rule.test.ts keeps
// the check itself honest. Each room below may import the rooms named beside it, itself, and packages.
const document = ['core', 'crypto', 'log', 'document'];
const rooms = {
  core: [],
  crypto: ['core'],
  log: ['core', 'crypto'],
  document: ['core', 'crypto', 'log'],
  ui: ['core'],
  settings: ['core'],
  files: document,
  sync: document,
  storage: document,
  editor: document,
  runtime: document,
  assistant: document,
  analysis: document,
  history: document,
  talk: document,
  account: document,
};
const features = Object.keys(rooms);
const lib = (names) => `^app/lib/(${names.join('|')})/`;
const tests = '\\.(test|spec|e2e)\\.ts$';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...features.map((room) => ({
      name: `${room}-imports-what-is-below-it`,
      comment: `app/lib/${room} may import: ${rooms[room].join(', ') || 'no other room'}.`,
      severity: 'error',
      from: { path: `^app/lib/${room}/`, pathNot: tests },
      to: { path: '^(app|signaling|scripts)/', pathNot: lib([room, ...rooms[room]]) },
    })),
    {
      name: 'unknown-room',
      comment: 'A new folder of app/lib takes its place in the table of .dependency-cruiser.cjs first.',
      severity: 'error',
      from: { path: '^app/lib/', pathNot: `${lib([...features, 'workspace'])}|${tests}` },
      to: {},
    },
    {
      name: 'workspace-imports-rooms',
      severity: 'error',
      from: { path: '^app/lib/workspace/', pathNot: tests },
      to: { path: '^(app|signaling|scripts)/', pathNot: '^app/lib/' },
    },
    {
      name: 'routes-import-rooms',
      severity: 'error',
      from: { path: '^app/(routes/|service-worker)', pathNot: tests },
      to: { path: '^(app|signaling|scripts)/', pathNot: '^app/(lib|routes)/' },
    },
    {
      name: 'nothing-imports-testing',
      comment: 'Fakes and contract suites are for tests.',
      severity: 'error',
      from: { path: '^(app|signaling)/', pathNot: `${tests}|^app/(testing|journeys)/` },
      to: { path: '^app/(testing|journeys)/' },
    },
    {
      name: 'app-takes-only-types-from-signaling',
      severity: 'error',
      from: { path: '^app/', pathNot: `${tests}|^app/(testing|journeys)/` },
      to: { path: '^signaling/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'signaling-imports-core',
      severity: 'error',
      from: { path: '^signaling/', pathNot: tests },
      to: { path: '^(app|scripts)/', pathNot: '^app/lib/core/' },
    },
    {
      name: 'ts-imports-no-svelte',
      comment: 'Plain modules run in Node and in workers. Runes live in *-state.svelte.ts.',
      severity: 'error',
      from: { path: '^(app/lib|signaling)/.*\\.ts$', pathNot: '\\.svelte(\\.test)?\\.ts$' },
      to: { path: '\\.svelte(\\.ts)?$|(^|/)node_modules/svelte/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'plugins-through-their-registry',
      comment: 'A runtime, an engine, a transport or an analyzer is reached through registry.ts of its room.',
      severity: 'error',
      from: {
        path: '^app/lib/',
        pathNot: `^app/lib/[^/]+/registry\\.ts$|^app/lib/[^/]+/(runtimes|engines|transports|analyzers)/|${tests}`,
      },
      to: { path: '^app/lib/[^/]+/(runtimes|engines|transports|analyzers)/' },
    },
    {
      name: 'no-circles',
      severity: 'error',
      from: { pathNot: tests },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'resolvable',
      comment: 'An import between rooms that cannot be followed cannot be checked.',
      severity: 'error',
      from: { path: '^(app|signaling)/' },
      to: { couldNotResolve: true, path: '^(\\.|\\$lib)', pathNot: '\\$types$|\\?' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(\\.svelte-kit|build)/' },
    tsPreCompilationDeps: true,
    // Without the alias and Svelte's export condition, imports of .svelte files and $lib are passed over in silence.
    webpackConfig: { fileName: 'scripts/import-resolution.cjs' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['svelte', 'browser', 'import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.svelte', '.json'],
      mainFields: ['svelte', 'module', 'main'],
    },
  },
};
