/**
 * LOG.md, property test 2: whatever people do who hold links and own nothing, together or apart, what an honest tab once showed
 * stays in every honest tab that showed it, and comes to all of them. SEED and RUNS try more.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Eve } from '../../testing/eve.ts';
import { EpochRoom, Person } from '../../testing/epoch-room.ts';
import { untilLater } from '../../testing/fast-time.ts';
import { forge, hostile, type Hostile } from '../../testing/hostile-entries.ts';
import { fromHex, randomBytes, utf8, type Bytes } from '../core/bytes.ts';
import type { Channel, ClientId, Role } from '../core/ids.ts';
import { deviceKeyPairFromSeed, generateDeviceKeyPair } from '../crypto/device-keys.ts';
import { deriveRoomKeys, type RoomKeys } from '../crypto/room-keys.ts';
import { generateSigningKeyPair, sign } from '../crypto/signatures.ts';
import { issueSession, type OwnSession } from '../log/certificate.ts';
import { encodeFrontier, type FrontierRow } from '../log/frontier.ts';
import { makeStatement } from '../log/new-statement.ts';
import { bytesOf, encodeRoster } from '../log/roster.ts';
import { seal } from '../log/seal.ts';
import { Forge, isPending } from '../log/test-room.ts';
import { writeFrame } from './frames.ts';

const RUNS = Number(process.env['RUNS'] ?? 7);
const SEED = Number(process.env['SEED'] ?? 2_204);

/**
 * In some worlds half of all sessions have a client of 2 bits: so are those found that pass for another's (FORK-5), which would take
 * 2^26 keys. Nobody can find one for a session that is somebody else's, and so honest ones are of the other half.
 */
const bits = vi.hoisted(() => ({ few: false }));
const FEW = 4;
vi.mock('../log/client-id.ts', async (real) => {
  const { clientIdIn } = await real<{ clientIdIn: (hash: Bytes) => number }>();
  const isFound = (hash: Bytes): boolean => bits.few && (hash[31] ?? 0) % 2 === 0;
  return {
    clientIdIn: (hash: Bytes) => (isFound(hash) ? 1 + ((hash[0] ?? 0) % FEW) : clientIdIn(hash)) as ClientId,
  };
});

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  vi.spyOn(Person.prototype, 'newSession').mockImplementation(async function (this: Person, keys) {
    for (;;) {
      const { deviceId, signing } = this.device;
      const session = await issueSession(keys, { publicKey: fromHex(deviceId), signing });
      if (session.clientId > FEW) return session;
    }
  });
});
afterEach(() => {
  bits.few = false;
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const realTimeout = globalThis.setTimeout;
const turn = (): Promise<void> => new Promise((resolve) => realTimeout(resolve, 1));

type Step =
  | {
      readonly do: 'write' | 'say' | 'run' | 'reopen' | 'follow' | 'away' | 'back';
      readonly who: number;
    }
  | { readonly do: 'wait'; readonly seconds: number }
  | { readonly do: 'weather'; readonly loss: number; readonly reorder: number }
  /** One more session of theirs signs this, or one that they have; cut and told to some. */
  | {
      readonly do: 'forge';
      readonly session: number;
      readonly channel: Channel;
      readonly entries: readonly Hostile[];
      readonly cuts: number;
      readonly to: number;
    }
  /** One key gets another certificate. */
  | { readonly do: 'certify'; readonly session: number }
  | { readonly do: 'replay'; readonly from: number; readonly count: number; readonly to: number }
  /** They name heads that they bring nothing of. */
  | { readonly do: 'claim'; readonly beyond: number }
  | { readonly do: 'carry'; readonly seq: number; readonly right: boolean; readonly to: number }
  | { readonly do: 'roster' }
  /** Somebody who has nothing yet comes by the newest link. */
  | { readonly do: 'join'; readonly kind: 'e' | 'v' }
  /** The owner begins an epoch, with or without one of them. */
  | { readonly do: 'epoch'; readonly theirs: Role | undefined };

const nat = fc.nat(999);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 7, arbitrary: fc.record({ do: fc.constantFrom('write', 'write', 'say', 'run'), who: nat }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('reopen', 'follow'), who: nat }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('weather' as const),
      loss: fc.constantFrom(0, 0.2, 0.6),
      reorder: fc.constantFrom(0, 0.5),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('forge' as const),
      session: fc.nat(5),
      channel: fc.constantFrom<Channel>('project', 'project', 'project', 'talk', 'runs'),
      entries: fc.array(hostile, { minLength: 1, maxLength: 4 }),
      cuts: nat,
      to: nat,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('certify' as const), session: fc.nat(5) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('replay' as const), from: nat, count: fc.nat(30), to: nat }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('claim' as const), beyond: fc.nat(5) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('carry' as const), seq: fc.nat(6), right: fc.boolean(), to: nat }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('roster' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('epoch' as const),
      theirs: fc.constantFrom<Role | undefined>('editor', 'editor', 'commenter', undefined),
    }),
  },
);

