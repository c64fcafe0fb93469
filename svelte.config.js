import adapter from '@sveltejs/adapter-static';
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

/** @type {import('@sveltejs/kit').Config} */
const config = {
  preprocess: vitePreprocess(),
  compilerOptions: { runes: true },
  kit: {
    adapter: adapter({
      pages: 'build',
      assets: 'build',
      fallback: '200.html',
      strict: true,
      // Half a minute of brotli that pays on a network and not on the machine one develops on: the Dockerfile sets it.
      precompress: process.env.CODEFACE_PRECOMPRESS === '1',
    }),
    files: { src: 'app', assets: 'static' },
    alias: { $lib: 'app/lib' },
    version: { pollInterval: 0 },
  },
  vitePlugin: { inspector: false },
};

export default config;
