// `npm start`: the part that runs on whatever Node the machine has. What it starts is in start.ts.
import { runUnderNode24 } from './setup/bootstrap.mjs';

runUnderNode24('start.ts');
