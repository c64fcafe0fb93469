/**
 * A program's output as it should look: text with the common ANSI styles, carriage returns that overwrite the line, everything
 * else of terminals left out. Pure; what comes in is untrusted, what comes out is bounded. ECMA-48 §8.3.117 (SGR).
 */

export interface TextStyle {
  /** 0–7 as in ANSI, 8–15 bright; undefined is the default. Of the 256 and 24-bit colours the nearest of these. */
  readonly color: number | undefined;
  readonly background: number | undefined;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
}

export interface Span {
  readonly text: string;
  readonly style: TextStyle;
}

export type ConsoleLine = readonly Span[];

export const PLAIN: TextStyle = {
  color: undefined,
  background: undefined,
  bold: false,
  dim: false,
  italic: false,
  underline: false,
};

/** Lines kept; older ones go. More than anyone scrolls through, little enough to draw. */
export const MAX_LINES = 10_000;
/** A longer line is cut: beyond this it is data, not something to read. */
export const MAX_LINE_CHARS = 10_000;
/** An escape sequence that hasn't ended by now never will. */
const MAX_SEQUENCE_CHARS = 64;
const TAB_COLUMNS = 8;

interface Cell {
  readonly char: string;
  readonly style: TextStyle;
}

/** What has been printed so far. `write` takes text as it arrives: sequences may be cut anywhere. */
export class ConsoleText {
  #done: ConsoleLine[] = [];
  #line: Cell[] = [];
  #column = 0;
  #style = PLAIN;
  #unfinished = '';
  #dropped = 0;

  /** Every line, the last one unfinished; at most MAX_LINES. */
  get lines(): readonly ConsoleLine[] {
    return [...this.#done, spansOf(this.#line)];
  }

  /** How many lines were let go at the top. */
  get droppedLines(): number {
    return this.#dropped;
  }

  write(text: string): void {
    const whole = this.#unfinished + text;
    this.#unfinished = '';
    let at = 0;
    while (at < whole.length) {
      const code = whole.charCodeAt(at);
      if (code === ESC || code === CSI) {
        const end = endOfSequence(whole, at);
        if (end === undefined) {
          this.#unfinished = whole.slice(at);
          return;
        }
        const sequence = whole.slice(at, end);
        if (sequence.endsWith('m')) this.#style = styleAfter(this.#style, sequence);
        else if (/^.\[[02]?K$/.test(sequence)) this.#eraseLine(sequence);
        at = end;
      } else {
        const char = String.fromCodePoint(whole.codePointAt(at) ?? 0);
        this.#put(char, code);
        at += char.length;
      }
    }
  }

  /** All of it as plain text. */
  toString(): string {
    return this.lines.map((line) => line.map((span) => span.text).join('')).join('\n');
  }

  #put(char: string, code: number): void {
    if (code === LINE_FEED) this.#newLine();
    else if (code === CARRIAGE_RETURN) this.#column = 0;
    else if (code === BACKSPACE) this.#column = Math.max(0, this.#column - 1);
    else if (code === TAB) {
      do this.#cell(' ');
      while (this.#column % TAB_COLUMNS !== 0);
    } else if (code >= 32 && code !== 127 && !(code >= 128 && code < 160)) this.#cell(char);
  }

  #cell(char: string): void {
    if (this.#column < MAX_LINE_CHARS) this.#line[this.#column] = { char, style: this.#style };
    this.#column++;
  }

  #newLine(): void {
    this.#done.push(spansOf(this.#line));
    this.#line = [];
    this.#column = 0;
    if (this.#done.length < MAX_LINES) return;
    // A tenth at a time: taking one off the top for each line would copy them all each time.
    const surplus = this.#done.length - MAX_LINES + MAX_LINES / 10;
    this.#done = this.#done.slice(surplus);
    this.#dropped += surplus;
  }

  #eraseLine(sequence: string): void {
    if (sequence.includes('2')) this.#line = [];
    else this.#line.length = Math.min(this.#line.length, this.#column);
    while (this.#line.length < Math.min(this.#column, MAX_LINE_CHARS))
      this.#line.push({ char: ' ', style: PLAIN });
  }
}

/** The text without any escape sequence, for copying and for people who listen. */
export function stripAnsi(text: string): string {
  let plain = '';
  for (let at = 0; at < text.length;) {
    const code = text.charCodeAt(at);
    if (code === ESC || code === CSI) at = endOfSequence(text, at) ?? text.length;
    else plain += text[at++];
  }
  return plain;
}

const ESC = 0x1b;
const CSI = 0x9b;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const BACKSPACE = 8;
const TAB = 9;
const BELL = 7;

/** Where the sequence that begins at `at` ends, or undefined when its end has not come yet. */
function endOfSequence(text: string, at: number): number | undefined {
  let next = at + 1;
  const limit = Math.min(text.length, at + MAX_SEQUENCE_CHARS);
  const introducer = text.charCodeAt(at) === CSI ? 0x5b : text.charCodeAt(next++);
  if (Number.isNaN(introducer)) return undefined;
  if (introducer === 0x5b) {
    while (next < limit) {
      const code = text.charCodeAt(next++);
      if (code >= 0x40 && code <= 0x7e) return next;
      if (code < 0x20 || code > 0x7e) return next - 1;
    }
  } else if (introducer === 0x5d || introducer === 0x50) {
    // Titles and links: to the bell or the string terminator.
    while (next < limit) {
      const code = text.charCodeAt(next++);
      if (code === BELL) return next;
      if (code === ESC && next < limit) return text.charCodeAt(next) === 0x5c ? next + 1 : next - 1;
    }
  } else if (introducer >= 0x20 && introducer <= 0x2f) {
    while (next < limit) if (text.charCodeAt(next++) >= 0x30) return next;
  } else return next;
  return limit === at + MAX_SEQUENCE_CHARS ? limit : undefined;
}

function styleAfter(style: TextStyle, sequence: string): TextStyle {
  const start = sequence.charCodeAt(0) === ESC ? 2 : 1;
  const codes = sequence
    .slice(start, -1)
    .split(/[;:]/)
    .map((code) => (code === '' ? 0 : Number(code)));
  let next = style;
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] ?? 0;
    if (code === 38 || code === 48) {
      const [color, used] = extendedColor(codes, at + 1);
      next = { ...next, [code === 38 ? 'color' : 'background']: color };
      at += used;
    } else next = { ...next, ...changeBy(code) };
  }
  return next;
}

