/** Whose budget a connection is charged to. */
import type { IncomingMessage } from 'node:http';
import { isIP, isIPv6 } from 'node:net';

/**
 * The client's address. Behind a reverse proxy (`behindProxy`, set with CODEFACE_PUBLIC_URL) it is the last X-Forwarded-For entry,
 * which the proxy itself wrote; a client that connects directly cannot choose its own.
 */
export function clientAddress(request: IncomingMessage, behindProxy: boolean): string {
  const direct = request.socket.remoteAddress ?? '';
  const forwarded = String(request.headers['x-forwarded-for'] ?? '')
    .split(',')
    .at(-1)
    ?.trim();
  const address = behindProxy && forwarded && isIP(forwarded) && isPrivate(direct) ? forwarded : direct;
  return address.replace(/^::ffff:/, '');
}

/** What limits count for an address: for IPv6 a whole /64, since one home has 2^64 addresses. */
export const budgetKey = (address: string): string => (isIPv6(address) ? network64(address) : address);

/** The first four groups, with what `::` stands for written out. */
function network64(address: string): string {
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail ? tail.split(':') : [];
  const missing = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length);
  return [...groups, ...Array<string>(missing).fill('0'), ...after].slice(0, 4).join(':');
}

/** Loopback and the private ranges in which a proxy of ours can be. */
const isPrivate = (address: string): boolean =>
  /^(::ffff:)?(127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)|^(::1$|f[cd])/.test(address);
