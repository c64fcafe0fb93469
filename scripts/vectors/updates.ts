/** Yjs V1 updates, written by hand byte by byte, and what the accept order says of each (ACC-6 to ACC-12). */
import type { RefusalCode } from '../../app/lib/log/format.ts';
import { bytesOf, hex } from './vector-room.ts';

interface Taken {
  /** The author's clock after it. */
  readonly nextClock: number;
  /** Clocks of other clients that must be applied before (ACC-13). */
  readonly needs?: readonly (readonly [client: number, clock: number])[];
}

export interface UpdateVector {
  readonly name: string;
  readonly rules: readonly string[];
  /** Of its author, and the clock the author's next struct must have. */
  readonly client: number;
  readonly clock: number;
  readonly hex: string;
  readonly accepted?: Taken;
  readonly refused?: RefusalCode;
}

const CLIENT = 5;
const FILES = '01 05 66696c6573';
/** Into the root "files", the text "x": one struct without an origin. */
const LETTER = `04 ${FILES} 01 78`;
/** An update of one or more structs by client 5, and of no deletions. */
const one = (clock: string, struct: string): string => `01 01 05 ${clock} ${struct} 00`;
const any = (value: string): string => one('00', `08 ${FILES} 01 ${value}`);
/** As many arrays of one item in one another, null in the innermost. */
const nested = (arrays: number): string => any(`${'7501'.repeat(arrays)} 7e`);

type Row = readonly [
  name: string,
  rules: string,
  clock: number,
  update: string,
  expected: Taken | RefusalCode,
];

