// Our server as `npm start` runs it, in a process of its own: without PocketBase, and with a page for an app. `our-server.ts <port> <folder>`
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { serveUntilSignalled } from '../../../signaling/main.ts';

const [port, folder = ''] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'index.html'), '<!doctype html><title>Bench</title>');
await serveUntilSignalled({
  host: '127.0.0.1',
  port: Number(port),
  buildDir: folder,
  pocketbase: { kind: 'off' },
  logger: pino({ level: 'silent' }),
});
