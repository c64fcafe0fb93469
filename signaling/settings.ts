/** The server's settings: every environment variable and flag is read here, checked here, and nowhere else. */
import { resolve } from 'node:path';
import { z } from 'zod';
import { err, ok, type Result } from '../app/lib/core/result.ts';
import { ARCHIVE_ROOM_BYTES } from './limits.ts';
import type { TurnSettings } from './turn.ts';

export interface Settings {
  readonly port: number;
  readonly host: string;
  /** Absolute path. */
  readonly dataFolder: string;
  readonly pocketbase:
    | { readonly kind: 'embedded' | 'off' }
    | { readonly kind: 'url'; readonly url: string; readonly archiveSecret: string | undefined };
  /** What the archive keeps of one room at most. */
  readonly archiveRoomBytes: number;
  /** The origin that people type, where it differs from host and port. */
  readonly publicUrl: string | undefined;
  /** The TURN server that tabs may use where they find no direct way. */
  readonly turn: TurnSettings | undefined;
}

export type SettingsError =
  | { readonly kind: 'unknown-option'; readonly option: string }
  | { readonly kind: 'bad-port'; readonly value: string }
  | { readonly kind: 'bad-public-url'; readonly value: string }
  | { readonly kind: 'insecure-address'; readonly address: string }
  | { readonly kind: 'bad-pocketbase'; readonly value: string }
  | { readonly kind: 'bad-archive-size'; readonly value: string }
  | { readonly kind: 'bad-archive-secret' | 'archive-secret-unused' | 'archive-secret-in-clear' }
  | { readonly kind: 'bad-turn-url'; readonly value: string }
  | { readonly kind: 'half-turn' };

const PORT = z
  .stringFormat('port', /^\d{1,5}$/)
  .transform(Number)
  .pipe(z.number().max(65_535));
/** A terabyte is surely a slip. */
const ARCHIVE_MB = z
  .stringFormat('megabytes', /^\d{1,6}$/)
  .transform(Number)
  .pipe(z.number().min(1));
const ARCHIVE_SECRET = /^[\x21-\x7e]{32,}$/;
const TURN_URL = /^turns?:[a-z0-9.:[\]-]+(\?transport=(udp|tcp))?$/i;
const WEB_ADDRESS = z.url({ protocol: /^https?$/ }).transform((text) => new URL(text));
const POCKETBASE = z.union([
  z.enum(['embedded', 'off']).transform((kind) => ({ kind })),
  WEB_ADDRESS.transform((url) => ({ kind: 'url' as const, url: url.href, archiveSecret: undefined })),
]);

/** Flags win over the environment; an empty variable counts as unset. Relative folders are under `cwd`. */
export function readSettings(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): Result<Settings, SettingsError> {
  const flags = readFlags(args);
  if (!flags.ok) return flags;

  const portText = flags.value.port ?? (env['PORT'] || '8420');
  const port = PORT.safeParse(portText);
  if (!port.success) return err({ kind: 'bad-port', value: portText });

  const host = flags.value.host ?? (env['HOST'] || '127.0.0.1');
  const publicUrl = readPublicUrl(env['CODEFACE_PUBLIC_URL'] || undefined);
  if (!publicUrl.ok) return publicUrl;
  if (publicUrl.value === undefined && !isLoopback(host))
    return err({ kind: 'insecure-address', address: host });

  const pocketbaseText = env['CODEFACE_POCKETBASE'] || 'embedded';
  const pocketbase = POCKETBASE.safeParse(pocketbaseText);
  if (!pocketbase.success) return err({ kind: 'bad-pocketbase', value: pocketbaseText });

  const archiveText = env['CODEFACE_ARCHIVE_MB'] || String(ARCHIVE_ROOM_BYTES / 1024 / 1024);
  const archiveMb = ARCHIVE_MB.safeParse(archiveText);
  if (!archiveMb.success) return err({ kind: 'bad-archive-size', value: archiveText });
  const archiveSecret = env['CODEFACE_ARCHIVE_SECRET'] || undefined;
  if (archiveSecret !== undefined && !ARCHIVE_SECRET.test(archiveSecret))
    return err({ kind: 'bad-archive-secret' });
  if (archiveSecret !== undefined && pocketbase.data.kind !== 'url')
    return err({ kind: 'archive-secret-unused' });
  if (archiveSecret !== undefined && pocketbase.data.kind === 'url' && isInClear(pocketbase.data.url))
    return err({ kind: 'archive-secret-in-clear' });

  const turn = readTurn(env['CODEFACE_TURN_URLS'] || undefined, env['CODEFACE_TURN_SECRET'] || undefined);
  if (!turn.ok) return turn;

  return ok({
    port: port.data,
    host,
    dataFolder: resolve(cwd, flags.value.data ?? (env['CODEFACE_DATA'] || '.codeface')),
    pocketbase: pocketbase.data.kind === 'url' ? { ...pocketbase.data, archiveSecret } : pocketbase.data,
    archiveRoomBytes: archiveMb.data * 1024 * 1024,
    publicUrl: publicUrl.value,
    turn: turn.value,
  });
}

