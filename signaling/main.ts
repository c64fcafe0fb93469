/**
 * The process: settings in, a server up, signals out. `npm start` calls `serveUntilSignalled` after its set-up; run directly
 * (`node signaling/main.ts`) it is the same server without an embedded PocketBase, for which set-up is needed.
 */
import { join } from 'node:path';
import { pino, type Logger } from 'pino';
import { startServer, type RunningServer, type ServerOptions } from './http.ts';
import { listenSentence } from './listen-problem.ts';
import { readSettings, settingsSentence } from './settings.ts';

/** JSON lines on standard error, so that standard output is for people. Never an address beside a topic, never a query string. */
export const serverLogger = (level = 'info'): Logger =>
  pino({ level }, pino.destination({ dest: 2, sync: true }));

/**
 * Starts the server, says where it is, and ends the process in order on SIGTERM, SIGINT or SIGHUP: exit 0, children first.
 * Rejects as `startServer` does. `beforeExit` releases what the caller holds (a lock).
 */
export async function serveUntilSignalled(
  options: ServerOptions,
  beforeExit: () => void = () => {},
): Promise<RunningServer> {
  const { logger } = options;
  process.on('uncaughtException', (cause) => {
    logger.fatal({ err: cause }, 'a fault in the server itself: it ends');
    process.exit(70);
  });
  const server = await startServer(options);
  const end = () => {
    void server.close().then(() => {
      beforeExit();
      process.exit(0);
    });
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, end);
  process.stdout.write(`CodeFace ready at ${options.publicUrl ?? server.url}\n`);
  return server;
}

async function main(): Promise<void> {
  const settings = readSettings(process.argv.slice(2), process.env, process.cwd());
  if (!settings.ok) return fail(settingsSentence(settings.error));
  const { host, port, publicUrl, pocketbase, turn, archiveRoomBytes } = settings.value;
  const choice =
    pocketbase.kind === 'embedded'
      ? ({ kind: 'off', why: 'npm start sets it up.' } as const)
      : pocketbase.kind === 'url'
        ? pocketbase
        : ({ kind: 'off' } as const);
  const buildDir = join(import.meta.dirname, '..', 'build');
  try {
    await serveUntilSignalled({
      host,
      port,
      publicUrl,
      turn,
      archiveRoomBytes,
      buildDir,
      pocketbase: choice,
      logger: serverLogger(),
    });
  } catch (cause) {
    const { code = String(cause) } = cause as NodeJS.ErrnoException;
    fail(listenSentence({ code, host, port }));
  }
}

function fail(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
  process.exitCode = 1;
}

if (import.meta.main) await main();
