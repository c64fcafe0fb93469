/** WebSocket clients for tests: what arrives is kept in order and waited for, never polled. */
import { WebSocket } from 'ws';
import type { Bytes } from '../../app/lib/core/bytes.ts';
import {
  decodeFromRelay,
  encodeToRelay,
  relayJoinMessage,
  type FromRelay,
} from '../../app/lib/core/relay-wire.ts';

export interface SocketClient<T> {
  readonly ws: WebSocket;
  /** The next message not yet taken. Rejects when the socket closes first. */
  next(): Promise<T>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

export function socketClient<T>(url: string, read: (data: Buffer) => T): Promise<SocketClient<T>> {
  const ws = new WebSocket(url);
  const arrived: T[] = [];
  const waiting: { resolve: (message: T) => void; reject: (cause: Error) => void }[] = [];
  let over: Error | undefined;
  ws.on('message', (data: Buffer) => {
    const message = read(data);
    const waiter = waiting.shift();
    if (waiter) waiter.resolve(message);
    else arrived.push(message);
  });
  ws.on('error', () => {});
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    ws.on('close', (code, reason) => {
      over = new Error(`closed with ${code} ${reason.toString()}`);
      for (const { reject } of waiting) reject(over);
      resolve({ code, reason: reason.toString() });
    }),
  );
  const next = (): Promise<T> => {
    const message = arrived.shift();
    if (message !== undefined) return Promise.resolve(message);
    if (over) return Promise.reject(over);
    return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
  };
  return new Promise((resolve, reject) => {
    ws.once('open', () => resolve({ ws, next, closed }));
    ws.once('error', reject);
  });
}

export const signalClient = (url: string): Promise<SocketClient<Record<string, unknown>>> =>
  socketClient(url, (data) => JSON.parse(data.toString()) as Record<string, unknown>);

export type RelayClient = SocketClient<FromRelay>;

export const relayClient = (url: string): Promise<RelayClient> =>
  socketClient(url, (data) => {
    const message = decodeFromRelay(new Uint8Array(data));
    if (!message.ok) throw new Error('the relay sent a malformed message');
    return message.value;
  });

/** A topic and the means to prove it. */
export interface Topic {
  readonly publicKey: Bytes;
  sign(message: Bytes): Promise<Bytes>;
}

export async function newTopic(): Promise<Topic> {
  const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
  return {
    publicKey: new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)),
    sign: async (message) => new Uint8Array(await crypto.subtle.sign('Ed25519', pair.privateKey, message)),
  };
}

export interface JoinedClient extends RelayClient {
  readonly id: Bytes;
  readonly others: readonly Bytes[];
  send(to: Bytes, payload: Bytes): void;
}

/** Connects, proves the topic and waits for JOINED. */
export async function joinedClient(url: string, topic: Topic): Promise<JoinedClient> {
  const client = await relayClient(url);
  const challenge = await client.next();
  if (challenge.kind !== 'challenge') throw new Error(`expected a challenge, not ${challenge.kind}`);
  const signature = await topic.sign(relayJoinMessage(challenge.nonce, topic.publicKey));
  client.ws.send(encodeToRelay({ kind: 'join', topic: topic.publicKey, signature }));
  const joined = await client.next();
  if (joined.kind !== 'joined') throw new Error(`expected to be joined, not ${JSON.stringify(joined)}`);
  return {
    ...client,
    id: joined.self,
    others: joined.others,
    send: (to, payload) => client.ws.send(encodeToRelay({ kind: 'send', to, payload })),
  };
}
