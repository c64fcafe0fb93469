// What a tab passes on, and for whom (SYNC-20 to SYNC-22): the real Carriage and Mesh, frames by hand.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeRoom } from '../../testing/replicas.ts';
import { concat, fromHex, utf8, type Bytes } from '../core/bytes.ts';
import type { DeviceId, PeerId, RoomId } from '../core/ids.ts';
import { seal } from '../log/seal.ts';
import { Carriage, decodeReach, encodeReach, LINGER_MS } from './carriage.ts';
import { writeFrame } from './frames.ts';
import { Mesh, type MeshLink } from './mesh.ts';
import type { Transport, TransportEvents, TransportId } from './transport.ts';

const peer = (letter: string): PeerId => letter.repeat(32) as PeerId;
const [self, follower, ben, cleo, carried] = ['0', 'f', 'b', 'c', 'd'].map(peer) as [
  PeerId,
  PeerId,
  PeerId,
  PeerId,
  PeerId,
];
const mine = 'my device' as DeviceId;
const live = (text: string): Bytes => writeFrame('live', utf8(text));

/** A tab with a near link to a follower and far ones to Ben and Cleo. */
async function tab(deviceOfFollower = mine) {
  const keys = await (await makeRoom()).keys('e');
  const events = new Map<TransportId, TransportEvents>();
  const sent: string[] = [];
  const got: string[] = [];
  const closed: string[] = [];
  const devices = new Map<MeshLink, DeviceId>();
  const time = { now: 0, queued: 0 };
  const transports = (['broadcast-channel', 'webrtc'] as const).map((id): Transport => ({
    id,
    connect(_room, on) {
      events.set(id, on);
      return {
        status: { kind: 'up' },
        links: () => [],
        send: (link, frame) =>
          void sent.push(`${link} ${frame[0]} ${new TextDecoder().decode(frame.subarray(34))}`),
        broadcast: () => undefined,
        queuedBytes: () => time.queued,
        drained: () => Promise.resolve(),
        close: () => Promise.resolve(),
      };
    },
  }));
  const opened: MeshLink[] = [];
  const made: { carriage?: Carriage } = {};
  const mesh: Mesh = new Mesh(
    transports,
    {
      self,
      roomId: 'room' as RoomId,
      topic: new Uint8Array(32),
      signTopic: async () => new Uint8Array(64),
      sealSignal: async (plain) => plain,
      openSignal: async (sealed) => sealed,
    },
    {
      onLink: (link) => void opened.push(link),
      onFrame: () => undefined,
      onLinkClosed: (_, why) => void closed.push(why),
      onDetour: () => undefined,
      onChange: () => made.carriage?.changed(),
    },
  );
  const carriage: Carriage = new Carriage({
    keys,
    self,
    device: mine,
    clock: { now: () => time.now },
    mesh,
    deviceOf: (link) => devices.get(link),
    onFrame: (_, frame) => void got.push(new TextDecoder().decode(frame.subarray(1))),
    onChange: () => carriage.changed(),
    onError: (error) => {
      throw error;
    },
    sharing: undefined,
    onLead: () => undefined,
  });
  made.carriage = carriage;
  const link = (id: TransportId, name: string, to: PeerId, device: DeviceId): MeshLink => {
    events.get(id)?.onLink(name);
    const found = opened.at(-1);
    if (found === undefined) throw new Error('no link');
    devices.set(found, device);
    mesh.identify(found, to);
    return found;
  };
  const near = link('broadcast-channel', 'near', follower, deviceOfFollower);
  const toBen = link('webrtc', 'ben', ben, 'of Ben' as DeviceId);
  const toCleo = link('webrtc', 'cleo', cleo, 'of Cleo' as DeviceId);
  return {
    mesh,
    near,
    toBen,
    toCleo,
    time,
    got,
    closed,
    sent: () => sent.splice(0),
    carry: (over: MeshLink, to: PeerId, from: PeerId, text: string) =>
      carriage.carry(over, concat(fromHex(to), fromHex(from), live(text))),
    reach: async (over: MeshLink, leads: boolean, ...peers: PeerId[]) =>
      carriage.heard(
        over,
        await seal(
          keys,
          'reach',
          encodeReach(
            leads,
            peers.map((each) => [each, 'relay']),
          ),
        ),
      ),
    tick: () => carriage.tick(),
    lose: (name: string) => events.get('webrtc')?.onLinkClosed(name, 'lost'),
    /** Those that are carried, by who carries. */
    links: () => [...mesh.links()].flatMap((each) => each.carried?.by ?? []),
  };
}

