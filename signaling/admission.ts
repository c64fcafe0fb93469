/** Who may open one more socket: limits per address and in all. */
import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { Limits } from './limits.ts';

/** Lets a socket in when its address and the server have room for one more. */
export function admission(limits: Limits, connections: () => { relay: number; signal: number }) {
  const handshakes = new RateLimiterMemory({ points: limits.handshakesPerMinute, duration: 60 });
  const open = new Map<string, number>();
  const count = (address: string, by: 1 | -1) => {
    const now = (open.get(address) ?? 0) + by;
    if (now === 0) open.delete(address);
    else open.set(address, now);
  };
  return async (address: string): Promise<{ enter: () => void; leave: () => void } | undefined> => {
    const { relay, signal } = connections();
    if (relay + signal >= limits.connections || (open.get(address) ?? 0) >= limits.socketsPerAddress)
      return undefined;
    const inTime = await handshakes.consume(address).then(
      () => true,
      () => false,
    );
    return inTime ? { enter: () => count(address, 1), leave: () => count(address, -1) } : undefined;
  };
}
