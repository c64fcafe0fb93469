// `npm test`: the part that runs on whatever Node the machine has. What it checks is in test.ts.
import { runUnderNode24 } from './setup/bootstrap.mjs';

runUnderNode24('test.ts');