test('SYNC-20 a frame goes between this browser and others, and on no other way', async () => {
  const { carry, near, toBen, toCleo, sent, got } = await tab();
  carry(near, ben, follower, 'out');
  carry(toBen, follower, ben, 'in');
  expect(sent()).toEqual(['ben 9 out', 'near 9 in']);
  carry(toBen, cleo, ben, 'from far to far');
  carry(toCleo, carried, cleo, 'to nobody');
  carry(near, follower, follower, 'back');
  expect([sent(), got]).toEqual([[], []]);
});

test('SYNC-20 a tab of another device is not carried for', async () => {
  const { carry, near, toBen, sent } = await tab('another' as DeviceId);
  carry(near, ben, follower, 'out');
  carry(toBen, follower, ben, 'in');
  expect(sent()).toEqual([]);
});

test('SYNC-20 nothing comes in the name of whom its sender has not told', async () => {
  const { carry, reach, toBen, got } = await tab();
  expect(carry(toBen, self, carried, 'not told')).toBe(false);
  await reach(toBen, true, carried);
  expect(carry(toBen, self, carried, 'told')).toBe(true);
  expect(got).toEqual(['told']);
});

test('SYNC-20 a frame that was carried is not carried further', async () => {
  const { carry, reach, toBen, mesh, sent } = await tab();
  await reach(toBen, true, carried);
  const link = [...mesh.links()].find((each) => each.carried);
  if (link === undefined) throw new Error('no carried link');
  mesh.identify(link, carried);
  carry(link, follower, carried, 'within');
  expect(sent()).toEqual([]);
});

test('SYNC-20 whoever takes in too little loses what is carried for them', async () => {
  const { carry, near, time, sent } = await tab();
  time.queued = 16 * 1024 * 1024 + 1;
  carry(near, ben, follower, 'out');
  expect(sent()).toEqual([]);
});

test('SYNC-22 who is not told any more is gone; whose carrier is gone lingers for ten seconds, and is carried by the next', async () => {
  const { reach, near, toBen, time, tick, lose, links, closed } = await tab();
  await reach(toBen, true, carried, cleo);
  expect(links()).toEqual([ben, ben]);
  await reach(toBen, true, carried);
  expect([links(), closed]).toEqual([[ben], ['not there any more']]);

  lose('ben');
  expect(links(), 'lingers').toEqual([ben]);
  await reach(near, true, carried);
  expect(links()).toEqual([ben, follower]);
  time.now = LINGER_MS - 1;
  tick();
  expect(links()).toEqual([ben, follower]);
  time.now = LINGER_MS;
  tick();
  expect(links()).toEqual([follower]);
  await reach(near, false);
  expect(links(), 'leads no more: another will').toEqual([follower]);
  time.now += LINGER_MS;
  tick();
  expect(links()).toEqual([]);
});

test('SYNC-20 another browser’s tab reaches at most 64 others, and a tab of another device on this browser’s channel nobody', async () => {
  const many = (count: number): PeerId[] =>
    Array.from({ length: count }, (_, i) => i.toString(16).padStart(32, '0') as PeerId);
  const { reach, toBen, links } = await tab();
  await reach(toBen, true, ...many(65));
  expect(links()).toEqual([]);
  await reach(toBen, true, ...many(64));
  // One of them is this tab.
  expect(links()).toHaveLength(63);
  const stranger = await tab('another' as DeviceId);
  await stranger.reach(stranger.near, true, carried);
  expect(stranger.links()).toEqual([]);
});

test('SYNC-20 REACH comes back as it was, and nothing else decodes', () => {
  const id = fc
    .uint8Array({ minLength: 16, maxLength: 16 })
    .map((each) => Buffer.from(each).toString('hex') as PeerId);
  const rows = fc.uniqueArray(fc.tuple(id, fc.constantFrom<TransportId>('relay', 'webrtc')), {
    maxLength: 20,
    selector: ([each]) => each,
  });
  const runs = { seed: 20261124, numRuns: 300 };
  fc.assert(
    fc.property(fc.boolean(), rows, (leads, peers) => {
      const bytes = encodeReach(leads, peers);
      expect(decodeReach(bytes, 20)).toEqual({ leads, peers: new Map(peers) });
      expect(decodeReach(concat(bytes, Uint8Array.of(0)), 20)).toBeUndefined();
      expect(decodeReach(concat(Uint8Array.of(2), bytes.subarray(1)), 20)).toBeUndefined();
      if (peers.length > 0) {
        expect(decodeReach(bytes, peers.length - 1)).toBeUndefined();
        expect(decodeReach(concat(bytes.subarray(0, -1), Uint8Array.of(2)), 20)).toBeUndefined();
      }
    }),
    runs,
  );
  expect(decodeReach(new Uint8Array(), 20)).toBeUndefined();
});
