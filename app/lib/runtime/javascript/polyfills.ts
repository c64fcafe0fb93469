/**
 * The polyfills of Node's modules that this runtime does not need itself: each is set up when a program first asks for it.
 * `crypto` alone takes longer than everything a worker otherwise does before it is ready.
 */
/* eslint-disable @typescript-eslint/no-require-imports -- bundled; the only import that runs late and yet at once */

/** By name; what each gives is the module's namespace. */
export const polyfills = {
  assert: () => require('@jspm/core/nodelibs/assert') as object,
  constants: () => require('@jspm/core/nodelibs/constants') as object,
  crypto: () => require('@jspm/core/nodelibs/crypto') as object,
  diagnostics_channel: () => require('@jspm/core/nodelibs/diagnostics_channel') as object,
  punycode: () => require('@jspm/core/nodelibs/punycode') as object,
  querystring: () => require('@jspm/core/nodelibs/querystring') as object,
  'stream/promises': () => require('@jspm/core/nodelibs/stream/promises') as object,
  string_decoder: () => require('@jspm/core/nodelibs/string_decoder') as object,
  url: () => require('@jspm/core/nodelibs/url') as object,
  util: () => require('@jspm/core/nodelibs/util') as object,
  vm: () => require('@jspm/core/nodelibs/vm') as object,
  zlib: () => require('@jspm/core/nodelibs/zlib') as object,
} as const;
