/**
 * A program's output as it should look: text with the common ANSI styles, carriage returns that overwrite the line, everything
 * else of terminals left out. Pure; what comes in is untrusted, what comes out is bounded. ECMA-48 §8.3.117 (SGR).
 */

import { PLAIN, sameStyle, styleAfter, type TextStyle } from './text-style.ts';

export interface Span {
  readonly text: string;
  readonly style: TextStyle;
}

export type ConsoleLine = readonly Span[];

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

interface OpenLine {
  readonly spans: { text: string; readonly style: TextStyle }[];
  /** Beyond MAX_LINE_CHARS they are counted and not kept. */
  columns: number;
}

/** Characters that take one place each and do nothing else: a run of them is added at once. */
const PLAIN_TEXT = /[\x20-\x7e\xa0-\ud7ff\ue000-\uffff]+/y;

/** What has been printed so far. `write` takes text as it arrives: sequences may be cut anywhere. */
export class ConsoleText {
  #done: ConsoleLine[] = [];
  /** The unfinished line: spans while it only grows, which is how nearly all output comes, and cells once it was overwritten. */
  #line: OpenLine = { spans: [], columns: 0 };
  #cells: Cell[] | undefined;
  #column = 0;
  #style = PLAIN;
  #unfinished = '';
  #dropped = 0;

  /** Every line, the last one unfinished; at most MAX_LINES. */
  get lines(): readonly ConsoleLine[] {
    return [...this.#done, this.#lineSpans()];
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
        PLAIN_TEXT.lastIndex = at;
        const text = this.#growing ? (PLAIN_TEXT.exec(whole)?.[0] ?? '') : '';
        if (text !== '') {
          this.#grow(text, text.length);
          at += text.length;
          continue;
        }
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
    if (this.#growing) return this.#grow(char, 1);
    if (this.#column < MAX_LINE_CHARS) this.#apart()[this.#column] = { char, style: this.#style };
    this.#column++;
  }

  get #growing(): boolean {
    return this.#cells === undefined && this.#column === this.#line.columns;
  }

  /** Adds at the end of the line; `text` is that many columns wide. */
  #grow(text: string, columns: number): void {
    const room = Math.max(0, MAX_LINE_CHARS - this.#column);
    const kept = columns <= room ? text : text.slice(0, room);
    const last = this.#line.spans.at(-1);
    if (last && sameStyle(last.style, this.#style)) last.text += kept;
    else if (kept !== '') this.#line.spans.push({ text: kept, style: this.#style });
    this.#column += columns;
    this.#line.columns += columns;
  }

  /** The line as cells from now on, so that some can be replaced. */
  #apart(): Cell[] {
    this.#cells ??= this.#line.spans.flatMap(({ text, style }) =>
      Array.from(text, (char) => ({ char, style })),
    );
    return this.#cells;
  }

  #lineSpans(): ConsoleLine {
    return this.#cells ? spansOf(this.#cells) : this.#line.spans.map((span) => ({ ...span }));
  }

  #newLine(): void {
    this.#done.push(this.#cells ? spansOf(this.#cells) : this.#line.spans);
    this.#line = { spans: [], columns: 0 };
    this.#cells = undefined;
    this.#column = 0;
    if (this.#done.length < MAX_LINES) return;
    // A tenth at a time: taking one off the top for each line would copy them all each time.
    const surplus = this.#done.length - MAX_LINES + MAX_LINES / 10;
    this.#done = this.#done.slice(surplus);
    this.#dropped += surplus;
  }

  #eraseLine(sequence: string): void {
    const line = this.#apart();
    line.length = sequence.includes('2') ? 0 : Math.min(line.length, this.#column);
    while (line.length < Math.min(this.#column, MAX_LINE_CHARS)) line.push({ char: ' ', style: PLAIN });
  }
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
