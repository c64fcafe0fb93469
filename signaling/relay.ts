/**
 * `/relay`: passes sealed frames between the tabs of one topic (wire: app/lib/core/relay-wire.ts).
 *
 *   connect ──CHALLENGE──▶ challenged ──JOIN──▶ proving ──ok──▶ joined ──▶ ended
 *                              │ 10 s, other frame   │ bad proof    │ malformed, slow, gone
 *                              └────────────────────▶┴─REFUSED──────┴──▶ ended
 */
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import { randomBytes, toHex, type Bytes } from '../app/lib/core/bytes.ts';
import {
  decodeToRelay,
  encodeFromRelay,
  RELAY_ID_BYTES,
  type FromRelay,
  type RelayRefusal,
  type ToRelay,
} from '../app/lib/core/relay-wire.ts';
import type { Bus, BusMember } from './bus/bus.ts';
import { CLOSE, GuardedSocket } from './guarded-socket.ts';
import type { Limits } from './limits.ts';
import { RateLimits } from './rate-limit.ts';
import { provesTopic } from './topic-proof.ts';

export interface RelayService {
  readonly connections: number;
  accept(ws: WebSocket, address: string): void;
  beat(): void;
  close(): void;
}

export function relayService(bus: Bus, limits: Limits['relay'], logger: Logger): RelayService {
  const rates = new RateLimits(limits);
  const connections = new Set<RelayConnection>();
  return {
    get connections() {
      return connections.size;
    },
    accept(ws, address) {
      const connection = new RelayConnection({ ws, bus, limits, logger }, rates.meter(address), () =>
        connections.delete(connection),
      );
      connections.add(connection);
    },
    beat() {
      for (const connection of connections) connection.beat();
    },
    close() {
      for (const connection of [...connections]) connection.close();
    },
  };
}

interface RelayContext {
  readonly ws: WebSocket;
  readonly bus: Bus;
  readonly limits: Limits['relay'];
  readonly logger: Logger;
}

type State =
  { readonly kind: 'challenged' | 'proving' | 'ended' } | { readonly kind: 'joined'; readonly topic: string };

class RelayConnection implements BusMember {
  readonly id: Bytes = randomBytes(RELAY_ID_BYTES);
  readonly #nonce = randomBytes(32);
  readonly #bus: Bus;
  readonly #limits: Limits['relay'];
  readonly #socket: GuardedSocket;
  readonly #joinDeadline: NodeJS.Timeout;
  #state: State = { kind: 'challenged' };
  /** Set while senders wait for this receiver to drain. */
  #drain:
    | { readonly done: Promise<void>; readonly resolve: () => void; readonly deadline: NodeJS.Timeout }
    | undefined;

  constructor(
    { ws, bus, limits, logger }: RelayContext,
    meter: ReturnType<RateLimits['meter']>,
    onGone: () => void,
  ) {
    this.#bus = bus;
    this.#limits = limits;
    this.#socket = new GuardedSocket(ws, {
      meter,
      maxBufferedBytes: limits.maxBufferedBytes,
      logger,
      onMessage: (data, isBinary) => this.#onMessage(data, isBinary),
      onEnd: () => {
        this.#end();
        onGone();
      },
    });
    this.#joinDeadline = setTimeout(() => this.#refuse('join-deadline'), limits.joinDeadlineMs);
    this.#tell({ kind: 'challenge', nonce: this.#nonce });
  }

  joined(others: readonly Bytes[]): void {
    this.#tell({ kind: 'joined', self: this.id, others });
  }
  refused(reason: 'topic-full' | 'busy'): void {
    this.#refuse(reason);
  }
  entered(id: Bytes): void {
    this.#tell({ kind: 'entered', id });
  }
  left(id: Bytes): void {
    this.#tell({ kind: 'left', id });
  }

  deliver(frame: Bytes): Promise<void> | undefined {
    this.#socket.send(frame, () => this.#onFlushed());
    if (this.#state.kind !== 'joined' || this.#socket.bufferedBytes <= this.#limits.highWaterBytes)
      return undefined;
    this.#drain ??= this.#startDrain();
    return this.#drain.done;
  }

  beat(): void {
    this.#socket.beat();
  }

  close(): void {
    this.#socket.close(CLOSE.goingAway, 'going-away');
  }

  #onMessage(data: Bytes, isBinary: boolean): void {
    const message = decodeToRelay(data);
    if (!isBinary || !message.ok) return this.#refuse('malformed');
    if (message.value.kind === 'join') return this.#onJoin(message.value);
    if (this.#state.kind !== 'joined') return this.#refuse('not-joined');
    const { to, payload } = message.value;
    const frame = encodeFromRelay({ kind: 'message', from: this.id, payload });
    const room = this.#bus.send(this.#state.topic, this, to, frame);
    if (room) this.#socket.pauseUntil(room);
  }

  #onJoin({ topic, signature }: Extract<ToRelay, { kind: 'join' }>): void {
    if (this.#state.kind !== 'challenged') return this.#refuse('already-joined');
    this.#state = { kind: 'proving' };
    void provesTopic(topic, this.#nonce, signature).then((proved) => {
      if (this.#state.kind !== 'proving') return;
      if (!proved) return this.#refuse('bad-proof');
      clearTimeout(this.#joinDeadline);
      this.#state = { kind: 'joined', topic: toHex(topic) };
      this.#bus.join(this.#state.topic, this);
    });
  }

  #tell(message: FromRelay): void {
    this.#socket.send(encodeFromRelay(message));
  }

  #refuse(reason: RelayRefusal): void {
    if (this.#state.kind === 'ended') return;
    this.#tell({ kind: 'refused', reason });
    this.#socket.close(CLOSE.policy, reason);
  }

  #startDrain() {
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const deadline = setTimeout(
      () => this.#socket.close(CLOSE.tryLater, 'slow'),
      this.#limits.drainDeadlineMs,
    );
    return { done, resolve, deadline };
  }

  #onFlushed(): void {
    if (this.#drain && this.#socket.bufferedBytes <= this.#limits.lowWaterBytes) this.#endDrain();
  }

  #endDrain(): void {
    clearTimeout(this.#drain?.deadline);
    this.#drain?.resolve();
    this.#drain = undefined;
  }

  #end(): void {
    clearTimeout(this.#joinDeadline);
    const state = this.#state;
    this.#state = { kind: 'ended' };
    this.#endDrain();
    if (state.kind === 'joined') this.#bus.leave(state.topic, this);
  }
}
