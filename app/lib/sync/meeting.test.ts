import { afterEach, describe, expect, it, vi } from 'vitest';
import { MemoryNetwork } from '../../testing/memory-network.ts';
import { makeRoom, replicasOfATest, type TestRoom, until } from '../../testing/replicas.ts';
import type { Bytes } from '../core/bytes.ts';
import type { PeerId } from '../core/ids.ts';
import { generateDeviceKeyPair } from '../crypto/device-keys.ts';
import { issueSession, type OwnSession } from '../log/certificate.ts';
import { RoomLog } from '../log/room-log.ts';
import { frameType } from './frames.ts';
import { Meeting } from './meeting.ts';
import { MeshLink, type Carried } from './mesh.ts';

/** One end of one link, whose frames go where the test takes them. */
class End {
  readonly link: MeshLink;
  readonly meeting: Meeting;
  /** HELLOs that left and were not taken yet. */
  readonly sent: Bytes[] = [];
  /** What happened here, in order. */
  readonly events: string[] = [];
  readonly session: OwnSession;
  /** Whose HELLO is being heard. */
  #expected: End | undefined;

  private constructor(
    options: Pick<ConstructorParameters<typeof Meeting>[0], 'keys' | 'session' | 'log'>,
    carried?: Carried,
  ) {
    this.session = options.session;
    const way: ConstructorParameters<typeof MeshLink>[2] = {
      send: (_, frame) => {
        this.sent.push(frame.subarray(1));
        this.events.push('hello');
      },
      queuedBytes: () => 0,
      drained: () => Promise.resolve(),
    };
    this.link = new MeshLink('webrtc', 'the other', way, carried);
    this.meeting = new Meeting({
      ...options,
      roomId: options.keys.roomId,
      clock: { now: () => 0 },
      onMet: (_, session) =>
        this.events.push(session.id === this.#expected?.session.id ? 'met' : 'met another'),
      onFrontier: () => this.events.push('frontier'),
      onGenesis: () => this.events.push('genesis'),
      onTold: () => undefined,
      onNewcomer: () => undefined,
    });
  }

  /** `certifiedIn`: the room whose invite vouches for it. */
  static async of(
    room: TestRoom,
    knowsGenesis: boolean,
    certifiedIn = room,
    carried?: Carried,
  ): Promise<End> {
    const keys = await room.keys('e');
    const session = await issueSession(await certifiedIn.keys('e'), await generateDeviceKeyPair());
    const genesis = knowsGenesis ? { genesis: room.genesis } : {};
    return new End({ keys, session, log: new RoomLog({ roomId: keys.roomId, keys, ...genesis }) }, carried);
  }

  greet(): Promise<void> {
    return this.meeting.greet(this.link, true);
  }

  /** Takes the other's next HELLO. */
  async hear(other: End): Promise<void> {
    const hello = other.sent.shift();
    if (hello === undefined) throw new Error('the other end said nothing');
    this.#expected = other;
    await this.meeting.onHello(this.link, hello);
  }
}

const { join, leave } = replicasOfATest();
afterEach(async () => {
  vi.restoreAllMocks();
  await leave();
  vi.useRealTimers();
});

/** Both have greeted, and heard the other's first HELLO; the newcomer has only the link. */
async function greeted(): Promise<{ newcomer: End; host: End }> {
  const room = await makeRoom();
  const [newcomer, host] = [await End.of(room, false), await End.of(room, true)];
  await Promise.all([newcomer.greet(), host.greet()]);
  await host.hear(newcomer);
  await newcomer.hear(host);
  return { newcomer, host };
}

describe('SYNC-2: a meeting', () => {
  it('lets whoever has answered the other’s nonce ask before it answers again', async () => {
    const { newcomer, host } = await greeted();
    expect(newcomer.events).toEqual(['hello', 'genesis', 'hello']);
    await newcomer.hear(host);
    expect(newcomer.events.slice(3)).toEqual(['met', 'frontier', 'hello']);
  });

  it('lets whoever has not answered it yet do that first: nothing else of theirs would be read', async () => {
    const room = await makeRoom();
    const [newcomer, host] = [await End.of(room, true), await End.of(room, true)];
    await newcomer.greet();
    await host.hear(newcomer);
    await newcomer.hear(host);
    expect(newcomer.events).toEqual(['hello', 'met', 'hello', 'frontier']);
    expect(host.events).toEqual(['hello']);
  });

  it('SYNC-21 is one with a tab of the carrier’s device only, where another browser’s tab carries', async () => {
    const room = await makeRoom();
    for (const own of [true, false]) {
      const carriedTab = await End.of(room, true);
      const device = own ? carriedTab.session.device : (await End.of(room, true)).session.device;
      const host = await End.of(room, true, room, { by: 'the carrier' as PeerId, device });
      await host.greet();
      await carriedTab.hear(host);
      await host.hear(carriedTab);
      expect(host.events.includes('met')).toBe(own);
    }
  });

  it('asks by the nonce that the far end has now', async () => {
    const room = await makeRoom();
    const [newcomer, host, again] = [
      await End.of(room, true),
      await End.of(room, true),
      await End.of(room, true),
    ];
    // On a relay's link another tab may be heard after the one that was answered.
    await Promise.all([newcomer.greet(), host.greet(), again.greet()]);
    await newcomer.hear(host);
    newcomer.sent.splice(1);
    await again.hear(newcomer);
    again.sent.shift();
    await newcomer.hear(again);
    expect(newcomer.events.slice(2)).toEqual(['met', 'hello', 'frontier']);
  });

  it('checks a certificate once on a link', async () => {
    const { newcomer, host } = await greeted();
    const verify = vi.spyOn(crypto.subtle, 'verify');
    await newcomer.hear(host);
    expect(verify).toHaveBeenCalledTimes(1);
  });

  it('believes nobody for the certificate of who was heard before on the link', async () => {
    const room = await makeRoom();
    const [newcomer, host] = [await End.of(room, true), await End.of(room, true)];
    const stranger = await End.of(room, true, await makeRoom());
    await Promise.all([newcomer.greet(), host.greet(), stranger.greet()]);
    await newcomer.hear(host);
    await stranger.hear(newcomer);
    stranger.sent.shift();
    await newcomer.hear(stranger);
    expect(newcomer.events).toEqual(['hello', 'hello']);
  });

  it('believes nobody who shows another’s certificate', async () => {
    const room = await makeRoom();
    const [newcomer, host, impostor] = [
      await End.of(room, true),
      await End.of(room, true),
      await End.of(room, true),
    ];
    impostor.session.certificate.set(host.session.certificate);
    await Promise.all([newcomer.greet(), host.greet(), impostor.greet()]);
    await newcomer.hear(host);
    await impostor.hear(newcomer);
    impostor.sent.shift();
    await newcomer.hear(impostor);
    expect(newcomer.events).toEqual(['hello', 'hello']);
  });

  it('takes three HELLOs of each end, also where one learns the genesis statement by them', async () => {
    // Nothing is told because time passed.
    vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] });
    const room = await makeRoom();
    const network = new MemoryNetwork(() => 0.99);
    const hellos = (): number => network.sent.get(frameType.hello) ?? 0;
    const host = await join(room, { makesFile: true, transports: [network.transport()] });
    await host.replica.settled();
    const newcomer = await join(room, { transports: [network.transport()], knowsGenesis: false });
    await until('the room is here', () => newcomer.replica.known && newcomer.project.list().length === 1);
    // And one each when the answer to its question was whole.
    await until('both have said all', () => hellos() >= 8);
    for (let i = 0; i < 30; i++) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(hellos()).toBe(8);
  });
});
