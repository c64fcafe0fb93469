/**
 * One tab of a browser leads and alone has ways to other browsers; it carries the frames of its browser's other tabs, which
 * stay peers of their own: they greet, are met and prove that they live as if the wire were theirs (SYNC-20 to SYNC-22).
 *
 *   follower ══tab══ leader ══webrtc══ leader ══tab══ follower       REACH: whom the leader reaches, or is followed by
 *       └───────────────── CARRY(to, from, frame) ──────────┘
 *
 * When a leader is gone its carried links linger: another leader takes over, and nobody is seen to leave.
 */
import { concat, equalBytes, fromHex, toHex, type Bytes } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import type { DeviceId, PeerId } from '../core/ids.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import { openSealed, seal } from '../log/seal.ts';
import { frameType, writeFrame } from './frames.ts';
import { Leadership, type LeadershipPage } from './leadership.ts';
import { isNear, type Mesh, type MeshLink } from './mesh.ts';
import type { TransportId, TransportStatus } from './transport.ts';

const PEER_BYTES = 16;
/** Peer and path. */
const ROW_BYTES = PEER_BYTES + 1;
/** What a path is in a row, by place. */
const PATHS: readonly TransportId[] = ['relay', 'webrtc'];
/** Tabs that one other browser's leader carries: no person has as many. */
const MAX_FOLLOWERS = 64;
/** Tabs of other browsers that the own leader reaches. */
const MAX_REACHED = 1024;
/** A silent leader is replaced after about a second, and its successor needs another to meet everybody. */
export const LINGER_MS = 10_000;
/** Who is further behind loses carried frames; repair brings them again. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

export interface CarriageOptions {
  readonly keys: RoomKeys;
  readonly self: PeerId;
  readonly device: DeviceId;
  readonly clock: Clock;
  readonly mesh: Mesh;
  readonly deviceOf: (link: MeshLink) => DeviceId | undefined;
  /** A frame that was carried here. */
  readonly onFrame: (link: MeshLink, frame: Bytes) => void;
  /** What is known of the leader has changed. */
  readonly onChange: () => void;
  readonly onError: (error: unknown) => void;
  /** Undefined where this tab has ways of its own in any case. */
  readonly sharing: { readonly name: string; readonly page: LeadershipPage } | undefined;
  readonly onLead: (leads: boolean) => void;
}

export class Carriage {
  readonly #options: CarriageOptions;
  readonly #leadership: Leadership | undefined;
  /** Links over each tab that carries, by whom they lead to. */
  readonly #carried = new Map<PeerId, Map<PeerId, MeshLink>>();
  /** When links end whose carrier is gone. */
  readonly #lingering = new Map<MeshLink, number>();
  /** What each link was told. */
  readonly #told = new WeakMap<MeshLink, Bytes>();
  #telling: Promise<unknown> = Promise.resolve();
  #leads = false;

