/** How printed text looks, and what the terminal codes for colour and weight change about it. ECMA-48 §8.3.117 (SGR). Pure. */

export interface TextStyle {
  /** 0–7 as in ANSI, 8–15 bright; undefined is the default. Of the 256 and 24-bit colours the nearest of these. */
  readonly color: number | undefined;
  readonly background: number | undefined;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
}

/** How text looks before any code. */
export const PLAIN: TextStyle = {
  color: undefined,
  background: undefined,
  bold: false,
  dim: false,
  italic: false,
  underline: false,
};

/** The style after one SGR sequence, given whole; codes that mean nothing here change nothing. */
export function styleAfter(style: TextStyle, sequence: string): TextStyle {
  const start = sequence.charCodeAt(0) === 0x1b ? 2 : 1;
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

/** Whether text of both looks the same. */
export const sameStyle = (left: TextStyle, right: TextStyle): boolean =>
  left === right ||
  (left.color === right.color &&
    left.background === right.background &&
    left.bold === right.bold &&
    left.dim === right.dim &&
    left.italic === right.italic &&
    left.underline === right.underline);
