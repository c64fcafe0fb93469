/** Cutting long text into pieces that each fit a small log entry. */

/** A UTF-16 unit is at most 3 bytes of UTF-8, so a piece is at most 512 KiB. */
export const PIECE_UNITS = Math.floor((512 * 1024) / 3);

/** Consecutive pieces of `text` of at most 512 KiB of UTF-8 each, never cut inside a surrogate pair; [] for ''. */
export function textPieces(text: string, maxUnits = PIECE_UNITS): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length;) {
    let end = Math.min(at + maxUnits, text.length);
    // A pair cut in two would become two replacement characters on the wire.
    if (end < text.length && end - at > 1 && isHighSurrogate(text.charCodeAt(end - 1))) end--;
    pieces.push(text.slice(at, end));
    at = end;
  }
  return pieces;
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
