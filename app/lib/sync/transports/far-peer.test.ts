import { describe, expect, it } from 'vitest';
import type { PeerId } from '../../core/ids.ts';
import { FarPeer, type NextStep } from './far-peer.ts';
import { SeenOffers } from './seen-offers.ts';

const LOWER = 'a'.repeat(32) as PeerId;
const HIGHER = 'b'.repeat(32) as PeerId;

/** What happens to a peer, in one word; `wait` lets the time pass until its retry. */
type Happening =
  | 'announce'
  | 'misses us'
  | 'signal'
  | 'bye'
  | 'attempt'
  | 'up'
  | 'attempt ends'
  | 'link ends'
  | 'link ends late'
  | 'wait'
  | 'wait, no server'
  | 'doubted'
  | 'trusted';

/** A peer as this side knows it, on a clock that moves when told to. Links are named by number. */
class Story {
  readonly peer: FarPeer<number>;
  now = 1000;
  #made = 0;

  constructor(side: 'offers' | 'answers', random = 0) {
    const [self, far] = side === 'offers' ? [LOWER, HIGHER] : [HIGHER, LOWER];
    this.peer = new FarPeer(self, far, { now: () => this.now, random: () => random });
  }

  happens(what: Happening): NextStep {
    const { peer } = this;
    switch (what) {
      case 'announce':
        return peer.heard(false);
      case 'misses us':
        return peer.heard(true);
      case 'signal':
        peer.signalled();
        return 'nothing';
      case 'bye':
        return peer.saidBye();
      case 'attempt':
        peer.attempting(++this.#made);
        return 'nothing';
      case 'up':
        peer.up(known(peer.attempt));
        return 'nothing';
      case 'attempt ends':
        return peer.ended(known(peer.attempt), 'a firewall');
      case 'doubted':
        peer.doubted(2000);
        return 'nothing';
      case 'trusted':
        peer.trusted();
        return 'nothing';
      case 'link ends late':
        this.now += 30_001;
        return peer.ended(known(peer.link), 'lost');
      case 'link ends':
        return peer.ended(known(peer.link), 'lost');
      case 'wait':
      case 'wait, no server':
        this.now = known(peer.retryAt);
        return peer.retryDue(what === 'wait');
    }
  }
}

function known(value: number | undefined): number {
  if (value === undefined) throw new Error('there is none');
  return value;
}

/** `happening → step`; a step that is left out is `nothing`. */
const STORIES: readonly [rule: string, side: 'offers' | 'answers', story: readonly string[]][] = [
  ['NET-55 the lower id offers to who is heard', 'offers', ['announce → offer']],
  ['NET-55 the higher id announces itself back', 'answers', ['announce → announce']],
  [
    'NET-55 it does so each time: a word may be lost',
    'answers',
    ['announce → announce', 'announce → announce'],
  ],
  ['NET-55 nobody offers twice at once', 'offers', ['announce → offer', 'attempt', 'announce', 'misses us']],
  [
    'NET-55 nor answers while an attempt runs',
    'answers',
    ['announce → announce', 'attempt', 'announce', 'misses us'],
  ],
  ['NET-55 who is linked is not dialled', 'offers', ['attempt', 'up', 'announce']],
  ['NET-54 unless it says that it has no link with us', 'offers', ['attempt', 'up', 'misses us → offer']],
  ['NET-54 then the higher id says it is here', 'answers', ['attempt', 'up', 'misses us → announce']],
  ['NET-56 after a failure it is not dialled at once', 'offers', ['attempt', 'attempt ends', 'announce']],
  [
    'NET-56 but asked for a sign of life, which leads to an offer',
    'offers',
    ['attempt', 'attempt ends', 'wait → announce', 'misses us → offer'],
  ],
  [
    'NET-56 who is silent to four announcements is forgotten',
    'offers',
    [
      'attempt',
      'attempt ends',
      'wait → announce',
      'wait → announce',
      'wait → announce',
      'wait → announce',
      'wait → forget',
    ],
  ],
  [
    'NET-56 any word counts as a sign of life',
    'offers',
    [
      'attempt',
      'attempt ends',
      'wait → announce',
      'wait → announce',
      'wait → announce',
      'wait → announce',
      'signal',
      'wait → announce',
    ],
  ],
  [
    'NET-56 without the server there is nobody to ask',
    'offers',
    ['attempt', 'attempt ends', 'wait, no server'],
  ],
  [
    'NET-56 a link stays while its replacement is tried, and when that fails',
    'answers',
    ['attempt', 'up', 'attempt', 'attempt ends', 'announce'],
  ],
  [
    'NET-64 a link that stops answering is replaced while it stays',
    'offers',
    ['attempt', 'up', 'doubted', 'wait → announce', 'misses us → offer', 'attempt', 'up'],
  ],
  [
    'NET-64 by the higher id too: it asks, the lower offers',
    'answers',
    ['attempt', 'up', 'doubted', 'wait → announce', 'misses us → announce', 'attempt', 'up'],
  ],
  [
    'NET-64 after a failure another replacement is tried, not at once',
    'offers',
    [
      'attempt',
      'up',
      'doubted',
      'wait → announce',
      'misses us → offer',
      'attempt',
      'attempt ends',
      'misses us',
      'wait → announce',
      'misses us → offer',
    ],
  ],
  [
    'NET-64 without the signaling server it waits for it',
    'offers',
    ['attempt', 'up', 'doubted', 'wait, no server', 'wait → announce'],
  ],
  [
    'NET-64 who says nothing to four announcements either is gone',
    'offers',
    [
      'attempt',
      'up',
      'doubted',
      'wait → announce',
      'wait → announce',
      'wait → announce',
      'wait → announce',
      'wait → forget',
    ],
  ],
  ['NET-57 bye ends no link that is up', 'offers', ['attempt', 'up', 'bye']],
  ['NET-57 but is believed when the link ends', 'offers', ['attempt', 'up', 'bye', 'link ends → forget']],
  [
    'NET-57 unless it spoke again',
    'offers',
    ['attempt', 'up', 'bye', 'announce', 'link ends', 'wait → announce'],
  ],
  ['NET-57 bye of one that has no link forgets it', 'answers', ['announce → announce', 'bye → forget']],
];

describe('a far peer', () => {
  it.each(STORIES)('%s (this side %s): %j', (_, side, story) => {
    const told = new Story(side);
    for (const line of story) {
      const [what = '', step = 'nothing'] = line.split(' → ');
      expect([what, told.happens(what as Happening)]).toEqual([what, step]);
    }
  });

  it('NET-56 waits 0.5 s after a failure, doubled up to 30 s, half of it random', () => {
    for (const [random, share] of [
      [0, 0.5],
      [0.999_999, 1],
    ] as const) {
      const story = new Story('offers', random);
      const waits = Array.from({ length: 9 }, () => {
        story.happens('attempt');
        story.happens('attempt ends');
        const wait = known(story.peer.retryAt) - story.now;
        story.now = known(story.peer.retryAt);
        return Math.round(wait / share);
      });
      expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    }
  });

  it('NET-56 a link that held for half a minute makes the next wait short, a shorter one does not', () => {
    const story = new Story('offers');
    for (const what of ['attempt', 'attempt ends', 'attempt', 'up', 'link ends'] as const)
      story.happens(what);
    expect(known(story.peer.retryAt) - story.now).toBe(500);
    for (const what of ['attempt', 'up', 'link ends late'] as const) story.happens(what);
    expect(known(story.peer.retryAt) - story.now).toBe(250);
  });

  it('NET-54 what is announced meanwhile does not put the retry off, an attempt calls it off', () => {
    const story = new Story('answers');
    story.happens('announce');
    const due = story.peer.retryAt;
    story.now += 100;
    story.happens('announce');
    expect(story.peer.retryAt).toBe(due);
    story.happens('attempt');
    expect(story.peer.retryAt).toBeUndefined();
  });

  it('NET-64 replaces nothing that answers again in time, nor twice at once', () => {
    const story = new Story('offers');
    for (const what of ['attempt', 'up', 'doubted'] as const) story.happens(what);
    expect(known(story.peer.retryAt) - story.now).toBe(2000);
    story.happens('trusted');
    expect(story.peer.retryAt).toBeUndefined();
    for (const what of ['attempt', 'doubted'] as const) story.happens(what);
    expect(story.peer.retryAt, 'a replacement is being tried').toBeUndefined();
  });

  it('NET-58 says why the last attempt failed until a link is up; a lost link is no such reason', () => {
    const story = new Story('offers');
    story.happens('attempt');
    story.happens('attempt ends');
    expect(story.peer.why).toBe('a firewall');
    story.happens('attempt');
    story.happens('up');
    story.happens('link ends');
    expect(story.peer.why).toBeUndefined();
  });
});

it('NET-56 a token is good for one offer, as long as it is among the newest two hundred', () => {
  const offers = new SeenOffers();
  expect([offers.isNew('first'), offers.isNew('first')]).toEqual([true, false]);
  for (let i = 0; i < 199; i++) offers.isNew(`other ${i}`);
  expect(offers.isNew('first')).toBe(false);
  offers.isNew('one more');
  expect(offers.isNew('first')).toBe(true);
});
