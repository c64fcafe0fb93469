/**
 * PocketBase as a child of the server: started, watched, started again with back-off, ended. Fetching the binary and writing its
 * migrations is set-up's business. Rooms never wait for any of it.
 *
 *   starting ──health 200──▶ up ──process ended──▶ waiting ──back-off──▶ starting
 *      └─────process ended, or no health in time────▶┘          close() from anywhere ──▶ ended
 */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { endGroup, freePort, spawnTethered } from './tethered-process.ts';

/** Where accounts and archives live. */
export type PocketBaseChoice =
  | {
      readonly kind: 'embedded';
      readonly binary: string;
      readonly dataDir: string;
      readonly migrationsDir: string;
      readonly hooksDir: string;
      /** For migrations and `--encryptionEnv PB_KEY`: secrets that must not show in `ps`. */
      readonly environment?: Readonly<Record<string, string>>;
    }
  /** `why` is set when it should have been there: the server is then degraded. */
  | { readonly kind: 'off'; readonly why?: string }
  /** Without `archiveSecret` it keeps no archive. */
  | { readonly kind: 'url'; readonly url: string; readonly archiveSecret?: string | undefined };

export type PocketBaseStatus = 'up' | 'down' | 'off';

export interface PocketBase {
  readonly status: PocketBaseStatus;
  /** Its address while it is up. */
  url(): string | undefined;
  /** What the archive's hook knows this server by; undefined where there is no archive. */
  readonly archiveSecret: string | undefined;
  /** Resolves when the status is no longer unknown: up, or the first attempt failed. */
  readonly settled: Promise<void>;
  close(): Promise<void>;
}

const FIRST_BACK_OFF_MS = 250;
const LONGEST_BACK_OFF_MS = 30_000;
/** Up this long, the next failure is a new one and starts the back-off anew. */
const STEADY_MS = 60_000;
/** It is ready in 0.2 s; a migration of a large archive may take far longer than that. */
const START_DEADLINE_MS = 60_000;
const START_POLL_MS = 25;
/** It ends in 50–300 ms after SIGTERM. */
const END_DEADLINE_MS = 1_500;
/** An address that is not ours is asked this often whether it is well. */
const URL_POLL_MS = 10_000;
const HEALTH_TIMEOUT_MS = 2_000;

/** Starts what `choice` says. Never rejects: what fails is logged in one line, and shows in `status`. */
export function startPocketBase(choice: PocketBaseChoice, origins: string, logger: Logger): PocketBase {
  switch (choice.kind) {
    case 'off':
      if (choice.why) logger.info(`PocketBase is off: ${choice.why} Rooms work without it.`);
      return {
        status: 'off',
        url: () => undefined,
        archiveSecret: undefined,
        settled: Promise.resolve(),
        close: async () => {},
      };
    case 'url':
      return new RemotePocketBase(choice, logger);
    case 'embedded':
      return new EmbeddedPocketBase(choice, origins, logger);
  }
}

class RemotePocketBase implements PocketBase {
  status: PocketBaseStatus = 'down';
  readonly archiveSecret: string | undefined;
  readonly settled: Promise<void>;
  readonly #url: string;
  readonly #logger: Logger;
  readonly #timer: NodeJS.Timeout;
  #warned = false;

