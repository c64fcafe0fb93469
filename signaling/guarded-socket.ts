/**
 * What every WebSocket of the server has: handlers that cannot end the process, a rate, a heartbeat, and an end for receivers
 * that don't keep up. It knows nothing of what the messages mean.
 */
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import type { Bytes } from '../app/lib/core/bytes.ts';
import type { Meter, Verdict } from './rate-limit.ts';

/** WebSocket close codes in use (RFC 6455 §7.4.1). */
export const CLOSE = { goingAway: 1001, policy: 1008, internal: 1011, tryLater: 1013 } as const;

export interface SocketGuard {
  readonly meter: Meter;
  readonly maxBufferedBytes: number;
  readonly logger: Logger;
  onMessage(data: Bytes, isBinary: boolean): void;
  /** Called once, when the socket is gone or about to be: after it nothing is delivered. */
  onEnd(): void;
}

export class GuardedSocket {
  readonly #ws: WebSocket;
  readonly #guard: SocketGuard;
  #answered = true;
  #ended = false;
  #pauses = 0;

  constructor(ws: WebSocket, guard: SocketGuard) {
    this.#ws = ws;
    this.#guard = guard;
    ws.on('message', (data, isBinary) => this.#receive(data as Buffer, isBinary));
    ws.on('pong', () => (this.#answered = true));
    // Oversized and malformed frames arrive here; `ws` has already sent the close code.
    ws.on('error', (cause) =>
      guard.logger.debug({ code: (cause as NodeJS.ErrnoException).code }, 'socket error'),
    );
    ws.on('close', () => this.#end());
  }

  get bufferedBytes(): number {
    return this.#ws.bufferedAmount;
  }

  /** Queues a message. A receiver whose queue passes the cap is closed with the reason 'slow' instead of losing frames silently. */
  send(data: string | Uint8Array, flushed?: () => void): void {
    if (this.#ended) return;
    this.#ws.send(data, () => flushed?.());
    if (this.#ws.bufferedAmount > this.#guard.maxBufferedBytes) this.close(CLOSE.tryLater, 'slow');
  }

  /** Says goodbye with a stable reason; what the peer still sends is ignored. */
  close(code: number, reason: string): void {
    this.#end();
    this.#ws.close(code, reason);
  }

  /** Stops reading until `over`: the peer's own queue then grows, which is how it learns to slow down. */
  pauseUntil(over: Promise<void>): void {
    if (this.#pauses++ === 0) this.#ws.pause();
    void over.then(() => {
      if (--this.#pauses === 0) this.#ws.resume();
    });
  }

  /** One heartbeat: ends a peer that did not answer the last. A paused peer's answer cannot have been read. */
  beat(): void {
    if (!this.#answered && this.#pauses === 0) return this.#ws.terminate();
    this.#answered = false;
    this.#ws.ping();
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#ended) return;
    try {
      this.#guard.onMessage(
        new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.length),
        isBinary,
      );
    } catch (cause) {
      this.#guard.logger.error({ err: cause }, 'a socket message could not be handled');
      this.close(CLOSE.internal, 'internal');
    }
    void this.#guard.meter.charge(data.length)?.then((verdict) => this.#obey(verdict));
  }

  #obey(verdict: Verdict): void {
    if (this.#ended) return;
    if (verdict.kind === 'close') this.close(CLOSE.policy, 'rate');
    else if (verdict.ms > 0) this.pauseUntil(new Promise((resume) => setTimeout(resume, verdict.ms).unref()));
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#guard.onEnd();
  }
}
