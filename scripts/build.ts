// `npm run build`: always builds. (`npm start` does so only when sources changed.)
import { join } from 'node:path';
import { build } from './setup/build.ts';

const built = await build(join(import.meta.dirname, '..'), console.log);
if (!built.ok) {
  console.error(built.error.output);
  process.exitCode = 1;
}
