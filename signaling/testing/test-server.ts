/** A whole server on a free port with a small build folder of its own, for tests. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { startServer, type RunningServer, type ServerOptions } from '../http.ts';

/** Page and shell as SvelteKit writes them, an inline script included. */
export const SMALL_BUILD: Readonly<Record<string, string>> = {
  'index.html': '<!doctype html><title>Landing</title><script>globalThis.inlineRan = true;</script>',
  '200.html': '<!doctype html><title>Shell</title><script src="/app.js"></script>',
};

export interface TestServer extends RunningServer {
  /** `ws://…` + path. */
  socketUrl(path: '/signal' | '/relay'): string;
  /**
   * Bytes in, all bytes out, over a bare connection: what `fetch` would tidy up arrives as it is. The server must close, unless
   * we hang up after sending.
   */
  raw(bytes: string | Uint8Array, then?: 'hang-up'): Promise<string>;
}

export interface TestServerOptions extends Partial<Omit<ServerOptions, 'buildDir'>> {
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
}

export async function startTestServer({
  files = SMALL_BUILD,
  ...options
}: TestServerOptions = {}): Promise<TestServer> {
  const buildDir = await temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(buildDir, name)), { recursive: true });
    await writeFile(join(buildDir, name), content);
  }
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    pocketbase: { kind: 'off' },
    logger: pino({ level: 'silent' }),
    ...options,
    buildDir,
  });
  return {
    ...server,
    socketUrl: (path) => server.url.replace('http', 'ws') + path,
    raw: (bytes, then) => sendRaw(server.port, bytes, then),
    close: async () => {
      await server.close();
      await rm(buildDir, { recursive: true, force: true });
    },
  };
}

export const temporaryFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'codeface-test-'));

function sendRaw(port: number, bytes: string | Uint8Array, then?: 'hang-up'): Promise<string> {
  return new Promise((done) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => (then ? socket.end(bytes) : socket.write(bytes)));
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
    socket.on('error', () => {});
    socket.on('close', () => done(answer));
  });
}
