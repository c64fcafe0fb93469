/** Whose budget a connection is charged to. */
import type { IncomingMessage } from 'node:http';

/**
 * The address that limits count: a whole /64 for IPv6, since one home has 2^64 of them. Behind a reverse proxy (`behindProxy`, set
 * with CODEFACE_PUBLIC_URL) the last X-Forwarded-For entry, which the proxy itself wrote; a direct client cannot choose its own.
 */
export function clientAddress(request: IncomingMessage, behindProxy: boolean): string {
  const direct = request.socket.remoteAddress ?? 'unknown';
  const forwarded = String(request.headers['x-forwarded-for'] ?? '')
    .split(',')
    .at(-1)
    ?.trim();
  const address = behindProxy && forwarded && isPrivate(direct) ? forwarded : direct;
  const plain = address.replace(/^::ffff:/, '');
  return plain.includes(':') ? network64(plain) : plain;
}

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
