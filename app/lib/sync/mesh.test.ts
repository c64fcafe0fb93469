import { expect, test } from 'vitest';
import type { Bytes } from '../core/bytes.ts';
import type { PeerId, RoomId } from '../core/ids.ts';
import { Mesh, type MeshLink } from './mesh.ts';
import type { Transport, TransportEvents, TransportId, TransportRoom } from './transport.ts';

const ann = 'ann' as PeerId;
const frame: Bytes = Uint8Array.of(1);

/** A mesh over transports whose links the test opens and closes by hand; `sent` says which carried a frame. */
function meshOf(...ids: TransportId[]) {
  const sent: TransportId[] = [];
  const asked: TransportId[] = [];
  const checked: TransportId[] = [];
  const detours: TransportId[] = [];
  const links: MeshLink[] = [];
  const events = new Map<TransportId, TransportEvents>();
  const transports = ids.map((id): Transport => ({
    id,
    connect(_room, on) {
      events.set(id, on);
      return {
        status: { kind: 'up' },
        links: () => [],
        send: () => void sent.push(id),
        broadcast: () => undefined,
        ask: () => void asked.push(id),
        check: () => void checked.push(id),
        queuedBytes: () => 0,
        drained: () => Promise.resolve(),
        close: () => Promise.resolve(),
      };
    },
  }));
  const room: TransportRoom = {
    self: 'me' as PeerId,
    roomId: 'room' as RoomId,
    topic: new Uint8Array(32),
    signTopic: async () => new Uint8Array(64),
    sealSignal: async (plain) => plain,
    openSignal: async (sealed) => sealed,
  };
  const mesh = new Mesh(transports, room, {
    onLink: (link) => void links.push(link),
    onFrame: () => undefined,
    onLinkClosed: () => undefined,
    onDetour: (instead) => void detours.push(instead.transport),
    onChange: () => undefined,
  });
  const open = (id: TransportId, name: string): MeshLink => {
    events.get(id)?.onLink(name);
    const link = links.at(-1);
    if (link === undefined) throw new Error('no link');
    mesh.identify(link, ann);
    return link;
  };
  const close = (id: TransportId, name: string): void => events.get(id)?.onLinkClosed(name, 'test');
  const carries = (): TransportId[] => {
    sent.length = 0;
    mesh.broadcast(frame, 'live');
    return [...sent];
  };
  const doubt = (id: TransportId, name: string, doubtful: boolean): void =>
    events.get(id)?.onDoubt?.(name, doubtful);
  const arrives = (id: TransportId, name: string): void => events.get(id)?.onFrame(name, frame);
  /** What the transport of that kind that is connected now can still say when it is not any more. */
  const firstEvents = new Map(events);
  const late = (id: TransportId): TransportEvents => {
    const found = firstEvents.get(id);
    if (found === undefined) throw new Error('no such transport');
    return found;
  };
  return { mesh, open, close, doubt, arrives, carries, late, asked, checked, detours };
}

test('SYNC-7 a peer is sent to by its best link only, and by the next when that closes', () => {
  const { mesh, open, close, carries } = meshOf('relay', 'webrtc', 'broadcast-channel');
  open('relay', 'r');
  expect(carries()).toEqual(['relay']);
  open('webrtc', 'w');
  expect(carries(), 'direct: the relay carries no more').toEqual(['webrtc']);
  open('broadcast-channel', 'b');
  expect(carries()).toEqual(['broadcast-channel']);
  close('broadcast-channel', 'b');
  close('webrtc', 'w');
  expect(carries(), 'the direct link died').toEqual(['relay']);
  expect([...mesh.peers.keys()]).toEqual([ann]);
  close('relay', 'r');
  expect(carries()).toEqual([]);
  expect(mesh.linkTo(ann), 'gone when the last link closed').toBeUndefined();
});

test('SYNC-7 of two links of one kind one carries, and its end leaves the other', () => {
  const { open, close, carries } = meshOf('webrtc');
  open('webrtc', 'one');
  open('webrtc', 'two');
  expect(carries()).toHaveLength(1);
  close('webrtc', 'one');
  expect(carries()).toHaveLength(1);
});

