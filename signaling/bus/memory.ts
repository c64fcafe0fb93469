/** The bus of one process: two maps. */
import { toHex } from '../../app/lib/core/bytes.ts';
import { isEveryone } from '../../app/lib/core/relay-wire.ts';
import type { Limits } from '../limits.ts';
import type { Bus, BusMember, BusSubscriber } from './bus.ts';

export function memoryBus(limits: Limits): Bus {
  const relay = new Map<string, Map<string, BusMember>>();
  const signal = new Map<string, Set<BusSubscriber>>();

  return {
    get topics() {
      return relay.size;
    },

    join(topic, member) {
      const members = relay.get(topic) ?? new Map<string, BusMember>();
      if (members.size >= limits.relay.peersPerTopic) return member.refused('topic-full');
      if (members.size === 0 && relay.size >= limits.relay.topics) return member.refused('busy');
      const others = [...members.values()];
      relay.set(topic, members.set(toHex(member.id), member));
      member.joined(others.map((other) => other.id));
      for (const other of others) other.entered(member.id);
    },

    leave(topic, member) {
      const members = relay.get(topic);
      if (!members?.delete(toHex(member.id))) return;
      if (members.size === 0) relay.delete(topic);
      for (const other of [...members.values()]) other.left(member.id);
    },

    send(topic, from, to, frame) {
      const members = relay.get(topic);
      if (!isEveryone(to)) return members?.get(toHex(to))?.deliver(frame);
      // A frame to everyone is live: one slow receiver must not hold it up for the rest, so nobody waits here.
      for (const member of [...(members?.values() ?? [])]) if (member !== from) void member.deliver(frame);
      return undefined;
    },

    subscribe(topic, subscriber) {
      const subscribers = signal.get(topic) ?? new Set();
      if (subscribers.size === 0 && signal.size >= limits.signal.topics) return false;
      signal.set(topic, subscribers.add(subscriber));
      return true;
    },

    unsubscribe(topic, subscriber) {
      const subscribers = signal.get(topic);
      subscribers?.delete(subscriber);
      if (subscribers?.size === 0) signal.delete(topic);
    },

    publish(message) {
      const subscribers = [...(signal.get(message.topic) ?? [])];
      const text = written({ ...message, clients: subscribers.length });
      if (text === undefined) return false;
      for (const subscriber of subscribers) subscriber.receive(text);
      return true;
    },
  };
}

/** JSON.parse takes nesting that JSON.stringify cannot walk: 30,000 brackets fit in one frame. */
function written(message: object): string | undefined {
  try {
    return JSON.stringify(message);
  } catch {
    return undefined;
  }
}
