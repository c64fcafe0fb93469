/** Output of a run in the tab that runs it: more than the room is told (DESIGN §6), and bounded all the same. Pure. */
import { utf8 } from '../core/bytes.ts';

export interface LocalPiece {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/** How a program begins: as much as the room is told. */
const HEAD_CHARS = 256 * 1024;
/** The end is let grow to the larger and then cut to the smaller: whoever draws it starts over at each cut, not at each line. */
const TAIL_CHARS = { most: 1024 * 1024, least: 256 * 1024 };
/** Short pieces of one stream are joined up to this, so that a page draws hundreds of them and not millions. */
const JOINED_CHARS = 16 * 1024;

export class LocalOutput {
  #head: LocalPiece[] = [];
  #headChars = 0;
  #tail: LocalPiece[] = [];
  #tailChars = 0;
  #notKept = 0;

  /** Bytes (of UTF-8) between beginning and end that this tab has let go. */
  get notKept(): number {
    return this.#notKept;
  }

  add(stream: LocalPiece['stream'], text: string): void {
    if (this.#headChars < HEAD_CHARS) {
      join(this.#head, { stream, text });
      this.#headChars += text.length;
      return;
    }
    join(this.#tail, { stream, text });
    this.#tailChars += text.length;
    if (this.#tailChars <= TAIL_CHARS.most) return;
    while (this.#tailChars > TAIL_CHARS.least && this.#tail.length > 1) {
      const dropped = this.#tail.shift()?.text ?? '';
      this.#tailChars -= dropped.length;
      this.#notKept += utf8(dropped).length;
    }
  }

  /** Everything kept, oldest first. */
  pieces(): readonly LocalPiece[] {
    return [...this.#head, ...this.#tail];
  }
}

function join(pieces: LocalPiece[], piece: LocalPiece): void {
  const last = pieces.at(-1);
  if (last?.stream === piece.stream && last.text.length + piece.text.length <= JOINED_CHARS)
    pieces[pieces.length - 1] = { stream: last.stream, text: last.text + piece.text };
  else pieces.push(piece);
}