function changeBy(code: number): Partial<TextStyle> {
  if (code === 0) return PLAIN;
  if (code === 1) return { bold: true };
  if (code === 2) return { dim: true };
  if (code === 3) return { italic: true };
  if (code === 4) return { underline: true };
  if (code === 22) return { bold: false, dim: false };
  if (code === 23) return { italic: false };
  if (code === 24) return { underline: false };
  if (code >= 30 && code <= 37) return { color: code - 30 };
  if (code === 39) return { color: undefined };
  if (code >= 40 && code <= 47) return { background: code - 40 };
  if (code === 49) return { background: undefined };
  if (code >= 90 && code <= 97) return { color: code - 90 + 8 };
  if (code >= 100 && code <= 107) return { background: code - 100 + 8 };
  return {};
}

/** 5;n or 2;r;g;b, and how many codes that took. */
function extendedColor(codes: readonly number[], at: number): [color: number | undefined, used: number] {
  if (codes[at] === 5) {
    const index = codes[at + 1] ?? 0;
    if (!(index >= 0 && index <= 255)) return [undefined, 2];
    if (index < 16) return [index, 2];
    if (index >= 232)
      return [nearest((index - 232) * 10 + 8, (index - 232) * 10 + 8, (index - 232) * 10 + 8), 2];
    const cube = index - 16;
    return [nearest(Math.floor(cube / 36) * 51, (Math.floor(cube / 6) % 6) * 51, (cube % 6) * 51), 2];
  }
  if (codes[at] === 2) return [nearest(codes[at + 1] ?? 0, codes[at + 2] ?? 0, codes[at + 3] ?? 0), 4];
  return [undefined, 0];
}

function nearest(red: number, green: number, blue: number): number {
  const bit = (part: number): number => (part > 96 ? 1 : 0);
  const index = bit(red) | (bit(green) << 1) | (bit(blue) << 2);
  return Math.max(red, green, blue) > 192 ? index + 8 : index;
}

function spansOf(cells: readonly (Cell | undefined)[]): Span[] {
  const spans: { text: string; style: TextStyle }[] = [];
  // Not for…of over holes: a carriage return or a backspace never leaves any.
  for (const cell of cells) {
    const { char, style } = cell ?? { char: ' ', style: PLAIN };
    const last = spans.at(-1);
    if (last && sameStyle(last.style, style)) last.text += char;
    else spans.push({ text: char, style });
  }
  return spans;
}

const sameStyle = (left: TextStyle, right: TextStyle): boolean =>
  left === right ||
  (left.color === right.color &&
    left.background === right.background &&
    left.bold === right.bold &&
    left.dim === right.dim &&
    left.italic === right.italic &&
    left.underline === right.underline);