  constructor(choice: Extract<PocketBaseChoice, { kind: 'url' }>, logger: Logger) {
    this.#url = choice.url;
    this.archiveSecret = choice.archiveSecret;
    this.#logger = logger;
    this.settled = this.#ask();
    this.#timer = setInterval(() => void this.#ask(), URL_POLL_MS).unref();
  }
  url(): string | undefined {
    return this.status === 'up' ? this.#url : undefined;
  }
  async close(): Promise<void> {
    clearInterval(this.#timer);
  }
  async #ask(): Promise<void> {
    this.status = (await isHealthy(this.#url)) ? 'up' : 'down';
    const down = this.status === 'down';
    if (down && !this.#warned) this.#logger.warn('PocketBase does not answer. Rooms work without it.');
    this.#warned = down;
  }
}

class EmbeddedPocketBase implements PocketBase {
  status: PocketBaseStatus = 'down';
  readonly archiveSecret = randomBytes(32).toString('hex');
  readonly settled: Promise<void>;
  readonly #choice: Extract<PocketBaseChoice, { kind: 'embedded' }>;
  readonly #origins: string;
  readonly #logger: Logger;
  readonly #closing = new AbortController();
  readonly #watching: Promise<void>;
  #url: string | undefined;
  #child: ChildProcess | undefined;

  constructor(choice: Extract<PocketBaseChoice, { kind: 'embedded' }>, origins: string, logger: Logger) {
    this.#choice = choice;
    this.#origins = origins;
    this.#logger = logger;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.settled = promise;
    this.#watching = this.#watch(resolve).finally(resolve);
  }

  url(): string | undefined {
    return this.status === 'up' ? this.#url : undefined;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const child = this.#child;
    if (child) {
      endGroup(child, 'SIGTERM');
      const last = setTimeout(() => endGroup(child, 'SIGKILL'), END_DEADLINE_MS);
      await this.#watching;
      clearTimeout(last);
    }
    await this.#watching;
  }

  async #watch(onSettled: () => void): Promise<void> {
    const { signal } = this.#closing;
    let backOffMs = FIRST_BACK_OFF_MS;
    while (!signal.aborted) {
      const startedAt = performance.now();
      const ending = await this.#runOnce(onSettled).catch((cause: unknown) => String(cause));
      this.status = 'down';
      onSettled();
      if (signal.aborted) return;
      if (performance.now() - startedAt > STEADY_MS) backOffMs = FIRST_BACK_OFF_MS;
      this.#logger.warn(
        `PocketBase ended (${ending}). Rooms work without it; starting it again in ${backOffMs / 1000} s.`,
      );
      await delay(backOffMs, undefined, { signal }).catch(() => {});
      backOffMs = Math.min(backOffMs * 2, LONGEST_BACK_OFF_MS);
    }
  }

  /** Runs until the process ends. Gives why, in words for the log. */
  async #runOnce(onUp: () => void): Promise<string> {
    const { binary, dataDir, environment = {} } = this.#choice;
    const publicDir = join(dataDir, 'public');
    for (const folder of [dataDir, publicDir]) await ensureFolder(folder);
    const port = await freePort();
    if (this.#closing.signal.aborted) return 'closing';
    const child = spawnTethered(binary, this.#arguments(port, publicDir), {
      ...environment,
      CODEFACE_ARCHIVE_SECRET: this.archiveSecret,
    });
    this.#child = child;
    let lastWords = '';
    for (const stream of [child.stdout, child.stderr])
      if (stream)
        createInterface(stream).on('line', (line) => {
          // Debug only: without a superuser PocketBase prints a link with a token.
          this.#logger.debug({ pocketbase: line });
          lastWords = line || lastWords;
        });
    const ended = new Promise<string>((resolve) => {
      child.on('error', (cause) => resolve(cause.message));
      child.on('close', (code, signal) => resolve(code === null ? `by ${signal}` : `exit ${code}`));
    });
    const url = `http://127.0.0.1:${port}`;
    if (await this.#becameHealthy(url, ended)) {
      this.#url = url;
      this.status = 'up';
      this.#logger.info('PocketBase is up');
      onUp();
    } else if (child.exitCode === null && !this.#closing.signal.aborted) {
      endGroup(child, 'SIGKILL');
    }
    const how = await ended;
    this.#child = undefined;
    return this.status === 'up' ? how : `${how}: ${lastWords.slice(0, 200) || 'it said nothing'}`;
  }

  #arguments(port: number, publicDir: string): string[] {
    const { dataDir, migrationsDir, hooksDir } = this.#choice;
    return [
      'serve',
      `--http=127.0.0.1:${port}`,
      `--origins=${this.#origins}`,
      `--dir=${dataDir}`,
      `--hooksDir=${hooksDir}`,
      `--migrationsDir=${migrationsDir}`,
      `--publicDir=${publicDir}`,
      '--hooksWatch=false',
      '--automigrate=false',
      '--queryTimeout=10',
      ...(this.#choice.environment?.['PB_KEY'] ? ['--encryptionEnv=PB_KEY'] : []),
    ];
  }

  async #becameHealthy(url: string, ended: Promise<unknown>): Promise<boolean> {
    let over = false;
    void ended.then(() => (over = true));
    const deadline = performance.now() + START_DEADLINE_MS;
    while (!over && performance.now() < deadline) {
      if (await isHealthy(url)) return !over;
      await delay(START_POLL_MS);
    }
    return false;
  }
}

/** Not `recursive: true`: where the folder above has been taken away Node never comes back from it, and takes a core. */
async function ensureFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
  }
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url.replace(/\/$/, '')}/api/health`, {
      signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS),
    });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false;
  }
}
