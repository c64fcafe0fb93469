import { describe, expect, it } from 'vitest';
import type { DeviceId } from '../core/ids.ts';
import { RELAY_REFUSALS } from '../core/relay-wire.ts';
import type { TransportId, TransportStatus } from '../sync/transport.ts';
import { describeConnection } from './connection.ts';

const up: TransportStatus = { kind: 'up' };
const down = (why: string): TransportStatus => ({ kind: 'down', why });
const me = 'me' as DeviceId;

interface Facts {
  readonly peers?: readonly [device: string, path: TransportId, doubted?: true][];
  readonly relay?: TransportStatus;
  readonly webrtc?: TransportStatus;
  readonly online?: boolean;
  readonly follows?: boolean;
}
const view = ({ peers = [], relay = up, webrtc, online = true, follows = false }: Facts) =>
  describeConnection({
    me,
    peers: peers.map(([device, path, doubted = false]) => ({ device: device as DeviceId, path, doubted })),
    relay,
    webrtc,
    online,
    follows,
  });

describe('the kind of connection', () => {
  it.each([
    ['Alone', 1, {}],
    ['Alone', 1, { peers: [['me', 'broadcast-channel']] }],
    ['Direct', 2, { peers: [['ann', 'webrtc']] }],
    ['Direct', 2, { peers: [['ann', 'webrtc']], relay: down('lost') }],
    ['Relayed', 2, { peers: [['ann', 'relay']] }],
    ['Relayed', 2, { peers: [['ann', 'webrtc']], webrtc: { kind: 'up', relayed: true } }],
    // Any path through the relay makes it so, and tabs of one person count once.
    [
      'Relayed',
      3,
      {
        peers: [
          ['ann', 'relay'],
          ['ben', 'webrtc'],
          ['ben', 'webrtc'],
        ],
      },
    ],
    ['Offline', 1, { relay: { kind: 'connecting' } }],
    ['Offline', 1, { relay: down('lost') }],
    ['Offline', 1, { relay: down('lost'), online: false }],
  ] satisfies [string, number, Facts][])('%s · %i here', (kind, here, facts) => {
    expect(view(facts)).toMatchObject({ kind, here });
  });
});

describe('why', () => {
  const offline = (relay: TransportStatus, online = true): string => view({ relay, online }).why;

  it('tells a TURN server from the relay', () => {
    const { why } = view({ peers: [['ann', 'webrtc']], webrtc: { kind: 'up', relayed: true } });
    expect(why).toContain('TURN');
    expect(view({ peers: [['ann', 'relay']] }).why).not.toContain('TURN');
  });

  it('says that the direct connection stopped answering, whatever carries meanwhile', () => {
    const byRelay = view({ peers: [['ann', 'relay', true]], webrtc: up });
    expect(byRelay.kind).toBe('Relayed');
    expect(byRelay.why).toContain('the direct connection stopped answering, and another is being made');
    const alone = view({ peers: [['ann', 'webrtc', true]], webrtc: up, relay: down('lost') });
    expect(alone.kind).toBe('Direct');
    expect(alone.why).toMatch(/has not answered for a moment.*You can go on: what you write is sent again/);
  });

  it('tells a server that says no from one that says nothing', () => {
    expect(offline(down('the connection was lost'))).toContain('not reachable');
    expect(offline(down('the connection was lost'), false)).toContain('This device is offline');
    const refusals = RELAY_REFUSALS.map((reason) => offline(down(`the server refused: ${reason}`)));
    for (const why of refusals) expect(why).not.toContain('not reachable');
    expect(refusals[RELAY_REFUSALS.indexOf('topic-full')]).toContain('as many tabs of this room');
    expect(refusals[RELAY_REFUSALS.indexOf('busy')]).toContain('busy');
  });

  it('shows nothing of words it does not know', () => {
    expect(offline(down('the server refused: <b>pay here</b>'))).toBe(
      'The server refuses this tab. You can go on: edits meet when it is back.',
    );
    expect(offline(down('the server refused this connection'))).toContain('refuses this tab');
  });

  it('says that a refusing server keeps newcomers out, and people who are here are not touched', () => {
    const { why } = view({ peers: [['ann', 'webrtc']], relay: down('the server refused: rate') });
    expect(why).toMatch(/^Browser to browser\. The server takes no more .* nobody new can join/);
  });
});

describe('where another tab of this browser connects', () => {
  const words = 'Your other tab of this room connects for this one.';
  it('says so beside what the way is', () => {
    const direct: Facts = { peers: [['ann', 'webrtc']] };
    expect(view({ ...direct, follows: true }).why).toBe(`${view(direct).why} ${words}`);
    const relayed: Facts = { peers: [['ann', 'relay']] };
    expect(view({ ...relayed, follows: true }).why).toBe(`${view(relayed).why} ${words}`);
  });

  it('says nothing of it where nobody is reached', () => {
    expect(view({ follows: true })).toEqual(view({}));
  });
});