/** Nothing but sessions that tell several stories, and epochs that begin and are followed meanwhile. */
const acrossEpochs: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('write', 'write', 'say', 'run'), who: nat }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('reopen', 'follow', 'follow'), who: nat }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('away', 'back'), who: nat }) },
  {
    weight: 7,
    arbitrary: fc.record({
      do: fc.constant('forge' as const),
      session: fc.nat(5),
      channel: fc.constantFrom<Channel>('project', 'project', 'talk', 'runs'),
      // Most of what they say can be placed, wherever it comes.
      entries: fc.array(
        hostile.map((one) => {
          const kind = (['gc', 'gc', 'child', 'retarget', 'future-head'] as const)[one.other % 5] ?? 'gc';
          return { ...one, kind, clock: 0 };
        }),
        { minLength: 1, maxLength: 4 },
      ),
      cuts: nat,
      to: nat,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('certify' as const), session: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('join' as const), kind: fc.constantFrom('e', 'v') }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('epoch' as const),
      theirs: fc.constantFrom<Role | undefined>('editor', 'commenter', undefined),
    }),
  },
);

/** A key of theirs, and all it has signed so far, in each story. */
interface Theirs {
  readonly keys: RoomKeys;
  readonly session: OwnSession;
  readonly stories: Map<Channel, { forge: Forge; clock: number }>;
  /** Whether it passes for something else, or may. */
  forked: boolean;
}

class World {
  readonly people: Person[] = [];
  /** What each of them has shown: words of the files, messages of talk and runs, by a sign each. */
  readonly #shown: Set<string>[] = [];
  readonly #eves: Eve[] = [];
  readonly #theirs: Theirs[] = [];
  readonly #room: EpochRoom;
  #signs = 0;

  private constructor(room: EpochRoom) {
    this.#room = room;
  }

  static async make(seed: number): Promise<World> {
    let state = (seed % 2147483646) + 1;
    const random = (): number => (state = (state * 16807) % 2147483647) / 2147483647;
    const room = await EpochRoom.make(random);
    const world = new World(room);
    // The file is made by somebody who goes: an editor may set it again, and so delete what others wrote in it.
    for (const kind of ['e', 'e', 'e', 'c'] as const) {
      const person = await Person.of(room, kind);
      if (world.people.length === 0) await person.store.saveFacts({ genesis: room.genesis });
      world.people.push(await person.open());
    }
    const maker = world.people[1] as Person;
    maker.write('|');
    await untilLater('all have the file', () => world.people.every((person) => person.read() === '|'));
    await maker.close();
    world.people.splice(1, 1);
    for (const _ of world.people) world.#shown.push(new Set());
    await world.#joinThem(await world.#keysOf('e', 'c', 'v'));
    return world;
  }

  get owner(): Person {
    return this.people[0] as Person;
  }

