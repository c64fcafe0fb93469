/** A run's output as pieces to append: what is new since the last drawing, so that a drawing costs only what arrived. */

export interface OutputPiece {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

export interface OutputStep {
  /** The output is another one, or was put in another order: draw from the start. */
  readonly reset: boolean;
  readonly append: readonly OutputPiece[];
}

/** What to draw so that `drawn` becomes `now`. The last piece may have grown. */
export function outputStep(drawn: readonly OutputPiece[], now: readonly OutputPiece[]): OutputStep {
  const last = drawn.length - 1;
  const grown = now[last];
  const old = drawn[last];
  if (old === undefined) return { reset: false, append: now };
  const sameStart = drawn.every((piece, i) => i === last || same(piece, now[i]));
  if (!sameStart || grown?.stream !== old.stream || !grown.text.startsWith(old.text))
    return { reset: true, append: now };
  const rest = grown.text.slice(old.text.length);
  const append = now.slice(drawn.length);
  return { reset: false, append: rest === '' ? append : [{ stream: old.stream, text: rest }, ...append] };
}

function same(a: OutputPiece, b: OutputPiece | undefined): boolean {
  return a === b || (a.stream === b?.stream && a.text === b.text);
}