const ROWS: readonly Row[] = [
  ['nothing at all', 'ACC-6', 3, '00 00', { nextClock: 3 }],
  ['a letter into a root', 'ACC-6 ACC-8 ACC-10', 0, one('00', LETTER), { nextClock: 1 }],
  ['text counts in UTF-16 units', 'ACC-8', 0, one('00', `04 ${FILES} 04 f09f9880`), { nextClock: 2 }],
  ['two structs', 'ACC-8', 0, `01 02 05 00 ${LETTER} 84 05 00 01 79 00`, { nextClock: 2 }],
  ['after an own item', 'ACC-11', 1, one('01', '84 05 00 01 79'), { nextClock: 2 }],
  [
    "after another's item",
    'ACC-11 ACC-13',
    0,
    one('00', '84 07 03 01 79'),
    { nextClock: 1, needs: [[7, 4]] },
  ],
  [
    "before another's item",
    'ACC-11 ACC-13',
    0,
    one('00', '44 07 03 01 79'),
    { nextClock: 1, needs: [[7, 4]] },
  ],
  [
    'between two items',
    'ACC-11 ACC-13',
    0,
    one('00', 'c4 07 03 07 08 01 79'),
    { nextClock: 1, needs: [[7, 9]] },
  ],
  [
    'between items of two others',
    'ACC-13',
    0,
    one('00', 'c4 07 03 06 01 01 79'),
    {
      nextClock: 1,
      needs: [
        [6, 2],
        [7, 4],
      ],
    },
  ],
  ['a value of a map', 'ACC-10', 0, one('00', `28 ${FILES} 01 6b 01 77 01 76`), { nextClock: 1 }],
  [
    'the key bit of a struct with an origin brings no key',
    'ACC-6',
    1,
    one('01', 'a4 05 00 01 79'),
    { nextClock: 2 },
  ],
  ["in another's type", 'ACC-13', 0, one('00', '04 00 07 02 01 78'), { nextClock: 1, needs: [[7, 3]] }],
  [
    'a new Y.Text, an item in it',
    'ACC-10 ACC-11',
    0,
    `01 02 05 00 27 ${FILES} 01 6b 02 04 00 05 00 01 78 00`,
    { nextClock: 2 },
  ],
  [
    'an array and a map',
    'ACC-10',
    0,
    `01 02 05 00 07 01 04 6d657461 00 07 01 05 626c6f6273 01 00`,
    { nextClock: 2 },
  ],
  ['bytes', 'ACC-10', 0, one('00', `03 ${FILES} 03 010203`), { nextClock: 1 }],
  [
    'values of every type',
    'ACC-6 ACC-10',
    0,
    one(
      '00',
      `08 ${FILES} 0b 7f 7e 79 78 7d41 7c3f800000 7b3ff8000000000000 7a0000000000000001 7701 76 760101617e 7401ff`,
    ),
    { nextClock: 11 },
  ],
  ['a value inside 16 arrays', 'ACC-6', 0, nested(16), { nextClock: 1 }],
  ['deleted content', 'ACC-10', 0, one('00', `01 ${FILES} 05`), { nextClock: 5 }],
  ['GC', 'ACC-9', 0, one('00', '00 05'), { nextClock: 5 }],
  ['GC with bits of a place, which is not there', 'ACC-6 ACC-9', 0, one('00', 'e0 05'), { nextClock: 5 }],
  ['up to the last clock', 'ACC-8', 2 ** 32 - 1, one('ffffffff0f', LETTER), { nextClock: 2 ** 32 }],
  ["a deletion of another's", 'ACC-12 ACC-13', 3, '00 01 07 01 00 03', { nextClock: 3, needs: [[7, 3]] }],
  ['ranges that touch', 'ACC-12', 3, '00 01 07 02 00 01 01 01', { nextClock: 3, needs: [[7, 2]] }],
  [
    'deletions of two others',
    'ACC-12 ACC-13',
    3,
    '00 02 09 01 00 02 07 01 04 01',
    {
      nextClock: 3,
      needs: [
        [7, 5],
        [9, 2],
      ],
    },
  ],
  ['deletes what it writes', 'ACC-12', 0, `01 01 05 00 ${LETTER} 01 05 01 00 01`, { nextClock: 1 }],

  ['no bytes', 'ACC-6', 0, '', 'malformed-update'],
  ['a byte too many', 'ACC-6 FORM-3', 0, `${one('00', LETTER)} 00`, 'malformed-update'],
  ['cut in a struct', 'ACC-6 FORM-3', 0, '01 01 05 00 04 01 05 6669', 'malformed-update'],
  ['a count that is longer than needed', 'ACC-6 FORM-1', 0, '80 00 00', 'malformed-update'],
  ['a client without structs', 'ACC-6', 0, '01 00 05 00 00', 'malformed-update'],
  ['a count beyond 2^53', 'ACC-6 FORM-1', 0, '01 ffffffffffffffff 0f', 'malformed-update'],
  ['GC of nothing', 'ACC-6', 0, one('00', '00 00'), 'malformed-update'],
  ['empty text', 'ACC-6', 0, one('00', `04 ${FILES} 00`), 'malformed-update'],
  ['no values', 'ACC-6', 0, one('00', `08 ${FILES} 00`), 'malformed-update'],
  ['ill-formed UTF-8', 'ACC-6 FORM-2', 0, one('00', `04 ${FILES} 01 ff`), 'malformed-update'],
  ['a parent that is neither root nor id', 'ACC-6', 0, one('00', '04 02 07 02 01 78'), 'malformed-update'],
  ['a value of no known type', 'ACC-6', 0, any('73'), 'malformed-update'],
  ['minus zero', 'ACC-6 FORM-1', 0, any('7d40'), 'malformed-update'],
  ['a value inside 17 arrays', 'ACC-6', 0, nested(17), 'malformed-update'],
  ['structs of two clients', 'ACC-7', 0, `02 01 05 00 ${LETTER} 01 07 00 ${LETTER} 00`, 'foreign-struct'],
  ["another's struct", 'ACC-7', 0, `01 01 07 00 ${LETTER} 00`, 'foreign-struct'],
  ["another's struct at a wrong clock", 'ACC-6 ACC-7', 1, `01 01 07 00 ${LETTER} 00`, 'foreign-struct'],
  ['clocks used before', 'ACC-8', 1, one('00', LETTER), 'wrong-clock'],
  ['a clock left out', 'ACC-8', 1, one('02', LETTER), 'wrong-clock'],
  ['beyond the last clock', 'ACC-8', 1, one('01', '00 8080808010'), 'wrong-clock'],
  ['a Skip', 'ACC-9', 0, one('00', '0a 04'), 'skip-struct'],
  ['a Skip with the key bit', 'ACC-9', 0, one('00', '2a 04'), 'skip-struct'],
  ['a Skip with all bits', 'ACC-9', 0, one('00', 'ea 04'), 'skip-struct'],
  ['a Skip after a struct', 'ACC-9', 0, `01 02 05 00 ${LETTER} 0a 04 00`, 'skip-struct'],
  ['content of the old JSON kind', 'ACC-10', 0, one('00', `02 ${FILES} 01 01 31`), 'content-kind'],
  ['an embed', 'ACC-10', 0, one('00', `05 ${FILES} 01 31`), 'content-kind'],
  ['formatting', 'ACC-10', 0, one('00', `06 ${FILES} 01 62 01 31`), 'content-kind'],
  ['a subdocument', 'ACC-10', 0, one('00', `09 ${FILES} 01 61 7e`), 'content-kind'],
  ['content of no known kind', 'ACC-10', 0, one('00', `0b ${FILES} 01`), 'content-kind'],
  ['an XML type', 'ACC-10', 0, one('00', `07 ${FILES} 03 01 70`), 'content-kind'],
  ['an unknown root', 'ACC-10', 0, one('00', '04 01 06 68696464656e 01 78'), 'root-name'],
  ['an own item to come', 'ACC-11', 1, one('01', '84 05 02 01 79'), 'bad-reference'],
  ['itself', 'ACC-11', 1, one('01', '84 05 01 01 79'), 'bad-reference'],
  ['itself as parent', 'ACC-11', 0, one('00', '04 00 05 00 01 78'), 'bad-reference'],
  ['an id beyond all clocks', 'ACC-11', 0, one('00', '84 07 8080808010 01 79'), 'bad-reference'],
  ['a client twice', 'ACC-12', 0, '00 02 07 01 00 01 07 01 02 01', 'bad-delete-set'],
  ['a client without ranges', 'ACC-12', 0, '00 01 07 00', 'bad-delete-set'],
  ['an empty range', 'ACC-12', 0, '00 01 07 01 00 00', 'bad-delete-set'],
  ['ranges that overlap', 'ACC-12', 0, '00 01 07 02 00 02 01 01', 'bad-delete-set'],
  ['ranges out of order', 'ACC-12', 0, '00 01 07 02 04 01 00 01', 'bad-delete-set'],
  ['a range that erases all that comes', 'ACC-12', 0, '00 01 07 01 00 8080808080 20', 'bad-delete-set'],
  ['own clocks that do not exist yet', 'ACC-12', 1, '00 01 05 01 00 02', 'bad-delete-set'],
  [
    'the first fault in reading order names the refusal',
    'ACC-6',
    0,
    `01 01 05 00 0a 04 01 07 00`,
    'skip-struct',
  ],
];

export const updateVectors = (): UpdateVector[] =>
  ROWS.map(([name, rules, clock, update, expected]) => ({
    name,
    rules: rules.split(' '),
    client: CLIENT,
    clock,
    hex: hex(bytesOf(update)),
    ...(typeof expected === 'string' ? { refused: expected } : { accepted: expected }),
  }));
