import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, utf8 } from '../core/bytes.ts';
import type { DeviceId, Role, SessionId } from '../core/ids.ts';
import {
  decodeTalkMessage,
  encodeTalkMessage,
  MAX_TALK_MESSAGE_BYTES,
  MAX_TALK_TEXT_BYTES,
  talkTextBytes,
  type TalkMessage,
} from './talk.ts';
import { KEPT_BYTES, KEPT_ENTRIES, TalkView, type TalkAuthor, type TalkEntry } from './talk-view.ts';

const sessionOf = (byte: string): SessionId => byte.repeat(32) as SessionId;
const deviceOf = (byte: string): DeviceId => byte.repeat(32) as DeviceId;
const author = (session: string, device = session, role: Role = 'editor'): TalkAuthor => ({
  session: sessionOf(session),
  device: deviceOf(device),
  role,
});
const ann = author('a1');
const ben = author('b1');

const words = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
const target = fc.record({
  session: fc.constantFrom(ann.session, ben.session),
  seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
});
const message: fc.Arbitrary<TalkMessage> = fc.oneof(
  fc.record({
    kind: fc.constant('message' as const),
    name: fc.constantFrom('', 'Ann', 'Zoë 🦊'),
    text: words,
  }),
  fc.record({ kind: fc.constant('edit' as const), target, text: words }),
  fc.record({ kind: fc.constant('retract' as const), target }),
);

const problem = (bytes: Uint8Array): string => {
  const decoded = decodeTalkMessage(bytes);
  return decoded.ok ? 'ok' : decoded.error.kind;
};

describe('TALK-1 messages', () => {
  it('come back as they were [seed 41, 300 runs]', () => {
    fc.assert(
      fc.property(message, (one) => {
        expect(decodeTalkMessage(encodeTalkMessage(one))).toEqual({ ok: true, value: one });
      }),
      { numRuns: 300, seed: 41 },
    );
  });

  it('never throw on bytes of others, and take no byte too many or too few [seed 42, 500 runs]', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), message, (noise, one) => {
        expect(typeof decodeTalkMessage(noise).ok).toBe('boolean');
        const bytes = encodeTalkMessage(one);
        expect(problem(Uint8Array.of(...bytes, 0))).toBe('malformed');
        expect(problem(bytes.subarray(0, -1))).toBe('malformed');
      }),
      { numRuns: 500, seed: 42 },
    );
  });

  it('are refused for each wrong field', () => {
    const session = ann.session;
    const hex = (text: string): string => problem(fromHex(text));
    expect(hex('00014102686f')).toBe('ok');
    expect(hex('0003686f'), 'a name cut short').toBe('malformed');
    expect(hex('000000'), 'no words').toBe('malformed');
    expect(hex('000001ff'), 'not UTF-8').toBe('malformed');
    expect(hex('000003eda080'), 'half a surrogate pair').toBe('malformed');
    expect(hex(`00${'8102'}${'61'.repeat(257)}0161`), 'a name of 257 bytes').toBe('malformed');
    expect(hex(`01${session}0101`), 'an edit without words').toBe('malformed');
    expect(hex(`02${session}00`), 'seq 0').toBe('malformed');
    expect(hex(`02${session.slice(2)}`), 'a session cut short').toBe('malformed');
    expect(hex('03')).toBe('unknown-kind');
  });

  it('hold 4,096 bytes of text and no more', () => {
    const said = (text: string) => encodeTalkMessage({ kind: 'message', name: '', text });
    const longest = 'é'.repeat(MAX_TALK_TEXT_BYTES / 2);
    expect(talkTextBytes(longest)).toBe(MAX_TALK_TEXT_BYTES);
    expect(problem(said(longest))).toBe('ok');
    expect(problem(said(`${longest}x`))).toBe('malformed');
    expect(problem(new Uint8Array(MAX_TALK_MESSAGE_BYTES + 1))).toBe('too-large');
  });

  it('clean the name that they bring, as presence does', () => {
    const bytes = Uint8Array.of(0, 8, ...utf8('A\u202enn\nx'), 1, 0x68);
    expect(decodeTalkMessage(bytes)).toEqual({
      ok: true,
      value: { kind: 'message', name: 'Ann x', text: 'h' },
    });
  });
});

