import { expect, test } from 'vitest';
import type { PeerId, SessionId } from '../core/ids.ts';
import type { ChainRange, FrontierRow } from '../log/frontier.ts';
import { CatchUp, type CatchUpProgress } from './catch-up.ts';
import type { BatchOutcome } from './intake.ts';
import type { MeshLink } from './mesh.ts';

const linkOf = (peer: string): MeshLink =>
  ({ peer: peer as PeerId, transport: 'webrtc', send: () => undefined }) as unknown as MeshLink;
const range = (session: string, toSeq: number): ChainRange => ({
  session: session as SessionId,
  channel: 'project',
  fromSeq: 1,
  toSeq,
});
const rows: FrontierRow[] = [];
const nothing: BatchOutcome = {
  entries: 0,
  refusals: [],
  gaps: [],
  forks: [],
  held: false,
  unknownFormat: false,
};

function catchingUp(missing: ChainRange[], lost: ChainRange[] = []) {
  const asked: { peer: string | undefined; ranges: number }[] = [];
  const greeted: (string | undefined)[] = [];
  const progress: (CatchUpProgress | undefined)[] = [];
  const clock = { now: 0 };
  let turn = 0;
  let mayAsk = true;
  let idle = 0;
  const catchUp = new CatchUp({
    now: () => clock.now,
    missingFrom: () => missing,
    atRest: {
      get lacking() {
        return lost.length > 0;
      },
      missingFrom: () => lost.slice(turn % lost.length).slice(0, 1),
      tried: () => turn++,
    },
    want: ({ peer }, ranges) => void asked.push({ peer, ranges: ranges.length }),
    greet: ({ peer }) => void greeted.push(peer),
    ask: ({ peer }) => {
      if (mayAsk) greeted.push(peer);
      return mayAsk;
    },
    onIdle: () => idle++,
    onProgress: (step) => void progress.push(step),
  });
  return {
    catchUp,
    idle: () => idle,
    asked,
    greeted,
    progress,
    clock,
    forbidAsking: (now: boolean) => (mayAsk = !now),
  };
}

test('SYNC-4: one chain is asked for from one peer at a time, and from another when nothing came', () => {
  const { catchUp, asked, clock } = catchingUp([range('a', 10)]);
  const [ann, bob] = [linkOf('ann'), linkOf('bob')];
  catchUp.compare(ann, 'ann' as PeerId, rows);
  catchUp.compare(bob, 'bob' as PeerId, rows);
  expect(asked).toEqual([{ peer: 'ann', ranges: 1 }]);
  expect([catchUp.expects('ann' as PeerId), catchUp.expects('bob' as PeerId)]).toEqual([true, false]);
  clock.now = 2500;
  expect(catchUp.tick()).toBe(true);
  catchUp.compare(bob, 'bob' as PeerId, rows);
  expect(asked.at(-1)).toEqual({ peer: 'bob', ranges: 1 });
});

test('progress is told when much is missing, and ends with the answer', () => {
  const { catchUp, greeted, progress } = catchingUp([range('a', 1000)]);
  const ann = linkOf('ann');
  catchUp.compare(ann, 'ann' as PeerId, rows);
  expect(catchUp.heavy).toBe(true);
  catchUp.took(ann, { ...nothing, entries: 400 }, true);
  catchUp.took(ann, { ...nothing, entries: 600 }, true);
  catchUp.answered(ann, 'ann' as PeerId);
  expect(progress).toEqual([{ done: 400, of: 1000 }, { done: 1000, of: 1000 }, undefined]);
  expect(catchUp.heavy).toBe(false);
  expect(greeted, 'what came meanwhile shows in the next comparison').toEqual(['ann']);
});

test('progress ends when the only source leaves in the middle of it', () => {
  const { catchUp, progress } = catchingUp([range('a', 1000)]);
  const ann = linkOf('ann');
  catchUp.compare(ann, 'ann' as PeerId, rows);
  catchUp.took(ann, { ...nothing, entries: 400 }, true);
  expect(catchUp.gone('ann' as PeerId)).toBe(true);
  expect(progress.at(-1)).toBeUndefined();
  expect(catchUp.heavy).toBe(false);
});

test('progress ends when the source falls silent', () => {
  const { catchUp, progress, clock } = catchingUp([range('a', 1000)]);
  catchUp.compare(linkOf('ann'), 'ann' as PeerId, rows);
  catchUp.took(linkOf('ann'), { ...nothing, entries: 1 }, false);
  clock.now = 2500;
  expect(catchUp.tick()).toBe(true);
  expect(progress.at(-1)).toBeUndefined();
});

