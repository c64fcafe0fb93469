// Tabs of one browser share one way to the others (SYNC-19 to SYNC-22): whole replicas, real locks and channels.
import { afterEach, expect, test } from 'vitest';
import { randomBytes, utf8 } from '../core/bytes.ts';
import { MemoryNetwork } from '../../testing/memory-network.ts';
import { makeRoom, openReplica, until, type TestReplica, type TestRoom } from '../../testing/replicas.ts';
import { memoryStore } from '../storage/stores/memory.ts';
import { frameType } from './frames.ts';

const opened: Tab[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map(({ tab }) => tab.replica.close()));
});

interface Tab {
  readonly tab: TestReplica;
  /** Its process is gone: locks are free, and no link answers any more. */
  kill(): void;
}

/** Several browsers, each with a network of its own between its tabs. */
class World {
  readonly direct = new MemoryNetwork(() => 0.5);
  readonly room: TestRoom;

  constructor(room: TestRoom) {
    this.room = room;
  }

  readonly #browserOf = new WeakMap<Tab, (makesFile?: boolean) => Promise<Tab>>();

  /** Another tab of the same browser. */
  again(tab: Tab): Promise<Tab> {
    const open = this.#browserOf.get(tab);
    if (open === undefined) throw new Error('a tab of no browser');
    return open();
  }

  browser() {
    const device = randomBytes(32);
    const tabs = new MemoryNetwork(() => 0.5);
    const open = async (makesFile = false): Promise<Tab> => {
      let die = (): void => undefined;
      const death = new Promise<void>((resolve) => (die = resolve));
      const locks = {
        request: (name: string, options: LockOptions, held: (lock: Lock | null) => unknown) =>
          navigator.locks.request(name, options, (lock) => Promise.race([death, held(lock)])),
        query: () => navigator.locks.query(),
      } as LockManager;
      const tab = await openReplica(this.room, {
        device,
        makesFile,
        store: memoryStore(),
        transports: [tabs.transport(), this.direct.transport(true, 'webrtc')],
        sharing: { locks, visible: () => true, events: new EventTarget() },
      });
      const self = tab.replica.self;
      const made: Tab = {
        tab,
        kill: () => {
          opened.splice(opened.indexOf(made), 1);
          tabs.kill(self);
          this.direct.kill(self);
          die();
        },
      };
      opened.push(made);
      this.#browserOf.set(made, open);
      return made;
    };
    return open;
  }
}

const names = ({ tab }: Tab): string[] => tab.replica.others.map(({ peer }) => peer).toSorted();
const sees = (one: Tab, ...others: Tab[]): boolean =>
  JSON.stringify(names(one)) === JSON.stringify(others.map(({ tab }) => tab.replica.self).toSorted());
const allSee = (...tabs: Tab[]): boolean =>
  tabs.every((one) => sees(one, ...tabs.filter((other) => other !== one)));

/** Where another tab said that it is. */
const at = ({ tab }: Tab, of: Tab): string =>
  new TextDecoder().decode(tab.replica.others.find(({ peer }) => peer === of.tab.replica.self)?.payload);

async function threeAndOne() {
  const world = new World(await makeRoom());
  const [a, b] = [world.browser(), world.browser()];
  const [ann, ben] = [await a(true), await b()];
  await until('the two to meet', () => allSee(ann, ben));
  const [second, third] = [await a(), await a()];
  await until('all four to meet', () => allSee(ann, ben, second, third));
  return { world, ann, ben, second, third };
}

test('SYNC-20 three tabs of a browser and another browser are all there for each other, over one link between the two', async () => {
  const { world, ann, ben, second, third } = await threeAndOne();
  expect(world.direct.linksOf(ben.tab.replica.self)).toEqual([ann.tab.replica.self]);
  expect([second, third].map(({ tab }) => tab.replica.follows)).toEqual([true, true]);
  expect([...third.tab.replica.paths().values()].toSorted()).toEqual([
    'broadcast-channel',
    'broadcast-channel',
    'webrtc',
  ]);
});

test('SYNC-20 what is typed in a tab that follows arrives, and so does where it is; and the reverse', async () => {
  const { ben, third } = await threeAndOne();
  await until('the file', () => third.tab.project.list().length === 1 && ben.tab.project.list().length === 1);
  third.tab.text.insert(0, 'by the third; ');
  await until('the text at the other browser', () => ben.tab.read() === 'by the third; ');
  ben.tab.text.insert(0, 'by the other; ');
  await until('the text in the third tab', () => third.tab.read() === 'by the other; by the third; ');
  third.tab.replica.setPresence(utf8('line 3'));
  ben.tab.replica.setPresence(utf8('line 7'));
  await until('where they are', () => at(ben, third) === 'line 3' && at(third, ben) === 'line 7');
});

test('SYNC-22 the leader dies: nobody is seen to leave but it, and what was typed meanwhile arrives', async () => {
  const { world, ann, ben, second, third } = await threeAndOne();
  await until('the file', () => [second, third, ben].every(({ tab }) => tab.project.list().length === 1));
  const missing: string[] = [];
  let watching = true;
  const watch = (async () => {
    while (watching) {
      for (const [who, others] of [
        [ben, [second, third]],
        [second, [ben]],
        [third, [ben]],
      ] as const)
        for (const other of others)
          if (!names(who).includes(other.tab.replica.self)) missing.push('somebody');
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  })();
  ann.kill();
  third.tab.text.insert(0, 'third');
  second.tab.text.insert(0, 'second');
  await until('the text', () => ben.tab.read().length === 11);
  await until('the three to be alone', () => allSee(ben, second, third));
  watching = false;
  await watch;
  expect(missing).toEqual([]);
  expect(world.direct.linksOf(ben.tab.replica.self)).toEqual([second.tab.replica.self]);
  expect([second.tab.replica.follows, third.tab.replica.follows]).toEqual([false, true]);
});

test('SYNC-21 frames of a tab that has left, sent once more, show nobody', async () => {
  const { world, ann, ben, second, third } = await threeAndOne();
  const { direct } = world;
  direct.heard = [];
  third.tab.replica.setPresence(utf8('line 3'));
  const to = (one: Tab) => one.tab.replica.self;
  await until('where it is', () => at(ben, third) === 'line 3');
  // A tab that comes now is recorded with all that it says at the meeting.
  const fourth = await world.again(third);
  await until('the fourth to be met', () => allSee(ann, ben, second, third, fourth));
  const heard = direct.heard;
  direct.heard = undefined;
  fourth.kill();
  third.kill();
  await until('both to be gone', () => allSee(ann, ben, second));
  let shown = 0;
  for (let times = 0; times < 3; times++) {
    for (const flying of heard) {
      direct.bring(flying);
      await new Promise((resolve) => setTimeout(resolve, 0));
      shown += names(ben).filter((peer) => peer === to(third) || peer === to(fourth)).length;
    }
  }
  await until('the old list to be read', () => direct.linksOf(to(ben)).length === 1);
  expect(heard.filter(({ frame }) => frame[0] === frameType.carry).length).toBeGreaterThan(5);
  expect(heard.filter(({ frame }) => frame[0] === frameType.reach).length).toBeGreaterThan(0);
  expect(shown).toBe(0);
});
