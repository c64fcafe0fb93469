// Reads what `npm start` was told, by flag or environment, and checks it. Nothing else reads these variables.
import { resolve } from 'node:path';
import { err, ok, type Result } from '../../app/lib/core/result.ts';

export interface Settings {
  readonly port: number;
  readonly host: string;
  /** Absolute path. */
  readonly dataFolder: string;
  readonly pocketbase:
    { readonly kind: 'embedded' | 'off' } | { readonly kind: 'url'; readonly url: string };
  /** The origin that people type, where it differs from host and port. */
  readonly publicUrl: string | undefined;
}

export type SettingsError =
  | { readonly kind: 'unknown-option'; readonly option: string }
  | { readonly kind: 'bad-port'; readonly value: string }
  | { readonly kind: 'bad-public-url'; readonly value: string }
  | { readonly kind: 'insecure-address'; readonly address: string }
  | { readonly kind: 'bad-pocketbase'; readonly value: string };

const defaults = { port: '8420', host: '127.0.0.1', data: './.codeface', pocketbase: 'embedded' };

/** Flags win over the environment; an empty variable counts as unset. */
export function readSettings(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): Result<Settings, SettingsError> {
  const flags = readFlags(args);
  if (!flags.ok) return flags;

  const portText = flags.value.port ?? (env['PORT'] || defaults.port);
  const port = Number(portText);
  if (!/^\d+$/.test(portText) || port > 65535) return err({ kind: 'bad-port', value: portText });

  const host = flags.value.host ?? (env['HOST'] || defaults.host);
  const publicUrl = readPublicUrl(env['CODEFACE_PUBLIC_URL'] || undefined);
  if (!publicUrl.ok) return publicUrl;
  if (publicUrl.value === undefined && !isLoopback(host)) {
    return err({ kind: 'insecure-address', address: host });
  }

  const pocketbase = readPocketBase(env['CODEFACE_POCKETBASE'] || defaults.pocketbase);
  if (!pocketbase.ok) return pocketbase;

  const dataFolder = resolve(cwd, flags.value.data ?? (env['CODEFACE_DATA'] || defaults.data));
  return ok({ port, host, dataFolder, pocketbase: pocketbase.value, publicUrl: publicUrl.value });
}

type Flags = Partial<Record<'port' | 'host' | 'data', string>>;

function readFlags(args: readonly string[]): Result<Flags, SettingsError> {
  const flags: Flags = {};
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    const match = /^--(port|host|data)(?:=(.*))?$/.exec(arg);
    const value = match?.[2] ?? args[++i];
    if (!match || value === undefined) return err({ kind: 'unknown-option', option: arg });
    flags[match[1] as keyof Flags] = value;
  }
  return ok(flags);
}

function readPublicUrl(text: string | undefined): Result<string | undefined, SettingsError> {
  if (text === undefined) return ok(undefined);
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol) || url.pathname !== '/') {
    return err({ kind: 'bad-public-url', value: text });
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    return err({ kind: 'insecure-address', address: url.origin });
  }
  return ok(url.origin);
}

function readPocketBase(text: string): Result<Settings['pocketbase'], SettingsError> {
  if (text === 'embedded' || text === 'off') return ok({ kind: text });
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) return err({ kind: 'bad-pocketbase', value: text });
  return ok({ kind: 'url', url: url.href });
}

/** What browsers call "potentially trustworthy" without https. */
function isLoopback(host: string): boolean {
  return (
    /^(localhost|.*\.localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host) && !host.includes('..')
  );
}
