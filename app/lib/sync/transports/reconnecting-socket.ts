/**
 * A WebSocket that comes back: dials, gives up on a dial that hangs, waits longer after each failure, dials at once
 * when the device is online again (NET-20), also in place of a dial that is still running. It knows nothing of what is said on it; its owner calls `established`
 * when the server has really taken it in, which alone makes the next wait short again.
 */
import type { Bytes } from '../../core/bytes.ts';

/** First wait after a loss; doubled each time. Short: a server restart takes about a second. */
const FIRST_WAIT_MS = 500;
/** Longest wait: a server that is back is found within half a minute without anyone pressing anything. */
const LONGEST_WAIT_MS = 30_000;
/** A dial that is not established by then is given up: a filtered port would otherwise hang for minutes. */
const ESTABLISH_LIMIT_MS = 10_000;
/** How often silence is looked into. An answer needs no timer, so a throttled tab that asks late is still answered. */
const PROBE_EVERY_MS = 20_000;
/** How long a socket may take to answer when another way from here has just died: a phone far away answers in 0.3 s. */
const CHECK_LIMIT_MS = 2_000;
/** How long `close` waits for the closing handshake of a server that no longer answers. */
const CLOSE_LIMIT_MS = 1_000;

export interface SocketOptions {
  readonly url: string;
  /** Where `online` and `offline` are heard. Default: the page or worker; null for none. */
  readonly connectivity?: EventTarget | null;
  /** 0 ≤ x < 1, for the jitter. */
  readonly random?: () => number;
  /** How often a silent socket is asked for a sign of life; one without an answer by the next time is given up. */
  readonly probeEveryMs?: number;
  /** How long a dial may take until it is `established`. */
  readonly establishLimitMs?: number;
}

export interface SocketEvents {
  onOpen(): void;
  onMessage(data: unknown): void;
  /** What makes the server answer: a network that has silently gone leaves a socket open for minutes. */
  probe(): Bytes | string | undefined;
  /** The socket is gone, or could not be opened; another attempt is scheduled. */
  onLost(why: string): void;
}

export class ReconnectingSocket {
  readonly #options: SocketOptions;
  readonly #events: SocketEvents;
  readonly #connectivity: EventTarget | null;
  readonly #random: () => number;
  #socket: WebSocket | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #probing: ReturnType<typeof setInterval> | undefined;
  #isEstablished = false;
  #failures = 0;
  #heard = false;
  #checking: ReturnType<typeof setTimeout> | undefined;
  #probed = false;
  #closed = false;

  constructor(options: SocketOptions, events: SocketEvents) {
    this.#options = options;
    this.#events = events;
    this.#connectivity = options.connectivity === undefined ? pageConnectivity() : options.connectivity;
    this.#random = options.random ?? Math.random;
    this.#connectivity?.addEventListener('online', this.#onOnline);
    this.#connectivity?.addEventListener('offline', this.#onOffline);
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  get bufferedBytes(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  dial(): void {
    // Before the timer: of a dial that is running it is the limit.
    if (this.#closed || this.#socket) return;
    clearTimeout(this.#timer);
    const socket = openSocket(this.#options.url);
    if (!socket) return this.#lose('the address of the server is not valid');
    this.#socket = socket;
    this.#timer = setTimeout(
      () => this.restart('the server does not answer'),
      this.#options.establishLimitMs ?? ESTABLISH_LIMIT_MS,
    );
    socket.onopen = () => this.#events.onOpen();
    socket.onmessage = (event: MessageEvent<unknown>) => {
      this.#heard = true;
      this.#endCheck();
      this.#events.onMessage(event.data);
    };
    socket.onclose = () => this.restart('the server cannot be reached');
    socket.onerror = () => undefined; // `close` follows, and says as much
  }

  /** The server has taken this connection in. */
  established(): void {
    clearTimeout(this.#timer);
    clearInterval(this.#probing);
    this.#isEstablished = true;
    this.#failures = 0;
    this.#heard = this.#probed = false;
    this.#probing = setInterval(() => this.#probe(), this.#options.probeEveryMs ?? PROBE_EVERY_MS);
  }

  /** Dropped silently when the socket is not open: what was to be said is said again after the next `onOpen`. */
  send(data: Bytes | string): void {
    if (this.isOpen) this.#socket?.send(data);
  }

  /**
   * Another way from here has just died, and this one is needed: a socket that doesn't answer is given up, and one that
   * waits for its next dial dials now. Does nothing while an earlier check runs.
   */
  check(): void {
    if (this.#closed || this.#checking !== undefined) return;
    const probe = this.#isEstablished ? this.#events.probe() : undefined;
    this.#checking = setTimeout(() => {
      this.#checking = undefined;
      if (probe !== undefined) this.restart('the server does not answer');
    }, CHECK_LIMIT_MS);
    if (probe !== undefined) this.send(probe);
    else this.dial();
  }

  /** Gives this socket up and dials again after the usual wait. */
  restart(why: string): void {
    if (this.#closed || !this.#socket) return;
    this.#drop(this.#socket);
    this.#lose(why);
  }

  /** Resolves when the socket is closed (or its server has not answered the closing for a second). */
  async close(): Promise<void> {
    this.#closed = true;
    this.#endCheck();
    clearTimeout(this.#timer);
    clearInterval(this.#probing);
    this.#connectivity?.removeEventListener('online', this.#onOnline);
    this.#connectivity?.removeEventListener('offline', this.#onOffline);
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket) await abandon(socket);
  }

  #drop(socket: WebSocket): void {
    void abandon(socket);
    this.#endCheck();
    this.#socket = undefined;
    this.#isEstablished = false;
  }

  #endCheck(): void {
    clearTimeout(this.#checking);
    this.#checking = undefined;
  }

  #probe(): void {
    if (this.#probed && !this.#heard) return this.restart('the server does not answer');
    const probe = this.#heard ? undefined : this.#events.probe();
    if (probe !== undefined) this.send(probe);
    this.#probed = probe !== undefined;
    this.#heard = false;
  }

  #lose(why: string): void {
    clearTimeout(this.#timer);
    clearInterval(this.#probing);
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#failures++);
    // Half of the wait is random: a thousand tabs must not all come back in the same millisecond.
    this.#timer = setTimeout(() => this.dial(), wait * (0.5 + this.#random() / 2));
    this.#events.onLost(why);
  }

  readonly #onOnline = (): void => {
    this.#failures = 0;
    // A dial from before went out to the network that was lost: it would hang until its limit.
    if (this.#socket && !this.#isEstablished) this.#drop(this.#socket);
    this.dial();
  };

  readonly #onOffline = (): void => this.restart('this device is offline');
}

function openSocket(url: string): WebSocket | undefined {
  try {
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    return socket;
  } catch {
    return undefined;
  }
}

/** Closes a socket whose events no longer matter. */
function abandon(socket: WebSocket): Promise<void> {
  socket.onopen = socket.onmessage = null;
  if (socket.readyState === WebSocket.CLOSED) return Promise.resolve();
  return new Promise((resolve) => {
    const limit = setTimeout(resolve, CLOSE_LIMIT_MS);
    socket.onclose = () => {
      clearTimeout(limit);
      resolve();
    };
    socket.close();
  });
}

export const pageConnectivity = (): EventTarget | null =>
  'addEventListener' in globalThis && 'onLine' in globalThis.navigator ? globalThis : null;