/** One sentence for a person at a terminal: what is wrong and what to do about it. */
export function settingsSentence(error: SettingsError): string {
  switch (error.kind) {
    case 'unknown-option':
      return `There is no option ${error.option}; the options are --port, --host and --data, each with a value.`;
    case 'bad-port':
      return `The port must be a whole number from 0 to 65535, not "${error.value}".`;
    case 'bad-public-url':
      return `CODEFACE_PUBLIC_URL must be a web address without a path, such as https://code.example.org, not "${error.value}".`;
    case 'insecure-address':
      return (
        `Browsers allow encryption and offline use only over https or on localhost, and ${error.address} is neither: ` +
        'put https in front and name it in CODEFACE_PUBLIC_URL, or leave HOST at 127.0.0.1.'
      );
    case 'bad-pocketbase':
      return `CODEFACE_POCKETBASE must be "embedded", "off" or a web address, not "${error.value}".`;
    case 'bad-archive-size':
      return `CODEFACE_ARCHIVE_MB, the most that the archive keeps of one room, must be a whole number from 1 to 999999, not "${error.value}".`;
    case 'bad-archive-secret':
      return 'CODEFACE_ARCHIVE_SECRET must have at least 32 characters, without spaces; PocketBase must be started with the same.';
    case 'archive-secret-unused':
      return 'CODEFACE_ARCHIVE_SECRET is for a PocketBase of your own, named in CODEFACE_POCKETBASE; ours gets a new one at each start.';
    case 'archive-secret-in-clear':
      return 'CODEFACE_ARCHIVE_SECRET would cross the network in clear: name PocketBase by an https address in CODEFACE_POCKETBASE, or by one of this machine.';
    case 'bad-turn-url':
      return `CODEFACE_TURN_URLS must name addresses such as turn:turn.example.org:3478?transport=tcp, parted by commas, not "${error.value}".`;
    case 'half-turn':
      return 'CODEFACE_TURN_URLS and CODEFACE_TURN_SECRET go together: set both, or none.';
  }
}

function isInClear(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return protocol === 'http:' && !isLoopback(hostname);
}

/** Several addresses are parted by commas or spaces. */
function readTurn(
  urls: string | undefined,
  secret: string | undefined,
): Result<TurnSettings | undefined, SettingsError> {
  if (urls === undefined && secret === undefined) return ok(undefined);
  if (urls === undefined || secret === undefined) return err({ kind: 'half-turn' });
  const all = urls.split(/[\s,]+/).filter((url) => url !== '');
  const bad = all.find((url) => !TURN_URL.test(url));
  if (bad !== undefined || all.length === 0) return err({ kind: 'bad-turn-url', value: bad ?? urls });
  return ok({ urls: all, secret });
}

type Flags = Partial<Record<'port' | 'host' | 'data', string>>;

/** `--port 80` and `--port=80`. */
function readFlags(args: readonly string[]): Result<Flags, SettingsError> {
  const flags: Flags = {};
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const match = /^--(port|host|data)(?:=(.*))?$/.exec(arg);
    const value = match?.[2] ?? rest.shift();
    if (!match || !value) return err({ kind: 'unknown-option', option: arg });
    flags[match[1] as keyof Flags] = value;
  }
  return ok(flags);
}

function readPublicUrl(text: string | undefined): Result<string | undefined, SettingsError> {
  if (text === undefined) return ok(undefined);
  const url = WEB_ADDRESS.safeParse(text);
  if (!url.success || url.data.href !== `${url.data.origin}/`)
    return err({ kind: 'bad-public-url', value: text });
  if (url.data.protocol === 'http:' && !isLoopback(url.data.hostname))
    return err({ kind: 'insecure-address', address: url.data.origin });
  return ok(url.data.origin);
}

/** What browsers call "potentially trustworthy" without https. */
const isLoopback = (host: string): boolean =>
  /^(localhost|([a-z0-9-]+\.)+localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i.test(host);
