import type { SessionId } from '../core/ids.ts';
import { expect, it } from 'vitest';
import type { ReplicaNotice } from '../sync/replica.ts';
import { effectOf } from './replica-notices.ts';

const error = new Error('inside');
const effect = (notice: ReplicaNotice) => effectOf(notice, () => undefined);
const internal = (what: string) => effect({ kind: 'internal', what, error });

it('hands a fork on to who can name its author', () => {
  const fork = {
    kind: 'fork',
    device: undefined,
    session: 'aa' as SessionId,
    channel: 'talk',
    seq: 1,
    here: new Uint8Array(),
    other: new Uint8Array(),
  } as const;
  expect(effectOf(fork, () => undefined)).toEqual({ fork });
});

it('stops writing where a newer format came', () => {
  expect(effect({ kind: 'newer-format' })).toMatchObject({ readOnly: true, alert: { id: 'newer-format' } });
});

it('shows progress between 0 and 1 whatever is claimed, and its end', () => {
  const done = (n: number, of: number) => effect({ kind: 'catching-up', done: n, of }).progress;
  expect([done(1, 4), done(9, 4), done(0, 0)]).toMatchObject([{ done: 0.25 }, { done: 1 }, { done: 0 }]);
  expect(effect({ kind: 'caught-up' })).toEqual({ progress: 'over' });
});

it('tells people what broke for them, never what it is called inside', () => {
  for (const what of ['a frame', 'greeting', 'care of the store', 'the log at rest', 'something new']) {
    const { alert, log } = internal(what);
    expect(log).toEqual({ words: what, error });
    expect(`${alert?.alert.title} ${alert?.alert.detail}`).not.toContain(what);
  }
  expect(internal('a frame').alert?.alert.title).toBe('Exchanging edits with someone here failed once');
});

it('keeps what is dealt with, and what nobody can act on, to the log', () => {
  expect(internal('folding')).toEqual({ log: { words: 'folding', error } });
  expect(internal('a checkpoint')).toEqual({ log: { words: 'a checkpoint', error } });
  expect(internal('presence')).toEqual({ log: { words: 'presence', error } });
  expect(effect({ kind: 'refused', code: 'fork' })).toEqual({ log: { words: 'refused a segment (fork)' } });
});

it('leaves it to the alert of a closed store that nothing can be read there', () => {
  const closed = new DOMException('The database connection is closing.', 'InvalidStateError');
  for (const what of ['the archive', 'the log at rest', 'care of the store'])
    expect(effect({ kind: 'internal', what, error: closed })).toEqual({
      log: { words: what, error: closed },
    });
});

it('SYNC-17: tells of damage at rest, and takes that back when it is mended', () => {
  const damage = { shown: 2, hidden: 0, own: false };
  expect(effect({ kind: 'at-rest', damage }).alert?.id).toBe('at-rest');
  expect(effect({ kind: 'at-rest', damage: undefined })).toEqual({ over: 'at-rest' });
});

it('offers to download where the log on the device is damaged', () => {
  let downloads = 0;
  const { alert } = effectOf({ kind: 'internal', what: 'the log at rest', error }, () => downloads++);
  for (const { label, act } of alert?.alert.actions ?? []) if (label === 'Download project') act();
  expect(downloads).toBe(1);
});
