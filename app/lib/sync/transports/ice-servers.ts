/**
 * The TURN servers that this CodeFace offers, with credentials that end: asked of the server before the first attempt and
 * again before they end (NET-59). Without an answer direct connections are tried all the same.
 */

/** What a browser is told: the parts of RTCIceServer used here. */
export interface IceServer {
  readonly urls: string[];
  readonly username: string;
  readonly credential: string;
}

/** The first attempt waits no longer for the answer. */
const PATIENCE_MS = 3000;
/** When no answer came. */
const RETRY_MS = 60_000;
/** Asked again when this part of the credentials' time is left, so that no attempt begins with ended ones. */
const RENEW_AT_LEFT = 0.25;
const MAX_ANSWER_BYTES = 8192;
const MAX_SERVERS = 4;
const MAX_URLS = 8;
const MAX_CHARS = 512;
const MAX_SECONDS = 7 * 24 * 3600;
/** Without `stun:`: an address nobody needs would only tell a third party who is here. */
const TURN_URL = /^turns?:[^\s@]{1,256}$/;

export class IceServers {
  readonly #url: string;
  readonly #stop = new AbortController();
  #servers: IceServer[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `url`: the http(s) address of `/ice`. */
  constructor(url: string) {
    this.#url = url;
  }

  /** What an attempt that begins now is to use. */
  get current(): IceServer[] {
    return this.#servers;
  }

  /** Resolves when the answer is here, or was waited for long enough. */
  async ready(): Promise<void> {
    await Promise.race([this.#renew(), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
  }

  dispose(): void {
    this.#stop.abort();
    clearTimeout(this.#timer);
  }

  async #renew(): Promise<void> {
    const answer = await this.#ask().catch(() => undefined);
    if (this.#stop.signal.aborted) return;
    // Old credentials are kept while the server is away: they may still hold.
    if (answer !== undefined) this.#servers = answer.servers;
    const inMs = answer === undefined ? RETRY_MS : answer.seconds * (1 - RENEW_AT_LEFT) * 1000;
    // A server without TURN may have one after its next start; the tab hears of it with its next room.
    if (answer === undefined || answer.seconds > 0) this.#timer = setTimeout(() => void this.#renew(), inMs);
  }

  async #ask(): Promise<{ servers: IceServer[]; seconds: number } | undefined> {
    const response = await fetch(this.#url, { signal: this.#stop.signal, cache: 'no-store' });
    if (!response.ok) return undefined;
    const text = await response.text();
    return text.length > MAX_ANSWER_BYTES ? undefined : readIceAnswer(text);
  }
}

/** The server's answer, checked: what is not a TURN address with a user and a password is left out. */
export function readIceAnswer(text: string): { servers: IceServer[]; seconds: number } | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { iceServers, expiresInSeconds } = record(answer);
  if (!Array.isArray(iceServers)) return undefined;
  const servers = iceServers.slice(0, MAX_SERVERS).flatMap((each: unknown) => {
    const { urls, username, credential } = record(each);
    if (!Array.isArray(urls) || !isShort(username) || !isShort(credential)) return [];
    const turns = urls.filter((url): url is string => typeof url === 'string' && TURN_URL.test(url));
    return turns.length > 0 ? [{ urls: turns.slice(0, MAX_URLS), username, credential }] : [];
  });
  const seconds = typeof expiresInSeconds === 'number' && expiresInSeconds >= 60 ? expiresInSeconds : 0;
  return { servers, seconds: Math.min(seconds, MAX_SECONDS) };
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
const isShort = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= MAX_CHARS;
