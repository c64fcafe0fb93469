// `npm start`: data folder, app, PocketBase and server, in that order; one sentence and exit code 1 when it cannot be.
import { join } from 'node:path';
import { serverLogger, serveUntilSignalled } from '../signaling/main.ts';
import type { PocketBaseChoice } from '../signaling/pocketbase-process.ts';
import { readSettings, settingsSentence, type Settings } from '../signaling/settings.ts';
import { buildIfChanged } from './setup/build.ts';
import { openDataFolder, type DataFolder } from './setup/data-folder.ts';
import { pocketbaseBinary } from './setup/pocketbase-binary.ts';
import { sentenceFor } from './setup/start-problem.ts';

const root = join(import.meta.dirname, '..');
const say = (line: string): void => console.log(line);

const untilServing = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  const end = (): void => process.exit(1);
  process.on(signal, end);
  untilServing.signal.addEventListener('abort', () => process.off(signal, end));
}

const settings = readSettings(process.argv.slice(2), process.env, process.cwd());
if (!settings.ok) stop(settingsSentence(settings.error));
else {
  const folder = openDataFolder(settings.value.dataFolder);
  if (!folder.ok) stop(sentenceFor(folder.error));
  else await serve(settings.value, folder.value);
}

async function serve(settings: Settings, folder: DataFolder): Promise<void> {
  const { host, port, publicUrl, turn, archiveRoomBytes } = settings;
  const built = await buildIfChanged(root, say);
  if (!built.ok) return stop(sentenceFor(built.error));
  const pocketbase = await choosePocketBase(settings, folder);
  untilServing.abort();
  try {
    // Warnings only: what happens on a good day is not for the terminal of the person who started it.
    const options = {
      host,
      port,
      publicUrl,
      turn,
      archiveRoomBytes,
      pocketbase,
      buildDir: join(root, 'build'),
      logger: serverLogger('warn'),
    };
    await serveUntilSignalled(options, folder.release);
  } catch (cause) {
    const { code = String(cause) } = cause as NodeJS.ErrnoException;
    stop(sentenceFor({ kind: 'cannot-listen', code, host, port }));
  }
}

async function choosePocketBase({ pocketbase }: Settings, folder: DataFolder): Promise<PocketBaseChoice> {
  if (pocketbase.kind === 'url') return pocketbase;
  if (pocketbase.kind === 'off') return { kind: 'off' };
  const sources = join(root, 'pocketbase');
  // An image brings its own in bin/: the data folder outlives it, and may be empty or from an older one.
  const found = await pocketbaseBinary(folder.bin, sources, say, [join(root, 'bin')]);
  if (!found.ok) {
    const why = `it could not be fetched (${found.error.tried.join('; ')}).`;
    say(`PocketBase is missing: ${why} Rooms work without it; accounts and the archive do not.`);
    return { kind: 'off', why };
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

function stop(sentence: string): void {
  console.error(sentence);
  process.exit(1);
}
