// `npm run build`: always builds. (`npm start` does so only when sources changed.)
import { join } from 'node:path';
import { build } from './setup/build.ts';
import { sentenceFor } from './setup/start-problem.ts';

const built = await build(join(import.meta.dirname, '..'), console.log);
if (!built.ok) {
  console.error(sentenceFor(built.error));
  process.exitCode = 1;
}