  constructor(options: CarriageOptions) {
    this.#options = options;
    const { sharing, mesh, onLead, onChange } = options;
    if (sharing === undefined) return;
    this.#leadership = new Leadership(sharing.name, sharing.page, {
      statuses: () => ({ relay: mesh.status('relay'), webrtc: mesh.status('webrtc') }),
      onStatuses: onChange,
      onLead: (leads) => {
        this.#leads = leads;
        mesh.lead(leads);
        onLead(leads);
      },
    });
  }

  /** Whether another tab carries for this one. */
  get follows(): boolean {
    return this.#leadership !== undefined && !this.#leads;
  }

  /** Of the transport that the leader has. */
  status(transport: TransportId): TransportStatus | undefined {
    return this.#leadership?.heard[transport];
  }

  /** Links or whose they are have changed. */
  changed(): void {
    for (const carrier of this.#carried.keys()) if (this.#hopTo(carrier) === undefined) this.#lost(carrier);
    if (this.#leadership === undefined) return;
    this.#leadership.tell();
    this.#tell();
  }

  /** Ends what has lingered for too long; called every second. */
  tick(): void {
    for (const [link, until] of this.#lingering)
      if (this.#options.clock.now() >= until) {
        this.#lingering.delete(link);
        this.#options.mesh.endCarried(link, 'nobody carries it any more');
      }
  }

  /** Whom the far end of a met link reaches. */
  async heard(link: MeshLink, sealed: Bytes): Promise<void> {
    const { keys, mesh, self, deviceOf, device, onChange } = this.#options;
    const opened = await openSealed(keys, 'reach', sealed);
    const by = link.peer;
    if (!opened.ok || by === undefined || link.carried !== undefined) return;
    const near = isNear(link.transport);
    const itsDevice = deviceOf(link);
    if (itsDevice === undefined || (near && itsDevice !== device)) return;
    const reach = decodeReach(opened.value, near ? MAX_REACHED : MAX_FOLLOWERS);
    if (reach === undefined) return;
    if (!reach.leads) return this.#lost(by);
    const links = this.#carried.get(by) ?? new Map<PeerId, MeshLink>();
    this.#carried.set(by, links);
    for (const [to, carried] of links)
      if (!reach.peers.has(to)) {
        links.delete(to);
        mesh.endCarried(carried, 'not there any more');
      }
    for (const [to, path] of reach.peers) {
      const { carried } = links.get(to) ?? {};
      if (carried !== undefined && near) carried.path = path;
      if (carried !== undefined || to === self) continue;
      links.set(
        to,
        mesh.openCarried(this.#wayTo(to, by), { by, ...(near ? { path } : { device: itsDevice }) }),
      );
    }
    onChange();
  }

  /** A frame that came over a met link and is from, or for, another tab. False where nothing is known of who sent it. */
  carry(link: MeshLink, body: Bytes): boolean {
    const { self, onFrame } = this.#options;
    // Over three links at most: from a tab to its leader, to another browser's, to one of its tabs.
    if (link.peer === undefined || link.carried !== undefined || body.length <= 2 * PEER_BYTES) return true;
    const to = peerAt(body, 0);
    const from = peerAt(body, PEER_BYTES);
    const source = from === link.peer ? link : this.#carried.get(link.peer)?.get(from);
    if (source === undefined) return false;
    if (to !== self) this.#passOn(link, to, body);
    else if (source !== link) onFrame(source, body.subarray(2 * PEER_BYTES));
    return true;
  }

  close(): Promise<void> {
    return this.#leadership?.close() ?? Promise.resolve();
  }

  /** Between this browser and others only, and for tabs of this device only. */
  #passOn(link: MeshLink, to: PeerId, body: Bytes): void {
    const { mesh, device, deviceOf } = this.#options;
    const target = mesh.linkTo(to);
    const hop = target?.carried ? this.#hopTo(target.carried.by) : target;
    if (hop === undefined || isNear(hop.transport) === isNear(link.transport)) return;
    const follower = isNear(hop.transport) ? hop : link;
    if (deviceOf(follower) !== device || hop.queuedBytes > MAX_WAITING_BYTES) return;
    const kind = body[2 * PEER_BYTES];
    if (kind === frameType.live) hop.ask();
    const bulk = kind === frameType.segments || kind === frameType.checkpoint;
    hop.send(writeFrame('carry', body), bulk ? 'bulk' : 'live');
  }

  /** The tab's own link to who carries. */
  #hopTo(carrier: PeerId): MeshLink | undefined {
    const link = this.#options.mesh.linkTo(carrier);
    return link?.carried ? undefined : link;
  }

  #wayTo(to: PeerId, by: PeerId): Parameters<Mesh['openCarried']>[0] {
    const address = concat(fromHex(to), fromHex(this.#options.self));
    return {
      send: (_, frame, lane) => this.#hopTo(by)?.send(writeFrame('carry', concat(address, frame)), lane),
      ask: () => this.#hopTo(by)?.ask(),
      queuedBytes: () => this.#hopTo(by)?.queuedBytes ?? 0,
      drained: async () => this.#hopTo(by)?.drained(),
    };
  }

  /** Who carried does not any more: somebody else will, in a moment. */
  #lost(carrier: PeerId): void {
    const until = this.#options.clock.now() + LINGER_MS;
    for (const link of this.#carried.get(carrier)?.values() ?? []) this.#lingering.set(link, until);
    this.#carried.delete(carrier);
  }

  /** Says on each link, where it was not said there, whom its far end reaches through this tab. */
  #tell(): void {
    const { mesh, device, deviceOf, keys, onError } = this.#options;
    const others: [PeerId, TransportId][] = [];
    const followers: [PeerId, TransportId][] = [];
    for (const [peer, link] of mesh.peers)
      if (link.carried ? link.carried.path === undefined : !isNear(link.transport))
        others.push([peer, mesh.pathOf(link)]);
      else if (!link.carried && deviceOf(link) === device) followers.push([peer, 'relay']);
    for (const [, link] of mesh.peers) {
      const near = isNear(link.transport);
      if (link.carried !== undefined || (near && deviceOf(link) !== device)) continue;
      const reach = encodeReach(this.#leads, this.#leads ? (near ? others : followers) : []);
      if (equalBytes(this.#told.get(link) ?? encodeReach(!near, []), reach)) continue;
      this.#told.set(link, reach);
      this.#telling = this.#telling
        .then(async () => link.send(writeFrame('reach', await seal(keys, 'reach', reach)), 'live'))
        .catch(onError);
    }
  }
}

const peerAt = (bytes: Bytes, at: number): PeerId => toHex(bytes.subarray(at, at + PEER_BYTES)) as PeerId;

/** leads u8 ‖ (peer[16] ‖ path u8) … */
export const encodeReach = (leads: boolean, peers: readonly (readonly [PeerId, TransportId])[]): Bytes =>
  concat(
    Uint8Array.of(leads ? 1 : 0),
    ...peers
      .slice(0, MAX_REACHED)
      .map(([peer, path]) => concat(fromHex(peer), Uint8Array.of(PATHS.indexOf(path)))),
  );

/** Undefined where a rule is broken. */
export function decodeReach(
  bytes: Bytes,
  maxPeers: number,
): { readonly leads: boolean; readonly peers: ReadonlyMap<PeerId, TransportId> } | undefined {
  const count = (bytes.length - 1) / ROW_BYTES;
  const [leads] = bytes;
  if (!Number.isInteger(count) || count < 0 || count > maxPeers || (leads !== 0 && leads !== 1))
    return undefined;
  const peers = new Map<PeerId, TransportId>();
  for (let at = 1; at < bytes.length; at += ROW_BYTES) {
    const path = PATHS[bytes[at + PEER_BYTES] ?? -1];
    if (path === undefined) return undefined;
    peers.set(peerAt(bytes, at), path);
  }
  return { leads: leads === 1, peers };
}
