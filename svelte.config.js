import adapter from '@sveltejs/adapter-static';
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

/** @type {import('@sveltejs/kit').Config} */
const config = {
  preprocess: vitePreprocess(),
  compilerOptions: { runes: true },
  kit: {
    adapter: adapter({ pages: 'build', assets: 'build', fallback: '200.html', strict: true }),
    files: { src: 'app', assets: 'static' },
    alias: { $lib: 'app/lib' },
    version: { pollInterval: 0 },
  },
  vitePlugin: { inspector: false },
};

export default config;
