/**
 * `/signal`: introduces peers to each other in the y-webrtc wire format, so that stock y-webrtc clients work here too.
 *
 *   client → server  {type:'subscribe'|'unsubscribe', topics:[…]} · {type:'publish', topic, data} · {type:'ping'}
 *   server → client  the publication with `clients` (how many are subscribed), to every subscriber, its sender included
 *                    {type:'pong'} · {type:'error', reason}: an unknown type to a stock client, which ignores it
 */
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import { z } from 'zod';
import type { Bytes } from '../app/lib/core/bytes.ts';
import type { Bus, BusSubscriber } from './bus/bus.ts';
import { CLOSE, GuardedSocket } from './guarded-socket.ts';
import type { Limits } from './limits.ts';
import { RateLimits, type Meter } from './rate-limit.ts';

/** Why a message was not honoured; the connection stays open. */
export type SignalError = 'malformed' | 'too-many-topics' | 'busy';

export interface SignalService {
  readonly connections: number;
  accept(ws: WebSocket, address: string): void;
  beat(): void;
  close(): void;
}

export function signalService(bus: Bus, limits: Limits['signal'], logger: Logger): SignalService {
  const rates = new RateLimits(limits);
  const message = messageSchema(limits);
  const connections = new Set<SignalConnection>();
  return {
    get connections() {
      return connections.size;
    },
    accept(ws, address) {
      const context = { ws, bus, limits, logger, message, meter: rates.meter(address) };
      const connection = new SignalConnection(context, () => connections.delete(connection));
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

function messageSchema(limits: Limits['signal']) {
  const topic = z.string().min(1).max(limits.topicChars);
  const topics = z.array(topic).max(limits.topicsPerConnection);
  return z.discriminatedUnion('type', [
    z.object({ type: z.literal('subscribe'), topics }),
    z.object({ type: z.literal('unsubscribe'), topics }),
    z.object({ type: z.literal('publish'), topic, data: z.unknown() }),
    z.object({ type: z.literal('ping') }),
  ]);
}

type MessageSchema = ReturnType<typeof messageSchema>;

interface SignalContext {
  readonly ws: WebSocket;
  readonly bus: Bus;
  readonly limits: Limits['signal'];
  readonly logger: Logger;
  readonly message: MessageSchema;
  readonly meter: Meter;
}

class SignalConnection implements BusSubscriber {
  readonly #bus: Bus;
  readonly #limits: Limits['signal'];
  readonly #message: MessageSchema;
  readonly #socket: GuardedSocket;
  readonly #topics = new Set<string>();

  constructor({ ws, bus, limits, logger, message, meter }: SignalContext, onGone: () => void) {
    this.#bus = bus;
    this.#limits = limits;
    this.#message = message;
    this.#socket = new GuardedSocket(ws, {
      meter,
      maxBufferedBytes: limits.maxBufferedBytes,
      logger,
      onMessage: (data, isBinary) => this.#onMessage(data, isBinary),
      onEnd: () => {
        for (const topic of this.#topics) bus.unsubscribe(topic, this);
        this.#topics.clear();
        onGone();
      },
    });
  }

  receive(publication: string): void {
    this.#socket.send(publication);
  }

  beat(): void {
    this.#socket.beat();
  }

  close(): void {
    this.#socket.close(CLOSE.goingAway, 'going-away');
  }

  #onMessage(data: Bytes, isBinary: boolean): void {
    const message = isBinary ? undefined : this.#parse(data);
    if (!message) return this.#complain('malformed');
    switch (message.type) {
      case 'subscribe':
        return this.#subscribe(message.topics);
      case 'unsubscribe':
        for (const topic of message.topics)
          if (this.#topics.delete(topic)) this.#bus.unsubscribe(topic, this);
        return;
      case 'publish':
        if (!this.#bus.publish(message)) this.#complain('malformed');
        return;
      case 'ping':
        return this.#tell({ type: 'pong' });
    }
  }

  #parse(data: Bytes): z.infer<MessageSchema> | undefined {
    try {
      return this.#message.safeParse(JSON.parse(new TextDecoder().decode(data))).data;
    } catch {
      return undefined;
    }
  }

  #subscribe(topics: readonly string[]): void {
    for (const topic of topics) {
      if (this.#topics.has(topic)) continue;
      if (this.#topics.size >= this.#limits.topicsPerConnection) return this.#complain('too-many-topics');
      if (!this.#bus.subscribe(topic, this)) return this.#complain('busy');
      this.#topics.add(topic);
    }
  }

  #complain(reason: SignalError): void {
    this.#tell({ type: 'error', reason });
  }

  #tell(message: object): void {
    this.#socket.send(JSON.stringify(message));
  }
}
