/** How messages get from one socket to the others of its topic, on this process or, with another implementation, on others. */
import type { Bytes } from '../../app/lib/core/bytes.ts';

/** One peer of a relay topic. `joined` or `refused` comes first, and once. */
export interface BusMember {
  readonly id: Bytes;
  joined(others: readonly Bytes[]): void;
  refused(reason: 'topic-full' | 'busy'): void;
  entered(id: Bytes): void;
  left(id: Bytes): void;
  /** Takes a whole relay frame. Gives a promise when the member has more queued than it should: resolved once it has room. */
  deliver(frame: Bytes): Promise<void> | undefined;
}

/** One socket subscribed to signaling topics. */
export interface BusSubscriber {
  /** Takes a publication as JSON, with its subscriber count. */
  receive(publication: string): void;
}

export interface SignalPublication {
  readonly type: 'publish';
  readonly topic: string;
  readonly data?: unknown;
}

export interface Bus {
  /** Relay topics with at least one member, on this node. */
  readonly topics: number;
  join(topic: string, member: BusMember): void;
  leave(topic: string, member: BusMember): void;
  /** To one member's id, or to all others with RELAY_EVERYONE. An id that has left is no error: the sender hears LEFT. */
  send(topic: string, from: BusMember, to: Bytes, frame: Bytes): Promise<void> | undefined;

  /** False when the server holds as many topics as it may. */
  subscribe(topic: string, subscriber: BusSubscriber): boolean;
  unsubscribe(topic: string, subscriber: BusSubscriber): void;
  /** False when the data cannot be written again (nested too deeply). */
  publish(message: SignalPublication): boolean;
}
