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
  return { mesh, open, close, carries };
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
