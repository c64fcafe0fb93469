// Puts a checked PocketBase into the folder named on the command line. For images and machines that later have no network.
import { join, resolve } from 'node:path';
import { pocketbaseBinary } from './setup/pocketbase-binary.ts';

const folder = process.argv[2];
if (!folder) {
  console.error('Name the folder to put PocketBase into.');
  process.exit(1);
}
const found = await pocketbaseBinary(
  resolve(folder),
  join(import.meta.dirname, '..', 'pocketbase'),
  console.log,
);
// Not a failure: CodeFace starts without PocketBase and says so.
if (!found.ok) console.error(`No PocketBase: ${found.error.tried.join('; ')}`);
