/** Which path is in use and why, in the words of the status "Connection" (INTERFACE.md, Room). Pure. */
import type { DeviceId } from '../core/ids.ts';
import { RELAY_REFUSALS, type RelayRefusal } from '../core/relay-wire.ts';
import type { TransportId, TransportStatus } from '../sync/transport.ts';
import type { ConnectionView } from './room-model.ts';

export interface ConnectionFacts {
  readonly me: DeviceId;
  /** Every tab that was met: whose it is, and by which kind of link it is reached. */
  readonly peers: readonly {
    readonly device: DeviceId;
    readonly path: TransportId;
    /** Its direct link has stopped answering. */
    readonly doubted?: boolean;
  }[];
  readonly relay: TransportStatus | undefined;
  readonly webrtc: TransportStatus | undefined;
  /** navigator.onLine: false is certain, true is not. */
  readonly online: boolean;
  /** Another tab of this browser connects for this one. */
  readonly follows?: boolean;
}

export function describeConnection(facts: ConnectionFacts): ConnectionView {
  const view = describe(facts);
  const carried = facts.follows && (view.kind === 'Direct' || view.kind === 'Relayed');
  return carried ? { ...view, why: `${view.why} Your other tab of this room connects for this one.` } : view;
}

function describe({ me, peers, relay, webrtc, online }: ConnectionFacts): ConnectionView {
  const others = peers.filter(({ device }) => device !== me);
  const here = new Set([me, ...others.map(({ device }) => device)]).size;
  const serverUp = relay?.kind === 'up';

  if (others.some(({ path }) => path === 'relay')) {
    const direct = others.some(({ path }) => path !== 'relay');
    const whose = direct ? 'At least one person is' : here === 2 ? 'The other person is' : 'Everybody is';
    const cause = others.some(({ doubted }) => doubted)
      ? 'the direct connection stopped answering, and another is being made'
      : webrtc?.kind === 'down'
        ? webrtc.why
        : 'no direct connection could be made yet';
    const why = `${whose} reached through the relay: ${cause}. It carries only what it cannot read.`;
    return { kind: 'Relayed', here, why };
  }
  if (others.some(({ path }) => path === 'webrtc') && webrtc?.kind === 'up' && webrtc.relayed) {
    const why =
      'At least one person is reached through this server’s TURN relay: no direct way was found. It carries only what it cannot read.';
    return { kind: 'Relayed', here, why };
  }
  if (others.some(({ doubted }) => doubted)) {
    const why =
      'At least one person has not answered for a moment, and the server can’t be reached to go around. You can go on: what you write is sent again.';
    return { kind: 'Direct', here, why };
  }
  if (others.length > 0) {
    const why = serverUp
      ? 'Browser to browser: the server does not see what you write.'
      : `Browser to browser. ${serverWords(relay)}, so nobody new can join through it for now.`;
    return { kind: 'Direct', here, why };
  }
  if (serverUp)
    return { kind: 'Alone', here, why: 'Nobody else is here. Send the link, or write on: it is kept.' };
  if (relay === undefined || relay.kind === 'connecting')
    return { kind: 'Offline', here, why: 'Reaching the server…' };
  const why = online
    ? `${serverWords(relay)}. You can go on: edits meet when it is back.`
    : 'This device is offline. You can go on: edits meet when it is back.';
  return { kind: 'Offline', here, why };
}

/** Why the relay carries nothing, as a clause; it goes on trying in any case. */
function serverWords(relay: TransportStatus | undefined): string {
  if (relay?.kind !== 'down' || !relay.why.startsWith(REFUSED)) return 'The server is not reachable';
  const reason = RELAY_REFUSALS.find((each) => relay.why === `${REFUSED}: ${each}`);
  return reason === undefined ? 'The server refuses this tab' : refusalWords(reason);
}

/** How the relay transport begins when the server said no rather than nothing. */
const REFUSED = 'the server refused';

function refusalWords(reason: RelayRefusal): string {
  switch (reason) {
    case 'topic-full':
      return 'The server holds as many tabs of this room as it can';
    case 'busy':
      return 'The server is busy and takes no more rooms now';
    case 'rate':
      return 'The server takes no more from this network for a moment: too much came at once';
    case 'slow':
      return 'The server let go of this tab, which took in too little of what came';
    case 'bad-proof':
      return 'The server does not accept this link’s key';
    case 'join-deadline':
      return 'The server waited too long for this tab';
    case 'malformed':
    case 'not-joined':
    case 'already-joined':
      return 'The server does not understand this version: reload to get the newest';
  }
}

/** Where the room's owner has closed it to this device. */
export const outOfRoom: ConnectionView = {
  kind: 'Offline',
  here: 1,
  why: 'This device is no longer let into the room, so it connects to nobody there.',
};
