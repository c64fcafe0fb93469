// Finds a Chromium for the journeys, or brings one: named, installed, Playwright's own, the system's package.
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { chromium } from '@playwright/test';

export interface Browser {
  readonly path: string;
  readonly source: string;
}

const commands = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge'];
const macApps = ['Google Chrome', 'Chromium', 'Microsoft Edge'];
/** Playwright's Chromium has about 170 MB; where its host cannot be reached nobody should wait longer to learn it. */
const downloadTimeoutMs = 60_000;
const packageTimeoutMs = 5 * 60_000;

/** The first browser that starts. Nothing when there is none: `say` has then told each way that was tried. */
export async function findBrowser(
  env: Readonly<Record<string, string | undefined>>,
  say: (line: string) => void,
): Promise<Browser | undefined> {
  const ways: readonly [string, () => string | undefined | Promise<string | undefined>][] = [
    ['CHROMIUM_PATH', () => env['CHROMIUM_PATH']],
    ['installed on this machine', installed],
    ['from Playwright', () => existing(chromium.executablePath())],
    ['downloaded by Playwright', () => fromPlaywright(say)],
    ['from apt-get', () => fromApt(say)],
  ];
  for (const [source, find] of ways) {
    const path = await find();
    if (path === undefined) continue;
    if (starts(path)) return { path, source };
    say(`${path} (${source}) does not start.`);
  }
  return undefined;
}

function installed(): string | undefined {
  for (const command of commands) {
    const found = which(command);
    if (found) return found;
  }
  const apps = macApps.map((app) => `/Applications/${app}.app/Contents/MacOS/${app}`);
  return process.platform === 'darwin' ? apps.find((path) => existsSync(path)) : undefined;
}

function which(command: string): string | undefined {
  try {
    const finder = process.platform === 'win32' ? 'where' : 'which';
    return execFileSync(finder, [command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .split('\n')[0]
      ?.trim();
  } catch {
    return undefined; // "not found" is told by the exit code
  }
}

async function fromPlaywright(say: (line: string) => void): Promise<string | undefined> {
  say('Fetching a browser with Playwright …');
  const cli = ['node_modules/@playwright/test/cli.js', 'install', 'chromium'];
  try {
    await promisify(execFile)(process.execPath, cli, { timeout: downloadTimeoutMs, killSignal: 'SIGKILL' });
  } catch {
    say('Playwright could not download its browser.');
  }
  return existing(chromium.executablePath());
}

async function fromApt(say: (line: string) => void): Promise<string | undefined> {
  if (process.getuid?.() !== 0 || !which('apt-get')) {
    say('No browser was found: install Chromium or Chrome, or name one in CHROMIUM_PATH.');
    return undefined;
  }
  say('Installing chromium with apt-get …');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    await promisify(execFile)('apt-get', ['update'], { env, timeout: packageTimeoutMs });
    const install = ['install', '-y', '--no-install-recommends', 'chromium'];
    await promisify(execFile)('apt-get', install, {
      env,
      timeout: packageTimeoutMs,
      maxBuffer: 64 * 1024 * 1024,
    });
  } catch {
    say('apt-get could not install chromium.');
  }
  return which('chromium');
}

function existing(path: string): string | undefined {
  return existsSync(path) ? path : undefined;
}

function starts(path: string): boolean {
  try {
    execFileSync(path, ['--version'], { stdio: 'ignore', timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
}