  async take(one: Step): Promise<void> {
    switch (one.do) {
      case 'write':
        return this.#write(this.people[one.who % 2] as Person);
      case 'say':
      case 'run':
        return this.#say(
          one.do === 'say' ? (this.people[one.who % 3] as Person) : (this.people[one.who % 2] as Person),
          one.do,
        );
      case 'reopen':
        return this.#at(one.who).reopen();
      case 'away':
      case 'back':
        return this.#at(one.who).reopen(one.do === 'back');
      case 'follow':
        return this.#follow(one.who % this.people.length);
      case 'wait':
        return void vi.advanceTimersByTime(one.seconds * 1000);
      case 'weather':
        return this.#room.weather({ loss: one.loss, repeat: one.loss, reorder: one.reorder });
      case 'forge':
        return this.#forge(one);
      case 'certify':
        return this.#certify(this.#theirs[one.session % this.#theirs.length] as Theirs);
      case 'replay':
        return this.#replay(one);
      case 'claim':
        return this.#claim(one.beyond);
      case 'carry':
        return this.#carry(one);
      case 'join':
        return this.#join(one.kind);
      case 'roster':
        return this.#signRoster();
      case 'epoch':
        // Who is away for more than three finds no door (ROST-22).
        if (bits.few || (this.owner.way?.keys.epoch ?? 0) >= 3) return;
        return this.#epoch(one.theirs);
    }
  }

  /** What is on its way arrives; who found a fork opens the room again, as the app does. */
  async quiet(): Promise<void> {
    let opened = 0;
    for (let [still, before] = [0, -1]; still < 3;) {
      await turn();
      // Messages that rested here are told after the opening.
      for (const person of this.people) await person.replica?.told;
      for (const person of this.people)
        if (person.notices.some(({ kind }) => kind === 'branched')) {
          // Each fork once a person.
          expect(opened++).toBeLessThan(60);
          await person.reopen();
          still = 0;
        }
      const now = this.#moves();
      still = now === before ? still + 1 : 0;
      before = now;
    }
  }

  /** The property: nothing that was shown is gone. */
  check(): void {
    for (const [i, person] of this.people.entries()) {
      const [now, shown] = [showing(person), this.#shown[i] as Set<string>];
      const gone = [...shown].filter((sign) => !now.has(sign));
      expect(gone, `${i} no longer shows`).toEqual([]);
      for (const sign of now) shown.add(sign);
      expect(person.replica && isPending(person.replica.doc)).toBe(false);
      const broken = person.notices.filter(({ kind }) => kind === 'internal' || kind === 'snapshot-false');
      expect(broken).toEqual([]);
    }
  }

  /** They go; honest people meet, and have all that any of them has shown; and nobody is kept from going on. */
  async settle(): Promise<void> {
    for (const eve of this.#eves.splice(0)) await eve.close();
    this.#room.weather({ loss: 0, repeat: 0, reorder: 0 });
    for (const person of this.people) await person.reopen(true);
    for (const [i, person] of this.people.entries()) {
      // At the doors of former epochs some may have heard of later ones than others.
      const isThere = (): boolean =>
        person.way?.kind === 'in' && person.way.keys.epoch === this.owner.way?.keys.epoch;
      while (!isThere()) {
        await this.#later('the newest epoch', () => !!person.heard);
        await this.#follow(i);
      }
    }
    this.check();
    for (const person of this.people.slice(0, 2)) await this.#write(person);
    for (const person of this.people.slice(0, 3)) await this.#say(person, 'say');
    const all = (): Set<string> =>
      new Set([...this.#shown, ...this.people.map(showing)].flatMap((each) => [...each]));
    const agree = (): boolean => this.people.every((person) => showing(person).size === all().size);
    await this.#later('all have all', agree);
    const hashes = (): Set<string> => new Set(this.people.map((person) => person.hash()));
    await this.#later('all agree', () => hashes().size === 1);
    this.check();
  }

  async end(): Promise<void> {
    for (const eve of this.#eves) await eve.close();
    for (const person of this.people) await person.close();
  }

  async #later(what: string, holds: (round: number) => boolean): Promise<void> {
    for (let i = 0; i < 240; i++) {
      await this.quiet();
      if (holds(i)) return;
      vi.advanceTimersByTime(500);
    }
    throw new Error(`waited for: ${what}`);
  }

  #at(who: number): Person {
    return this.people[who % this.people.length] as Person;
  }

  #moves(): number {
    const rows = this.people.flatMap(({ replica }) => replica?.frontier ?? []);
    return this.#room.frames + rows.reduce((sum, { seq }) => sum + seq, 0);
  }

  #sign(): string {
    return String.fromCodePoint(0x4e00 + this.#signs++);
  }

  async #write(person: Person): Promise<void> {
    person.write(this.#sign());
    await person.replica?.settled();
  }

  async #say(person: Person, how: 'say' | 'run'): Promise<void> {
    person.replica?.post(how === 'say' ? 'talk' : 'runs', utf8(this.#sign()));
    await person.replica?.settled();
  }

  async #join(kind: 'e' | 'v'): Promise<void> {
    if (this.people.length > 4) return;
    const person = await Person.of(this.#room, kind);
    person.link = await this.#room.linkTo(kind, this.owner.link);
    this.people.push(await person.open());
    this.#shown.push(new Set());
  }

  async #follow(i: number): Promise<void> {
    const person = this.people[i] as Person;
    if (person.heard === undefined) return;
    // What a commenter can't carry comes with those who can, if one of them had it.
    if (person.way?.keys.role !== 'editor') this.#shown[i] = new Set();
    await person.follow();
  }

  // ---- theirs ------------------------------------------------------------------------------------------------

  async #keysOf(...kinds: ('e' | 'c' | 'v')[]): Promise<RoomKeys[]> {
    const { roomId, seed, epoch } = this.owner.link;
    const { seeds } = await deriveRoomKeys('e', seed, epoch, roomId);
    return Promise.all(kinds.map((kind) => deriveRoomKeys(kind, seeds[kind] ?? seeds.v, epoch, roomId)));
  }

  /** They stay where they were as well. */
  async #joinThem(all: readonly RoomKeys[]): Promise<void> {
    for (const keys of all) {
      const session = await issueSession(keys, await generateDeviceKeyPair());
      const eve = new Eve(this.#room.transport(), this.#room.genesis, keys, session);
      eve.claims = [];
      this.#eves.push(eve);
      for (let i = 0; i < (keys.role === 'editor' ? 3 : 1); i++) await this.#newKey(keys);
    }
  }

  async #newKey(keys: RoomKeys): Promise<void> {
    const session = await issueSession(keys, await generateDeviceKeyPair());
    this.#theirs.unshift({ keys, session, stories: new Map(), forked: false });
  }

  /** To everybody, or as `to` says. */
  async #tell(keys: RoomKeys, sealed: Bytes, to: number): Promise<void> {
    const frame = writeFrame('live', sealed);
    for (const eve of this.#eves) {
      // Now and then somebody who stays passes on what others of them sign in former epochs.
      if (eve.keys.epoch < keys.epoch || (eve.keys.epoch > keys.epoch && (to >> 2) % 2 === 0)) continue;
      if (to % 4 === 3) eve.broadcast(frame);
      else {
        const self = this.people[to % 4]?.replica?.self;
        if (self !== undefined) eve.send(self, frame);
      }
    }
  }

  #honest(): OwnSession[] {
    const ids = this.people.slice(0, 2).map(({ replica }) => replica?.self);
    const writers = this.owner.replica?.writers() ?? [];
    return ids.flatMap((id) => writers.filter((one) => one.id.startsWith(id ?? '-'))) as OwnSession[];
  }

  async #forge({ session, channel, entries, cuts, to }: Step & { do: 'forge' }): Promise<void> {
    const theirs = this.#theirs[session % this.#theirs.length] as Theirs;
    const before = theirs.stories.get(channel);
    const room = { keys: theirs.keys } as unknown as ConstructorParameters<typeof Forge>[0];
    // Now and then the story goes on; else it is told anew from somewhere, which makes it another one.
    const story = { forge: new Forge(room, theirs.session, channel), clock: 0 };
    const kept = before === undefined ? 0 : cuts % (before.forge.entries.length + 1);
    for (const { payload, heads, time } of before?.forge.entries.slice(0, kept) ?? [])
      story.forge.add(payload, heads, time);
    if (kept === before?.forge.entries.length) story.clock = before.clock;
    else if (before !== undefined) theirs.forked = true;
    for (const one of entries) {
      if (channel !== 'project') story.forge.add(randomBytes(1 + one.clock));
      // Editors may delete: that is no loss, and so they delete nothing of these people.
      else if (one.kind !== 'wipe') story.clock = forge(story.forge, story.clock, this.#honest(), one);
    }
    theirs.stories.set(channel, story);
    const ends = story.forge.entries.map((_, i) => i + 1).filter((end) => (cuts >> end) % 2 === 0);
    for (const [i, sealed] of (await story.forge.cut(ends)).entries())
      if ((cuts >> (i + 5)) % 8 !== 0) await this.#tell(theirs.keys, sealed, to + ((cuts >> i) % 2));
  }

  async #certify(theirs: Theirs): Promise<void> {
    const pair = await generateSigningKeyPair();
    const [one, other] = await Promise.all(
      [1, 2].map(async (byte) =>
        issueSession(theirs.keys, await deviceKeyPairFromSeed(new Uint8Array(32).fill(byte)), pair),
      ),
    );
    for (const session of [one, other])
      if (session) this.#theirs.unshift({ keys: theirs.keys, session, stories: new Map(), forked: true });
  }

  #replay({ from, count, to }: Step & { do: 'replay' }): void {
    const heard = this.#eves.flatMap(({ received }) => received);
    for (const { frame } of heard.slice(from % Math.max(1, heard.length)).slice(0, count))
      for (const eve of this.#eves) {
        const self = this.people[to % 4]?.replica?.self;
        if (self !== undefined) eve.send(self, frame);
      }
  }

  #claim(beyond: number): void {
    const rows = this.owner.replica?.frontier ?? [];
    for (const eve of this.#eves) eve.claims = rows.map((row) => ({ ...row, seq: row.seq + beyond }));
  }

  /** Rows of honest people's chains, with their hashes or with others. */
  async #carry({ seq, right, to }: Step & { do: 'carry' }): Promise<void> {
    const { keys } = this.#theirs.reduce((a, b) => (b.keys.epoch > a.keys.epoch ? b : a));
    const rows = (this.owner.replica?.frontier ?? []).flatMap((row): FrontierRow[] =>
      right
        ? [row]
        : Array.from({ length: row.seq }, (_, i) => ({ ...row, seq: i + 1, hash: randomBytes(32) })).slice(
            -1 - seq,
          ),
    );
    const session = await issueSession(keys, await generateDeviceKeyPair());
    const room = { keys } as unknown as ConstructorParameters<typeof Forge>[0];
    const carry = new Forge(room, session, 'carry').add(encodeFrontier(rows));
    await this.#tell(keys, await carry.segment(1, 1), to);
  }

  /** A statement of an epoch, by somebody who owns nothing. */
  async #signRoster(): Promise<void> {
    const { roster } = this.owner.replica?.epochs ?? {};
    const { keys } = this.#theirs[0] as Theirs;
    if (roster === undefined) return;
    const { publicKey, privateKey } = await generateSigningKeyPair();
    const { roomId, epoch } = this.owner.way?.keys ?? keys;
    const next = await deriveRoomKeys('e', randomBytes(32), epoch + 1, roomId);
    const statement = await makeStatement({
      owner: { sign: (message) => sign(privateKey, message) },
      genesis: { ...roster.genesis, ownerPublicKey: publicKey },
      before: roster.statements,
      owners: roster.owners,
      keys: next,
      former: this.owner.way?.keys ?? keys,
      closed: [],
      members: [],
      time: 1,
    });
    const bytes = encodeRoster(bytesOf({ ...roster, statements: [...roster.statements, statement] }));
    for (const eve of this.#eves) eve.broadcast(writeFrame('roster', await seal(eve.keys, 'roster', bytes)));
  }

  async #epoch(theirs: Role | undefined): Promise<void> {
    const roles: Role[] = ['editor', 'editor', 'commenter'];
    await this.owner.begin(
      this.people.slice(1).map(({ device, link }, i) => {
        const joined = link.seedKind === 'e' ? 'editor' : 'viewer';
        return { device: device.deviceId, role: roles[i + 1] ?? joined };
      }),
    );
    // Somebody who stays plays with them.
    if (theirs !== undefined) await this.#joinThem(await this.#keysOf(theirs === 'editor' ? 'e' : 'c'));
  }
}