test('SYNC-18 while the best link is doubtful the relay carries too, and is looked after; then the best alone again', () => {
  const { mesh, open, doubt, carries, checked, detours } = meshOf('relay', 'webrtc');
  open('relay', 'r');
  open('webrtc', 'w');
  doubt('webrtc', 'w', true);
  expect(carries().toSorted()).toEqual(['relay', 'webrtc']);
  expect(mesh.linkTo(ann)?.transport, 'what is said to one').toBe('relay');
  expect(mesh.isDoubtful(ann)).toBe(true);
  expect([checked, detours], 'looked after, and told what moved').toEqual([['relay'], ['relay']]);
  doubt('webrtc', 'w', false);
  expect(carries()).toEqual(['webrtc']);
  expect(mesh.isDoubtful(ann)).toBe(false);
  expect(detours).toHaveLength(1);
});

test('SYNC-18 a doubtful link carries on alone where there is no other, and beside one that comes later', () => {
  const { mesh, open, close, doubt, carries, detours } = meshOf('relay', 'webrtc');
  open('webrtc', 'w');
  doubt('webrtc', 'w', true);
  expect(carries()).toEqual(['webrtc']);
  expect([mesh.isDoubtful(ann), detours]).toEqual([true, []]);
  open('relay', 'r');
  expect(carries().toSorted()).toEqual(['relay', 'webrtc']);
  close('webrtc', 'w');
  expect(carries()).toEqual(['relay']);
  expect(mesh.isDoubtful(ann)).toBe(false);
});

test('SYNC-18 the replacement of a doubtful link carries alone as soon as it is known whose it is', () => {
  const { open, close, doubt, carries } = meshOf('relay', 'webrtc');
  open('relay', 'r');
  open('webrtc', 'old');
  doubt('webrtc', 'old', true);
  close('webrtc', 'old');
  open('webrtc', 'new');
  expect(carries()).toEqual(['webrtc']);
});

test('SYNC-18 only what must not wait is asked about, on the link that carries it', () => {
  const { mesh, open, carries, asked } = meshOf('relay', 'webrtc');
  open('relay', 'r');
  open('webrtc', 'w');
  carries();
  expect(asked).toEqual([]);
  mesh.broadcastSurely(frame);
  expect(asked).toEqual(['webrtc']);
});

test('SYNC-18 a frame that comes by a detour has this end ask on its own best link', () => {
  const { open, arrives, asked } = meshOf('relay', 'webrtc');
  open('relay', 'r');
  open('webrtc', 'w');
  arrives('webrtc', 'w');
  expect(asked).toEqual([]);
  arrives('relay', 'r');
  expect(asked).toEqual(['webrtc']);
});

test('SYNC-20 a tab that does not lead has ways to the tabs of its browser only, and again when it leads', () => {
  const { mesh, open, close, carries } = meshOf('relay', 'webrtc', 'broadcast-channel');
  open('relay', 'r');
  open('webrtc', 'w');
  mesh.lead(false);
  expect([mesh.linkTo(ann), carries(), mesh.status('relay')]).toEqual([undefined, [], undefined]);
  open('broadcast-channel', 'b');
  expect(carries()).toEqual(['broadcast-channel']);
  close('broadcast-channel', 'b');
  mesh.lead(true);
  open('relay', 'again');
  expect([carries(), mesh.status('relay')]).toEqual([['relay'], { kind: 'up' }]);
});

test('SYNC-20 what a transport says after it was closed is not heard', () => {
  const { mesh, open, late } = meshOf('relay');
  open('relay', 'r');
  mesh.lead(false);
  late('relay').onLink('late');
  late('relay').onStatus({ kind: 'down', why: 'late' });
  expect([[...mesh.links()], mesh.status('relay')]).toEqual([[], undefined]);
});

test('SYNC-20 whoever is carried is sent to by the newest carrier, and by a link of their own as soon as there is one', () => {
  const { mesh, open, close, carries } = meshOf('relay');
  const carried: string[] = [];
  const carriedBy = (by: string): MeshLink => {
    const link = mesh.openCarried(
      { send: () => void carried.push(by), queuedBytes: () => 0, drained: () => Promise.resolve() },
      { by: by as PeerId },
    );
    mesh.identify(link, ann);
    return link;
  };
  const now = (): string[] => [...carries(), ...carried.splice(0)];
  carriedBy('old');
  expect(now()).toEqual(['old']);
  const newer = carriedBy('new');
  expect(now()).toEqual(['new']);
  open('relay', 'r');
  expect(now()).toEqual(['relay']);
  close('relay', 'r');
  mesh.endCarried(newer, 'test');
  expect(now()).toEqual(['old']);
});