const said = (who: TalkAuthor, seq: number, time: number, text: string): TalkEntry => ({
  author: who,
  seq,
  time,
  payload: encodeTalkMessage({ kind: 'message', name: '', text }),
});
const edited = (who: TalkAuthor, seq: number, time: number, of: TalkEntry, text: string): TalkEntry => ({
  author: who,
  seq,
  time,
  payload: encodeTalkMessage({
    kind: 'edit',
    target: { session: of.author.session, seq: of.seq },
    text,
  }),
});
const retracted = (who: TalkAuthor, seq: number, time: number, of: TalkEntry): TalkEntry => ({
  author: who,
  seq,
  time,
  payload: encodeTalkMessage({ kind: 'retract', target: { session: of.author.session, seq: of.seq } }),
});
function viewOf(entries: readonly TalkEntry[]): TalkView {
  const view = new TalkView();
  for (const entry of entries) view.add(entry);
  return view;
}
const shown = (view: TalkView, count = KEPT_ENTRIES): string[] =>
  view
    .page(count)
    .messages.map(({ text, edited: changed, retracted: gone }) =>
      gone ? '(deleted)' : `${text}${changed ? '*' : ''}`,
    );

describe('TALK-2 order', () => {
  it('is by the time told, then the session, then the seq, whatever comes first [seed 43, 200 runs]', () => {
    const entry = fc.record({
      who: fc.constantFrom(ann, ben, author('c1', 'a1')),
      time: fc.integer({ min: 1, max: 5 }),
      kind: fc.constantFrom('say' as const, 'say' as const, 'edit' as const, 'retract' as const),
      of: fc.nat(20),
    });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 30 }), fc.infiniteStream(fc.nat()), (drawn, order) => {
        const entries: TalkEntry[] = [];
        for (const [i, { who, time, kind, of }] of drawn.entries()) {
          const named = entries[of % Math.max(1, entries.length)];
          if (kind === 'say' || named === undefined) entries.push(said(who, i + 1, time, `w${i}`));
          else if (kind === 'edit') entries.push(edited(who, i + 1, time, named, `e${i}`));
          else entries.push(retracted(who, i + 1, time, named));
        }
        const ranks = new Map(entries.map((one) => [one, order.next().value]));
        const shuffled = entries.toSorted((a, b) => (ranks.get(a) ?? 0) - (ranks.get(b) ?? 0));
        const view = viewOf(shuffled);
        expect(view.page(100)).toEqual(viewOf(entries).page(100));
        const places = view.page(100).messages.map(({ time, session, seq }) => [time, session, seq] as const);
        const sorted = places.toSorted(
          (a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : a[2] - b[2]),
        );
        expect(places).toEqual(sorted);
      }),
      { numRuns: 200, seed: 43 },
    );
  });

  it('shows a page of it, and moves it', () => {
    const view = viewOf(Array.from({ length: 10 }, (_, i) => said(ann, i + 1, i + 1, `${i}`)));
    expect(view.page(3)).toMatchObject({ earlier: 7, later: 0 });
    const back = view.moved(undefined, -4);
    expect(view.page(3, back).messages.map(({ text }) => text)).toEqual(['3', '4', '5']);
    expect(view.page(3, back)).toMatchObject({ earlier: 3, later: 4 });
    view.add(said(ben, 1, 2, 'late'));
    expect(view.page(3, back).messages.map(({ text }) => text)).toEqual(['3', '4', '5']);
    expect(view.moved(back, 3)?.seq).toBe(9);
    expect(view.moved(back, 4)).toBeUndefined();
    expect(view.moved(back, -40)?.seq).toBe(1);
  });
});

