/** This device's own key pair (X25519). Made here; where it is kept is the caller's business. */
import { toHex, type Bytes } from '../core/bytes.ts';
import type { DeviceId } from '../core/ids.ts';

/** Storable in IndexedDB as it is: the private part can't be exported. */
export interface DeviceKeyPair {
  readonly publicKey: Bytes;
  readonly privateKey: CryptoKey;
}

/** A new pair, for receiving the seeds of later epochs (KEY-7). */
export async function generateDeviceKeyPair(): Promise<DeviceKeyPair> {
  const pair = await crypto.subtle.generateKey('X25519', false, ['deriveBits']);
  return {
    publicKey: new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)),
    privateKey: pair.privateKey,
  };
}

export const deviceIdOf = (publicKey: Bytes): DeviceId => toHex(publicKey) as DeviceId;
