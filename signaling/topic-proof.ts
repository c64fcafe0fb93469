/** Checks that whoever joins a relay topic holds the topic's private key. */
import type { Bytes } from '../app/lib/core/bytes.ts';
import { relayJoinMessage } from '../app/lib/core/relay-wire.ts';
import { verifyEd25519 } from './ed25519.ts';

/** Whether `signature` over this connection's nonce was made with the topic's key. False, never a throw, for bytes that are no key. */
export const provesTopic = (topic: Bytes, nonce: Bytes, signature: Bytes): Promise<boolean> =>
  verifyEd25519(topic, signature, relayJoinMessage(nonce, topic));