describe('TALK-3 edits and retractions', () => {
  const first = said(ann, 1, 10, 'teh words');

  it('change what their own session said; the newest words stand, and taken back is taken back', () => {
    const entries = [first, edited(ann, 2, 11, first, 'the words'), edited(ann, 3, 12, first, 'these words')];
    expect(shown(viewOf(entries))).toEqual(['these words*']);
    const all = [...entries, retracted(ann, 4, 13, first), edited(ann, 5, 14, first, 'no, these')];
    expect(shown(viewOf(all))).toEqual(['(deleted)']);
    expect(viewOf(all).page(1).messages[0]?.text).toBe('');
  });

  it('of somebody else are ignored', () => {
    const others = [edited(ben, 1, 11, first, 'hacked'), retracted(ben, 2, 12, first)];
    expect(shown(viewOf([first, ...others]))).toEqual(['teh words']);
  });

  it('of the same device count, unless by a lesser link', () => {
    const nextTab = author('a2', 'a1');
    expect(shown(viewOf([first, edited(nextTab, 1, 11, first, 'mine')]))).toEqual(['mine*']);
    const pretender = author('e1', 'a1', 'commenter');
    expect(shown(viewOf([first, edited(pretender, 1, 11, first, 'hers')]))).toEqual(['teh words']);
  });

  it('count from when their target was said on, and of a message only', () => {
    expect(shown(viewOf([edited(ann, 2, 9, first, 'before'), first]))).toEqual(['teh words']);
    const edit = edited(ann, 2, 11, first, 'once');
    expect(shown(viewOf([first, edit, edited(ann, 3, 12, edit, 'twice')]))).toEqual(['once*']);
    expect(viewOf([]).add({ ...first, payload: Uint8Array.of(9, 9) })).toBeUndefined();
  });
});

describe('TALK-4 bounds', () => {
  it('a flood leaves the newest, the same ones in any order', () => {
    const count = KEPT_ENTRIES + 5_000;
    const entries = Array.from({ length: count }, (_, i) => said(i % 2 ? ann : ben, i + 1, i + 1, `${i}`));
    const began = performance.now();
    const [forth, back] = [viewOf(entries), viewOf(entries.toReversed())];
    expect(performance.now() - began, 'ms for 30,000').toBeLessThan(2_000);
    expect([forth.kept, back.kept]).toEqual([KEPT_ENTRIES, KEPT_ENTRIES]);
    expect(forth.page(1)).toMatchObject({ earlier: KEPT_ENTRIES - 1 });
    expect(shown(forth)).toEqual(shown(back));
    expect(shown(forth)[0]).toBe('5000');
  });

  it('long messages count for what they take, in any order [seed 44, 30 runs]', () => {
    const text = 'x'.repeat(MAX_TALK_TEXT_BYTES);
    const count = Math.round((KEPT_BYTES / MAX_TALK_TEXT_BYTES) * 1.3);
    const entries = Array.from({ length: count }, (_, i) =>
      said(ann, i + 1, i + 1, i % 7 === 0 ? `${i}` : text),
    );
    const expected = viewOf(entries)
      .page(KEPT_ENTRIES)
      .messages.map(({ seq }) => seq);
    expect(expected.length).toBeLessThan(count);
    const isShort = ({ payload }: TalkEntry): boolean => payload.length < 10;
    const shortLast = [...entries.filter((one) => !isShort(one)), ...entries.filter(isShort).toReversed()];
    expect(
      viewOf(shortLast)
        .page(KEPT_ENTRIES)
        .messages.map(({ seq }) => seq),
    ).toEqual(expected);
    fc.assert(
      fc.property(fc.array(fc.nat(count - 1), { maxLength: count, size: 'max' }), (early) => {
        const first = new Set(early);
        const mixed = [...entries.filter((_, i) => first.has(i)), ...entries.filter((_, i) => !first.has(i))];
        const kept = viewOf(mixed)
          .page(KEPT_ENTRIES)
          .messages.map(({ seq }) => seq);
        expect(kept).toEqual(expected);
      }),
      { numRuns: 30, seed: 44 },
    );
  });

  it('keeps no change of what it has let go', () => {
    const first = said(ann, 1, 1, 'first');
    const view = viewOf([first, edited(ann, 2, 2, first, 'second')]);
    for (let i = 0; i < KEPT_ENTRIES; i++) view.add(said(ben, i + 1, i + 3, 'x'));
    expect(view.kept).toBe(KEPT_ENTRIES);
    expect(view.find({ session: ann.session, seq: 1 })).toBeUndefined();
    expect(view.add(edited(ann, 3, 2, first, 'late'))).toBeUndefined();
  });
});
