/** A room as transports see it, with real keys: several ends of it can meet, and nobody else's messages open. */
import { concat, randomBytes, toHex, type Bytes } from '../lib/core/bytes.ts';
import type { PeerId, RoomId } from '../lib/core/ids.ts';
import type { TransportRoom } from '../lib/sync/transport.ts';

const IV_BYTES = 12;

/** Gives the room as each new tab of it would hold it. */
export async function makeTransportRoom(): Promise<() => TransportRoom> {
  const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
  const topic = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, [
    'encrypt',
    'decrypt',
  ]);
  return () => ({
    roomId: 'a'.repeat(52) as RoomId,
    self: toHex(randomBytes(16)) as PeerId,
    topic,
    signTopic: async (message) =>
      new Uint8Array(await crypto.subtle.sign('Ed25519', pair.privateKey, message)),
    sealSignal: (plain) => seal(key, plain),
    openSignal: (sealed) => open(key, sealed),
  });
}

async function seal(key: CryptoKey, plain: Bytes): Promise<Bytes> {
  const iv = randomBytes(IV_BYTES);
  return concat(iv, new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, plain)));
}

async function open(key: CryptoKey, sealed: Bytes): Promise<Bytes | undefined> {
  const iv = sealed.slice(0, IV_BYTES);
  const opened = crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, sealed.slice(IV_BYTES));
  return opened.then(
    (plain) => new Uint8Array(plain),
    () => undefined,
  );
}
