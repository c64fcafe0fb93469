/** `?sandbox`: the URL of the module as one classic script (bundle-plugin.ts). */
declare module '*?sandbox' {
  const url: string;
  export default url;
}
/** Python source, as text, inside sandbox bundles. */
declare module '*.py' {
  const source: string;
  export default source;
}

/* eslint-disable @typescript-eslint/no-require-imports -- the only way to re-export a CommonJS module's types */
/** Polyfills of Node's modules, typed as what they stand in for. */
declare module '@jspm/core/nodelibs/buffer' {
  import buffer = require('node:buffer');
  export = buffer;
}
declare module '@jspm/core/nodelibs/events' {
  import events = require('node:events');
  export = events;
}
declare module '@jspm/core/nodelibs/stream' {
  import stream = require('node:stream');
  export = stream;
}
declare module '@jspm/core/nodelibs/*' {
  const names: Record<string, unknown>;
  export default names;
}
declare module 'esbuild-wasm/esm/browser.js' {
  import esbuild = require('esbuild-wasm');
  export = esbuild;
}
declare module 'pyodide/pyodide.asm.mjs' {
  const create: unknown;
  export default create;
}
