/** Vectors of what each role may sign (CERT-4), of the messages of the talk channel and of what they show (TALK-1 to TALK-3). */
import { utf8 } from '../../app/lib/core/bytes.ts';
import type { Channel, DeviceId, Role, SessionId } from '../../app/lib/core/ids.ts';
import { encodeTalkMessage, type TalkMessage } from '../../app/lib/document/talk.ts';
import { CHANNELS, maySign } from '../../app/lib/log/format.ts';
import { hex, sealBody, VectorChain, type VectorRoom, type Who } from './vector-room.ts';

/** An empty frontier. */
const NO_ROWS = new Uint8Array(1);

/** One entry of a commenter in each channel, and of a viewer in `talk`. */
export async function roleVectors({ keys, sessions }: VectorRoom) {
  const one = async (by: Who, channel: Channel) => {
    const { plain } = await new VectorChain(sessions[by], channel)
      .add(channel === 'carry' ? NO_ROWS : utf8('x'))
      .segment();
    return {
      rules: ['CERT-4'],
      by,
      channel,
      sealed: hex(await sealBody(keys, 'segment', plain)),
      ...(!maySign(sessions[by].role, channel) && { refused: 'role-may-not-sign' as const }),
    };
  };
  return [...(await Promise.all(CHANNELS.map((channel) => one('cas', channel)))), await one('vic', 'talk')];
}

const SESSION = 'a1'.repeat(32) as SessionId;
const OTHER = 'b2'.repeat(32) as SessionId;
const NEXT_TAB = 'c3'.repeat(32) as SessionId;
const target = { session: SESSION, seq: 300 };

const MESSAGES: readonly TalkMessage[] = [
  { kind: 'message', name: 'Ann 🦊', text: 'Grüezi\nmitenand' },
  { kind: 'message', name: '', text: '?' },
  { kind: 'edit', target, text: 'Grüezi mitenand' },
  { kind: 'retract', target },
];

export function talkMessageVectors() {
  const bad = [
    ['a kind that is not known', '03', 'unknown-kind'],
    ['no words', '000141 00', 'malformed'],
    ['a byte too many', '000141 016f 00', 'malformed'],
    ['not UTF-8', '0000 01ff', 'malformed'],
    ['half a surrogate pair', '0000 03eda080', 'malformed'],
    ['a name of 257 bytes', `00 8102${'61'.repeat(257)} 0161`, 'malformed'],
    ['an edit of nothing', `01 ${SESSION} 00 0161`, 'malformed'],
    ['a session cut short', `02 ${SESSION.slice(2)}`, 'malformed'],
  ] as const;
  return [
    ...MESSAGES.map((message) => ({ rules: ['TALK-1'], message, hex: hex(encodeTalkMessage(message)) })),
    ...bad.map(([name, bytes, refused]) => ({
      name,
      rules: ['TALK-1'],
      hex: bytes.replaceAll(' ', ''),
      refused,
    })),
  ];
}

/** Who says what, and what is shown of it. Times are those told (LOG-11). */
export function talkVectors() {
  const device = (byte: string) => byte.repeat(32) as DeviceId;
  const authors = {
    ann: { session: SESSION, device: device('0a'), role: 'editor' as Role },
    ben: { session: OTHER, device: device('0b'), role: 'editor' as Role },
    /** Somebody with the comment link who claims Ann's device, and Ann in another tab. */
    pretender: { session: 'd4'.repeat(32) as SessionId, device: device('0a'), role: 'commenter' as Role },
    annEdits: { session: NEXT_TAB, device: device('0a'), role: 'editor' as Role },
  };
  const entry = (by: keyof typeof authors, seq: number, time: number, message: TalkMessage) => ({
    author: authors[by],
    seq,
    time,
    payload: hex(encodeTalkMessage(message)),
  });
  const say = (text: string): TalkMessage => ({ kind: 'message', name: '', text });
  const edit = (session: SessionId, seq: number, text: string): TalkMessage => ({
    kind: 'edit',
    target: { session, seq },
    text,
  });
  const retract = (session: SessionId, seq: number): TalkMessage => ({
    kind: 'retract',
    target: { session, seq },
  });
  return [
    {
      name: 'by the time told, then the session, then the seq',
      rules: ['TALK-2'],
      entries: [
        entry('ben', 1, 20, say('b1')),
        entry('ann', 1, 20, say('a1')),
        entry('ann', 2, 21, say('a2')),
        entry('annEdits', 1, 10, say('c1')),
      ],
      shown: [{ text: 'c1' }, { text: 'a1' }, { text: 'b1' }, { text: 'a2' }],
    },
    {
      name: 'the newest words stand; others’ are ignored, and so are those of a lesser role',
      rules: ['TALK-3'],
      entries: [
        entry('ann', 1, 10, say('first')),
        entry('annEdits', 1, 12, edit(SESSION, 1, 'third')),
        entry('ann', 2, 11, edit(SESSION, 1, 'second')),
        entry('ben', 1, 13, edit(SESSION, 1, 'not his')),
        entry('pretender', 1, 14, retract(SESSION, 1)),
        entry('annEdits', 2, 9, edit(SESSION, 1, 'before it was said')),
      ],
      shown: [{ text: 'third', edited: true }],
    },
    {
      name: 'taken back is taken back; an edit is no message',
      rules: ['TALK-3'],
      entries: [
        entry('ben', 1, 10, say('oops')),
        entry('ben', 2, 11, retract(OTHER, 1)),
        entry('ben', 3, 12, edit(OTHER, 1, 'again')),
        entry('ben', 4, 13, edit(OTHER, 3, 'of an edit')),
      ],
      shown: [{ retracted: true }],
    },
  ];
}
