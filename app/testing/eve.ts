/** An end of the network that is driven by hand: for tests of what people can do who do not play by the rules. */
import { concat, randomBytes, toHex, utf8, type Bytes } from '../lib/core/bytes.ts';
import type { Channel, PeerId } from '../lib/core/ids.ts';
import { generateDeviceKeyPair } from '../lib/crypto/device-keys.ts';
import type { RoomKeys, SeedKind } from '../lib/crypto/room-keys.ts';
import { issueSession, type OwnSession } from '../lib/log/certificate.ts';
import { encodeFrontier, type FrontierRow } from '../lib/log/frontier.ts';
import { openSealed, seal } from '../lib/log/seal.ts';
import { Forge } from '../lib/log/test-room.ts';
import {
  decodeHello,
  encodeHello,
  encodePresenceFrame,
  encodeWant,
  frameType,
  writeFrame,
  type FrameKind,
  type WantedRange,
} from '../lib/sync/frames.ts';
import type { Transport, TransportConnection } from '../lib/sync/transport.ts';
import type { MemoryNetwork } from './memory-network.ts';
import { until, type TestReplica, type TestRoom } from './replicas.ts';

export const HELLO_LABEL = utf8('codeface/hello/1\0');
const PRESENCE_LABEL = utf8('codeface/presence/1\0');
export const NO_NONCE = new Uint8Array(16);

/** An end of the network that sends what it is told to. */
export class Eve {
  readonly name = `eve-${toHex(randomBytes(8))}` as PeerId;
  readonly keys: RoomKeys;
  readonly session: OwnSession;
  readonly received: { from: PeerId; frame: Bytes }[] = [];
  readonly #genesis: Bytes;
  readonly #connection: TransportConnection;
  readonly #nonce = randomBytes(16);
  #counter = 0;
  /** The frontier it names when it answers HELLOs by itself; undefined: it does not. */
  claims: FrontierRow[] | undefined;
  onFrame: ((from: PeerId, frame: Bytes) => void) | undefined;

  /** `genesis`: of the room that she names. */
  constructor(transport: Transport, genesis: Bytes, keys: RoomKeys, session: OwnSession) {
    [this.keys, this.session, this.#genesis] = [keys, session, genesis];
    this.#connection = transport.connect(
      {
        self: this.name,
        roomId: keys.roomId,
        topic: keys.topic.publicKey,
        signTopic: async () => new Uint8Array(64),
        sealSignal: async (plain) => plain,
        openSignal: async (sealed) => sealed,
      },
      {
        onLink: () => undefined,
        onFrame: (from, frame) => {
          this.received.push({ from: from as PeerId, frame });
          this.onFrame?.(from as PeerId, frame);
          if (this.claims !== undefined && frame[0] === frameType.hello)
            void this.#reply(from as PeerId, frame, this.claims);
        },
        onLinkClosed: () => undefined,
        onStatus: () => undefined,
      },
    );
  }

  static async join(
    room: TestRoom,
    network: MemoryNetwork,
    kind: SeedKind = 'e',
    clonedFrom?: OwnSession,
  ): Promise<Eve> {
    const keys = await room.keys(kind);
    const session = clonedFrom ?? (await issueSession(keys, await generateDeviceKeyPair()));
    return new Eve(network.transport(), room.genesis.bytes, keys, session);
  }

  /** Answers every HELLO so that the honest end believes it is there, and holds `claims`. */
  async meet(who: TestReplica, claims: FrontierRow[] = []): Promise<void> {
    this.claims = claims;
    for (const { from, frame } of [...this.received])
      if (from === who.replica.self && frame[0] === frameType.hello) await this.#reply(from, frame, claims);
    await until('Eve was met', () =>
      who.replica.others.some(({ peer }) => peer === this.session.id.slice(0, 32)),
    );
  }

  async #reply(to: PeerId, frame: Bytes, claims: FrontierRow[]): Promise<void> {
    const hello = await this.openHello(frame);
    if (hello) this.send(to, await this.hello({ echo: hello.nonce, wantsReply: false, claims }));
  }

  async openHello(frame: Bytes) {
    const opened = await openSealed(this.keys, 'hello', frame.subarray(1));
    const hello = opened.ok ? decodeHello(opened.value) : undefined;
    return hello?.ok ? hello.value : undefined;
  }

  async hello(say: {
    echo?: Bytes;
    wantsReply?: boolean;
    claims?: FrontierRow[];
    certificate?: Bytes;
    genesis?: Bytes;
  }): Promise<Bytes> {
    const signed = encodeHello({
      nonce: this.#nonce,
      echo: say.echo ?? NO_NONCE,
      wantsReply: say.wantsReply ?? true,
      certificate: say.certificate ?? this.session.certificate,
      genesis: say.genesis ?? this.#genesis,
      frontier: encodeFrontier(say.claims ?? []),
    });
    const signature = await this.session.sign(concat(HELLO_LABEL, signed));
    return writeFrame('hello', await seal(this.keys, 'hello', concat(signed, signature)));
  }

  /** Resolves when everything sent before was handled: frames are taken in order, and this HELLO wants an answer. */
  async handled(who: TestReplica): Promise<void> {
    const answers = () =>
      this.received.filter(({ from, frame }) => from === who.replica.self && frame[0] === frameType.hello);
    const before = answers().length;
    this.send(who.replica.self, await this.hello({ wantsReply: true, genesis: new Uint8Array() }));
    await until('what Eve sent was handled', () => answers().length > before);
  }

  async presence(payload: string, counter = ++this.#counter): Promise<Bytes> {
    const signed = encodePresenceFrame({ session: this.session.id, counter, payload: utf8(payload) });
    const signature = await this.session.sign(concat(PRESENCE_LABEL, signed));
    return writeFrame('presence', await seal(this.keys, 'presence', concat(signed, signature)));
  }

  async want(ranges: readonly WantedRange[]): Promise<Bytes> {
    return writeFrame('want', await seal(this.keys, 'want', encodeWant(ranges)));
  }

  forge(channel?: Channel): Forge {
    return new Forge(
      { keys: this.keys } as unknown as ConstructorParameters<typeof Forge>[0],
      this.session,
      channel,
    );
  }

  send(to: PeerId, frame: Bytes): void {
    this.#connection.send(to, frame, 'live');
  }

  /** Sends it to everybody who is here. */
  broadcast(frame: Bytes): void {
    this.#connection.broadcast(frame, 'live');
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  of(kind: FrameKind): Bytes[] {
    return this.received.map(({ frame }) => frame).filter((frame) => frame[0] === frameType[kind]);
  }
}
