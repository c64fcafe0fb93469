/** The lines of Python in the landing page's picture, cut into the pieces that an editor would colour. */

/** A class of the code parts (k keyword, s string, n number, f name, t type, o mark; '' plain) and its text. */
export type Piece = readonly [kind: 'k' | 's' | 'n' | 'f' | 't' | 'o' | '', text: string];

export interface PictureLine {
  readonly before: readonly Piece[];
  /** What somebody else has selected, after `before`. */
  readonly picked?: readonly Piece[];
  /** Whose caret stands at the end. */
  readonly by?: { readonly name: string; readonly colour: string };
  /** The line that one's own caret is in. */
  readonly current?: true;
}

/** Reads `kind:text` pieces, so that the lines below can be read as code. Plain text has no kind. */
const code = (...pieces: readonly (Piece | string)[]): Piece[] =>
  pieces.map((piece) => (typeof piece === 'string' ? ['', piece] : piece));
const k = (text: string): Piece => ['k', text];
const s = (text: string): Piece => ['s', text];
const n = (text: string): Piece => ['n', text];
const f = (text: string): Piece => ['f', text];
const t = (text: string): Piece => ['t', text];
const o = (text: string): Piece => ['o', text];
const fox = { name: 'Calm Fox', colour: 'amber' };
const lynx = { name: 'Brave Lynx', colour: 'rose' };

export const pictureLines: readonly PictureLine[] = [
  {
    before: code(
      k('def '),
      f('height_at'),
      '(port: ',
      t('Port'),
      ', when: ',
      t('datetime'),
      ') ',
      o('-> '),
      t('float'),
      ':',
    ),
  },
  { before: code('    ', s('"""Height above chart datum, in metres."""')) },
  {
    before: code('    hours ', o('= ')),
    picked: code('(when ', o('- '), 'port.epoch).', f('total_seconds'), '() ', o('/ '), n('3600')),
    by: fox,
  },
  { before: code('    ', k('return '), 'port.mean_m ', o('+ '), f('sum'), '(') },
  {
    before: code(
      '        c.amplitude_m ',
      o('* '),
      f('cos'),
      '(',
      f('radians'),
      '(c.speed ',
      o('* '),
      'hours ',
      o('- '),
      'c.phase))',
    ),
  },
  { before: code('        ', k('for '), 'c ', k('in '), 'port.constituents') },
  { before: code('    )') },
  { before: [] },
  { before: [] },
  { before: code(k('def '), f('tides_on'), '(port: ', t('Port'), ', day: ', t('datetime'), '):'), by: lynx },
  { before: code('    ', s('"""Every turn of the tide on one day, earliest first."""')) },
  { before: code('    step ', o('= '), t('timedelta'), '(minutes', o('='), 'STEP_MIN)') },
  { before: code('    count ', o('= '), n('24 '), o('* '), n('60 '), o('// '), 'STEP_MIN') },
  {
    before: code(
      '    times ',
      o('= '),
      '[day ',
      o('+ '),
      'i ',
      o('* '),
      'step ',
      k('for '),
      'i ',
      k('in '),
      f('range'),
      '(',
      o('-'),
      n('1'),
      ', count ',
      o('+ '),
      n('1'),
      ')]',
    ),
    current: true,
  },
  {
    before: code(
      '    heights ',
      o('= '),
      '[',
      f('height_at'),
      '(port, time) ',
      k('for '),
      'time ',
      k('in '),
      'times]',
    ),
  },
  {
    before: code(
      '    turns ',
      o('= '),
      f('zip'),
      '(heights, heights[',
      n('1'),
      ':], heights[',
      n('2'),
      ':], times[',
      n('1'),
      ':])',
    ),
  },
  { before: code('    ', k('return '), '[') },
  {
    before: code(
      '        ',
      t('Tide'),
      '(',
      s('"high" '),
      k('if '),
      'now ',
      o('> '),
      'before ',
      k('else '),
      s('"low"'),
      ', time, now)',
    ),
  },
];
