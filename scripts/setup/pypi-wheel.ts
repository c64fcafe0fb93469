// Downloads one linux wheel, or one source archive, from the Python index this machine is set up for: with pip where pip
// is there, else straight from the index's page.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

const publicIndex = 'https://pypi.org/simple/';
/** An index page comes as JSON (PEP 691) or, from older indexes and mirrors, as links (PEP 503). */
const pageForms = 'application/vnd.pypi.simple.v1+json, text/html;q=0.5';
/** The largest file we ask for has 12.5 MB; more is not what was asked for. */
const maxFileBytes = 64 * 1024 * 1024;

/** What this machine's processor is called in the name of a wheel. */
const wheelArch = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
const linuxWheel = new RegExp(`manylinux.*${wheelArch}.*\\.whl$`);

const pips = [['pip3'], ['pip'], ['python3', '-m', 'pip']];
/** Without a network pip tries for minutes; one more try is enough to get past a hiccup. */
const pipDownload = ['download', '--retries=1', '--timeout=15', '--no-deps'];

const indexPage = z.object({ files: z.array(z.object({ filename: z.string(), url: z.string() })) });

/** One file of the index, in the words of pip and in those of the index's page. */
interface Wanted {
  readonly name: string;
  readonly version: string;
  readonly kind: 'wheel' | 'source archive';
  readonly pipArgs: readonly string[];
  /** A line of a requirements file. */
  readonly requirement: string;
  readonly isIt: (filename: string) => boolean;
}

/** The wheel's bytes, unchecked. Throws with what each way said. */
export function pypiWheel(
  name: string,
  version: string,
  timeoutMs: number,
  say: (line: string) => void,
): Promise<Uint8Array> {
  const prefix = `${name.replaceAll('-', '_')}-${version}-`;
  const wanted: Wanted = {
    name,
    version,
    kind: 'wheel',
    pipArgs: ['--only-binary=:all:'],
    requirement: `${name}==${version}`,
    isIt: (filename) => filename.startsWith(prefix) && linuxWheel.test(filename),
  };
  return bring(wanted, timeoutMs, say);
}

/** The source archive's bytes, a .tar.gz, to be checked all the same. Throws with what each way said. */
export function pypiSource(
  { name, version, sha256 }: { readonly name: string; readonly version: string; readonly sha256: string },
  timeoutMs: number,
  say: (line: string) => void,
): Promise<Uint8Array> {
  const archive = `${name.replaceAll('-', '_')}-${version}.tar.gz`;
  const wanted: Wanted = {
    name,
    version,
    kind: 'source archive',
    // Not ':all:', which would have pip build the tools it reads the archive with from source too.
    pipArgs: [`--no-binary=${name}`, '--require-hashes'],
    // To learn an archive's metadata pip runs its build: it may, once pip has seen that the archive is the checked one.
    requirement: `${name}==${version} --hash=sha256:${sha256}`,
    isIt: (filename) => filename === archive,
  };
  return bring(wanted, timeoutMs, say);
}

async function bring(wanted: Wanted, timeoutMs: number, say: (line: string) => void): Promise<Uint8Array> {
  const { name, version } = wanted;
  say(`Fetching ${name} ${version} from the Python package index …`);
  const deadline = AbortSignal.timeout(timeoutMs);
  const said: string[] = [];
  try {
    return await withPip(wanted, deadline);
  } catch (cause) {
    said.push(lastLine(cause));
  }
  for (const index of new Set([configuredIndex(), publicIndex])) {
    try {
      return await fromIndex(index, wanted, deadline);
    } catch (cause) {
      said.push(lastLine(cause));
    }
  }
  throw new Error([...new Set(said)].join('; '));
}

async function withPip(wanted: Wanted, signal: AbortSignal): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'codeface-pypi-'));
  try {
    const requirements = join(folder, 'requirements.txt');
    const brought = join(folder, 'brought');
    writeFileSync(requirements, wanted.requirement);
    mkdirSync(brought);
    await runPip([...pipDownload, ...wanted.pipArgs, '--dest', brought, '-r', requirements], signal);
    const file = readdirSync(brought)[0];
    if (!file) throw new Error(`pip brought no ${wanted.kind}`);
    return readFileSync(join(brought, file));
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

async function fromIndex(index: string, wanted: Wanted, signal: AbortSignal): Promise<Uint8Array> {
  const { name, version, kind } = wanted;
  const page = new URL(`${name}/`, index);
  const headers = { accept: pageForms, ...authorization(page) };
  const response = await fetch(withoutLogin(page), { headers, signal });
  if (!response.ok) throw new Error(`${page.host} answered ${response.status}`);
  const files = filesOn(await response.text());
  const file = files.find(({ filename }) => wanted.isIt(filename));
  if (!file) throw new Error(`${page.host} has no ${kind} of ${name} ${version}`);
  const url = new URL(file.url, page);
  const answer = await fetch(withoutLogin(url), {
    signal,
    headers: url.host === page.host ? authorization(page) : {},
  });
  if (!answer.ok) throw new Error(`${url.host} answered ${answer.status}`);
  if (Number(answer.headers.get('content-length') ?? 0) > maxFileBytes)
    throw new Error(`the ${kind} is too large`);
  return new Uint8Array(await answer.arrayBuffer());
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
