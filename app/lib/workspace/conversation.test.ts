import { expect, it } from 'vitest';
import type { Bytes } from '../core/bytes.ts';
import type { DeviceId, Role, SessionId } from '../core/ids.ts';
import { encodeTalkMessage, type TalkMessage } from '../document/talk.ts';
import { KEPT_ENTRIES, type TalkAuthor } from '../document/talk-view.ts';
import type { Accepted } from '../log/receipt.ts';
import { Conversation, WINDOW_MESSAGES } from './conversation.ts';
import type { MessageView } from './room-model.ts';

const author = (byte: string, role: Role = 'editor', device = byte): TalkAuthor => ({
  session: byte.repeat(32) as SessionId,
  device: device.repeat(32) as DeviceId,
  role,
});
const ann = author('aa', 'commenter');
const ben = author('bb');

function chat({ seenUntil = 0, me = ann } = {}) {
  const posted: Bytes[] = [];
  const kept: number[] = [];
  let writable = true;
  const talk = new Conversation({
    me,
    post: (payload) => posted.push(payload),
    writable: () => writable,
    myName: () => 'Ann',
    person: (device, gave) => ({ name: gave || device.slice(0, 2), colour: 'amber' }),
    seenUntil,
    keepSeen: (time) => kept.push(time),
    now: () => 1,
  });
  const receive = (who: TalkAuthor, seq: number, time: number, payload: Bytes, channel = 'talk'): void => {
    const session = { ...who, id: who.session };
    const accepted = { session, channel, entries: [{ seq, time, payload }] };
    talk.receive([accepted as unknown as Accepted]);
  };
  const hear = (who: TalkAuthor, seq: number, time: number, text: string): void =>
    receive(who, seq, time, encodeTalkMessage({ kind: 'message', name: '', text }));
  const change = (who: TalkAuthor, seq: number, time: number, message: TalkMessage): void =>
    receive(who, seq, time, encodeTalkMessage(message));
  return { talk, posted, kept, receive, hear, change, close: () => (writable = false) };
}
const messages = (talk: Conversation): MessageView[] => talk.shown(talk.window());
const texts = (talk: Conversation): string[] => messages(talk).map(({ text }) => text);
const more = (talk: Conversation): boolean[] => [talk.window().earlier > 0, talk.window().later > 0];

it('shows what is sent at once, and then from the log', () => {
  const { talk, posted, receive } = chat();
  expect(talk.send('  hello\n')).toBeUndefined();
  expect(messages(talk)).toMatchObject([
    { text: '  hello', sending: true, changeable: false, by: { me: true } },
  ]);
  receive(ann, 1, 10, posted[0] as Bytes);
  expect(messages(talk)).toMatchObject([{ text: '  hello', sending: false, changeable: true }]);
});

it('sends nothing that is empty, too long, or not allowed', () => {
  const { talk, posted, close } = chat();
  expect(talk.send('  \n')).toBeUndefined();
  expect(talk.send('x'.repeat(4097))).toContain('Too long');
  close();
  expect(talk.send('hello'), 'else the field would be emptied').toContain('can’t be sent now');
  expect([posted, messages(talk)]).toEqual([[], []]);
});

it('says that an edit came too late, rather than dropping the words', () => {
  const { talk, posted, hear, change } = chat();
  hear(ann, 1, 10, 'teh');
  const [mine = ''] = messages(talk).map(({ id }) => id);
  change(ann, 2, 11, { kind: 'retract', target: { session: ann.session, seq: 1 } });
  expect(talk.edit(mine, 'the')).toContain('can’t be changed any more');
  expect(posted).toEqual([]);
});

it('edits and deletes what is mine, and nothing of others', () => {
  const { talk, posted, hear, change } = chat();
  hear(ann, 1, 10, 'teh');
  hear(ben, 1, 11, 'his');
  const [mine, his] = messages(talk).map(({ id }) => id) as [string, string];
  talk.edit(his, 'hacked');
  talk.retract(his);
  expect(posted).toEqual([]);
  talk.edit(mine, 'the');
  const target = { session: ann.session, seq: 1 };
  expect(posted).toEqual([encodeTalkMessage({ kind: 'edit', target, text: 'the' })]);
  change(ann, 2, 12, { kind: 'edit', target, text: 'the' });
  expect(messages(talk)[0]).toMatchObject({ text: 'the', edited: true });
  talk.retract(mine);
  change(ann, 3, 13, { kind: 'retract', target });
  expect(messages(talk)[0]).toMatchObject({ text: '', retracted: true, changeable: false });
  talk.edit(mine, 'back again');
  expect(posted).toHaveLength(2);
});

it('counts what others said since it was last seen here, and what comes while it is open', () => {
  const { talk, kept, hear } = chat({ seenUntil: 20 });
  hear(ben, 1, 20, 'seen');
  hear(ben, 2, 21, 'new');
  hear(ann, 1, 22, 'mine');
  hear(author('cc', 'editor', 'aa'), 1, 23, 'mine, in another tab');
  expect(talk.unread).toBe(1);
  talk.seen();
  expect([talk.unread, kept]).toEqual([0, [23]]);
  talk.opened();
  // Written long ago and offline: it is new here all the same.
  hear(author('dd'), 1, 5, 'late');
  expect(talk.unread).toBe(1);
});

it('has a bounded window on any number of messages, which can be moved', () => {
  const { talk, hear } = chat();
  for (let i = 1; i <= KEPT_ENTRIES + 500; i++) hear(ben, i, i, `${i}`);
  expect([messages(talk).length, more(talk)]).toEqual([WINDOW_MESSAGES, [true, false]]);
  expect(talk.unread).toBe(100);
  talk.showEarlier();
  expect([texts(talk).at(-1), messages(talk).length]).toEqual(['10400', WINDOW_MESSAGES]);
  expect(more(talk)).toEqual([true, true]);
  hear(ben, KEPT_ENTRIES + 501, KEPT_ENTRIES + 501, 'newest');
  expect(texts(talk).at(-1)).toBe('10400');
  talk.showLater();
  expect(texts(talk).at(-1)).toBe('10500');
  talk.showNewest();
  expect([texts(talk).at(-1), more(talk)]).toEqual(['newest', [true, false]]);
});

it('keeps what did not change as it was, so that only what is new is drawn', () => {
  const { talk, hear, change } = chat();
  hear(ann, 1, 10, 'one');
  hear(ben, 1, 11, 'two');
  const before = messages(talk);
  change(ann, 2, 12, { kind: 'edit', target: { session: ann.session, seq: 1 }, text: 'once' });
  const after = messages(talk);
  expect(after[0]).not.toBe(before[0]);
  expect(after[1]).toBe(before[1]);
});

it('takes no notice of other channels and of what is no message', () => {
  const { talk, receive } = chat();
  receive(ben, 1, 1, encodeTalkMessage({ kind: 'message', name: '', text: 'run' }), 'runs');
  receive(ben, 1, 2, Uint8Array.of(7, 7));
  expect([messages(talk), talk.unread]).toEqual([[], 0]);
});
