/** Entries that no honest app makes, each signed and sealed as it should be: for tests of what becomes of them. */
import fc from 'fast-check';
import type { OwnSession } from '../lib/log/certificate.ts';
import { type Forge, rawUpdate } from '../lib/log/test-room.ts';

/** What a member with the edit link may send: each is signed and sealed as it should be. */
export const hostile = fc.record({
  kind: fc.constantFrom(
    'retarget',
    'right',
    'gc',
    'deleted',
    'child',
    'wipe',
    'foreign',
    'skip',
    'gap',
    'beyond',
    'unknown',
    'future-head',
    'own-future',
    'noise',
  ),
  author: fc.nat(1),
  clock: fc.nat(12),
  other: fc.nat(12),
});
export type Hostile = typeof hostile extends fc.Arbitrary<infer T> ? T : never;

/** Adds it to a chain whose next clock is `clock`; gives the one after. */
export function forge(forged: Forge, clock: number, honest: readonly OwnSession[], one: Hostile): number {
  const me = forged.session.clientId;
  const target = honest[one.author]?.clientId ?? 0;
  const other = honest[1 - one.author]?.clientId ?? 0;
  switch (one.kind) {
    case 'retarget':
      forged.add(rawUpdate(me, clock, [{ origin: [target, one.clock] }]));
      return clock + 1;
    case 'right':
      forged.add(
        rawUpdate(me, clock, [{ origin: [target, one.clock], rightOrigin: [other, one.other], text: 'yy' }]),
      );
      return clock + 2;
    case 'gc':
      forged.add(rawUpdate(me, clock, [{ kind: 0, length: 3 }]));
      return clock + 3;
    case 'deleted':
      forged.add(rawUpdate(me, clock, [{ kind: 1, length: 2, origin: [target, one.clock] }]));
      return clock + 2;
    case 'child':
      forged.add(rawUpdate(me, clock, [{ parent: [target, one.clock] }]));
      return clock + 1;
    case 'wipe':
      forged.add(rawUpdate(me, clock, [], [[target, 0, one.clock + 1]]));
      return clock;
    case 'foreign':
      forged.add(rawUpdate(target, one.clock, [{}]));
      return clock;
    case 'skip':
      forged.add(rawUpdate(me, clock, [{ kind: 10, length: 4 }]));
      return clock + 4;
    case 'gap':
      forged.add(rawUpdate(me, clock + 1, [{}]));
      return clock + 1;
    case 'beyond':
      forged.add(rawUpdate(me, clock, [], [[target, 0, 2 ** 31]]));
      return clock;
    case 'unknown':
      forged.add(rawUpdate(me, clock, [{ origin: [12345, 6] }]));
      return clock + 1;
    case 'future-head':
      forged.add(rawUpdate(me, clock, [{}]), new Uint8Array(17).fill(1));
      return clock + 1;
    case 'own-future':
      forged.add(rawUpdate(me, clock, [{ origin: [me, clock + 2] }]));
      return clock + 1;
    case 'noise':
      forged.add(new Uint8Array([one.clock, one.other, 200, 7]));
      return clock;
  }
}
