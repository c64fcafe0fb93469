/** Every transport a room meets others by, in order of preference (mesh.ts), and what tabs need to share them. */
import type { LeadershipPage } from './leadership.ts';
import type { Transport } from './transport.ts';
import { broadcastChannelTransport } from './transports/broadcast-channel.ts';
import { relayTransport } from './transports/relay.ts';
import { webrtcTransport } from './transports/webrtc.ts';

/** The transports of a room whose thin server is at `origin` (an http or https URL). */
export function transportsTo(origin: string): Transport[] {
  const socket = (path: string): string => new URL(path, origin.replace(/^http/, 'ws')).href;
  return [
    broadcastChannelTransport(),
    relayTransport({ url: socket('/relay') }),
    webrtcTransport({ signalUrl: socket('/signal'), iceUrl: new URL('/ice', origin).href }),
  ];
}

/** Undefined where tabs can't agree on which of them leads: each is for itself. */
export const sharedByTabs = (): LeadershipPage | undefined =>
  'locks' in navigator && 'BroadcastChannel' in globalThis
    ? {
        locks: navigator.locks,
        visible: () => document.visibilityState === 'visible',
        events: globalThis,
      }
    : undefined;
