/** Which path is in use and why, in the words of the status "Connection" (INTERFACE.md, Room). Pure. */
import type { DeviceId } from '../core/ids.ts';
import type { TransportId, TransportStatus } from '../sync/transport.ts';
import type { ConnectionView } from './room-model.ts';

export interface ConnectionFacts {
  readonly me: DeviceId;
  /** Every tab that was met: whose it is, and by which kind of link it is reached. */
  readonly peers: readonly { readonly device: DeviceId; readonly path: TransportId }[];
  readonly relay: TransportStatus | undefined;
  readonly webrtc: TransportStatus | undefined;
  /** navigator.onLine: false is certain, true is not. */
  readonly online: boolean;
}

export function describeConnection({ me, peers, relay, webrtc, online }: ConnectionFacts): ConnectionView {
  const others = peers.filter(({ device }) => device !== me);
  const here = new Set([me, ...others.map(({ device }) => device)]).size;
  const serverUp = relay?.kind === 'up';

  if (others.some(({ path }) => path === 'relay')) {
    const direct = others.some(({ path }) => path !== 'relay');
    const whose = direct ? 'At least one person is' : here === 2 ? 'The other person is' : 'Everybody is';
    const cause = webrtc?.kind === 'down' ? webrtc.why : 'no direct connection could be made yet';
    const why = `${whose} reached through the relay: ${cause}. It carries only what it cannot read.`;
    return { kind: 'Relayed', here, why };
  }
  if (others.length > 0) {
    const why = serverUp
      ? 'Browser to browser: the server does not see what you write.'
      : 'Browser to browser. The server is not reachable, so nobody new can join for now.';
    return { kind: 'Direct', here, why };
  }
  if (serverUp)
    return { kind: 'Alone', here, why: 'Nobody else is here. Send the link, or write on: it is kept.' };
  if (relay?.kind === 'connecting') return { kind: 'Offline', here, why: 'Reaching the server…' };
  const why = online
    ? 'The server is not reachable. You can go on: edits meet when it is back.'
    : 'This device is offline. You can go on: edits meet when it is back.';
  return { kind: 'Offline', here, why };
}