function showing(person: Person): Set<string> {
  const texts = person.project?.list().map(({ id }) => person.project?.text(id)?.toString() ?? '') ?? [];
  const said = person.messages.flatMap(({ entries }) =>
    entries.map(({ payload }) => new TextDecoder().decode(payload)),
  );
  const signs = [...texts.join(''), ...said.filter((one) => [...one].length === 1)];
  return new Set(signs.filter((sign) => sign >= '\u4e00' && sign < '\u9fff'));
}

it.each([
  ['nothing that non-owners send takes away what an honest tab has shown', step, [false, true]],
  [
    'two stories of former epochs split nobody, whoever is told what and goes along when',
    acrossEpochs,
    [false],
  ],
] as const)(
  `LOG.md 2, ROST-10, FORK-1 [seed ${SEED}, ${RUNS} runs] %s`,
  { timeout: 60_000 + RUNS * 20_000 },
  async (_, some, sizes) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(some, { minLength: 15, maxLength: 40 }),
        fc.nat(),
        fc.constantFrom(...sizes),
        async (steps, seed, few) => {
          bits.few = few;
          const world = await World.make(seed);
          try {
            for (const one of steps) {
              await world.take(one);
              await world.quiet();
              world.check();
            }
            await world.settle();
          } finally {
            await world.end();
          }
        },
      ),
      { seed: SEED, numRuns: RUNS, endOnFailure: true },
    );
  },
);
