/** Yjs clients are numbers of 53 bits, and those of a room follow from hashes (CERT-5, FORK-2). */
import type { Bytes } from '../core/bytes.ts';
import type { ClientId } from '../core/ids.ts';

/** The Yjs client that a hash names: the low 21 bits of its first word, then its second. */
export function clientIdIn(hash: Bytes): ClientId {
  const view = new DataView(hash.buffer, hash.byteOffset);
  return ((view.getUint32(0) & 0x1fffff) * 2 ** 32 + view.getUint32(4)) as ClientId;
}