test('SYNC-16: what is missing at rest is asked for beside the rest, a stretch at a time, and counts for no progress', () => {
  const [one, two] = [range('lost', 300), { ...range('lost', 900), fromSeq: 700 }];
  const { catchUp, asked, greeted, progress, clock } = catchingUp([range('a', 10)], [one, two]);
  const ann = linkOf('ann');
  catchUp.compare(ann, 'ann' as PeerId, rows);
  expect(asked).toEqual([{ peer: 'ann', ranges: 2 }]);
  expect(catchUp.heavy, '300 entries are shown already').toBe(false);
  catchUp.answered(ann, 'ann' as PeerId);
  expect(greeted).toEqual(['ann']);
  catchUp.compare(ann, 'ann' as PeerId, rows);
  expect(asked.at(-1), 'the next stretch, and the first question not so soon again').toEqual({
    peer: 'ann',
    ranges: 1,
  });
  expect(progress).toEqual([]);
  clock.now = 14_000;
  catchUp.tick();
  expect(catchUp.tick()).toBe(false);
  clock.now = 15_000;
  expect(catchUp.tick(), 'everybody is asked again').toBe(true);
  expect(catchUp.tick()).toBe(false);
  clock.now = 44_000;
  expect(catchUp.tick()).toBe(false);
  clock.now = 45_000;
  expect(catchUp.tick()).toBe(true);
});

test('SYNC-16: a chain that the log itself lacks something of is asked for that first', () => {
  const { catchUp, asked } = catchingUp([range('a', 10)], [range('a', 3)]);
  catchUp.compare(linkOf('ann'), 'ann' as PeerId, rows);
  expect(asked).toEqual([{ peer: 'ann', ranges: 1 }]);
});

test('a gap makes its receiver ask the sender, later if it asked a moment ago, never once the link is gone', () => {
  const { catchUp, greeted, forbidAsking } = catchingUp([]);
  const [ann, bob] = [linkOf('ann'), linkOf('bob')];
  catchUp.took(ann, { ...nothing, held: true }, false);
  expect(greeted).toEqual(['ann']);
  forbidAsking(true);
  catchUp.took(ann, { ...nothing, held: true }, false);
  catchUp.took(bob, { ...nothing, held: true }, false);
  catchUp.linkClosed(bob);
  forbidAsking(false);
  catchUp.tick();
  expect(greeted).toEqual(['ann', 'ann']);
  catchUp.tick();
  expect(greeted).toHaveLength(2);
});

test('it is told when nothing more is missing: at once, or at the end of the answer', () => {
  const nothingMissing = catchingUp([]);
  nothingMissing.catchUp.compare(linkOf('ann'), 'ann' as PeerId, rows);
  expect(nothingMissing.idle()).toBe(1);
  const { catchUp, idle } = catchingUp([range('a', 3)]);
  catchUp.compare(linkOf('ann'), 'ann' as PeerId, rows);
  // Bob has it too, but Ann was asked: nothing is settled yet.
  catchUp.compare(linkOf('bob'), 'bob' as PeerId, rows);
  expect(idle()).toBe(0);
  catchUp.answered(linkOf('ann'), 'ann' as PeerId);
  expect(idle()).toBe(1);
});

test('SYNC-4: whose answer is being placed is not passed over for it, but for 20 s', () => {
  const { catchUp, asked, clock } = catchingUp([range('chain', 9)]);
  const [ann, ben] = [linkOf('ann'), linkOf('ben')];
  catchUp.compare(ann, 'ann' as PeerId, rows);
  catchUp.placing('ann' as PeerId, true);
  clock.now = 3000;
  catchUp.tick();
  catchUp.compare(ben, 'ben' as PeerId, rows);
  expect(asked.map(({ peer }) => peer)).toEqual(['ann']);
  catchUp.placing('ann' as PeerId, false);
  catchUp.tick();
  catchUp.compare(ben, 'ben' as PeerId, rows);
  expect(asked.map(({ peer }) => peer)).toEqual(['ann', 'ben']);

  catchUp.placing('ben' as PeerId, true);
  clock.now = 24_000;
  catchUp.tick();
  catchUp.compare(ann, 'ann' as PeerId, rows);
  expect(asked.map(({ peer }) => peer)).toEqual(['ann', 'ben', 'ann']);
});
