// `npm start`: data folder, app, PocketBase and server, in that order; one sentence and exit code 1 when it cannot be.
import { join } from 'node:path';
import { startServer, type PocketBaseChoice, type RunningServer } from '../signaling/main.ts';
import { buildIfChanged } from './setup/build.ts';
import { openDataFolder, type DataFolder } from './setup/data-folder.ts';
import { pocketbaseBinary } from './setup/pocketbase-binary.ts';
import { readSettings, type Settings } from './setup/settings.ts';
import { sentenceFor, type StartProblem } from './setup/start-problem.ts';

const root = join(import.meta.dirname, '..');
const say = (line: string): void => console.log(line);

const settings = orStop(readSettings(process.argv.slice(2), process.env, process.cwd()));
const folder = orStop(openDataFolder(settings.dataFolder));
orStop(await buildIfChanged(root, say));
const server = await listen(settings, await choosePocketBase(settings, folder));
endWith(server, folder);
say(`CodeFace ready at ${settings.publicUrl ?? server.url}`);

async function choosePocketBase({ pocketbase }: Settings, folder: DataFolder): Promise<PocketBaseChoice> {
  if (pocketbase.kind !== 'embedded') return pocketbase;
  const sources = join(root, 'pocketbase');
  const found = await pocketbaseBinary(folder.bin, sources, say);
  if (!found.ok) {
    return { kind: 'off', why: `it could not be fetched (${found.error.tried.join('; ')}).` };
  }
  return {
    kind: 'embedded',
    binary: found.value,
    dataDir: folder.pocketbase,
    migrationsDir: join(sources, 'migrations'),
    hooksDir: join(sources, 'hooks'),
    environment: {
      PB_KEY: folder.encryptionKey,
      CODEFACE_SUPERUSER_EMAIL: folder.superuser.email,
      CODEFACE_SUPERUSER_PASSWORD: folder.superuser.password,
    },
  };
}
