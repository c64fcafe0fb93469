/** Finds what a person means by a few letters: the letters in their order, best where words begin. */

export interface Match {
  /** Higher is better. */
  readonly score: number;
  /** Offsets of the matched characters in the text. */
  readonly at: readonly number[];
}

/** Undefined when the letters are not all there, in order. An empty query matches everything alike. */
export function matchLetters(query: string, text: string): Match | undefined {
  const wanted = query.toLowerCase().replace(/\s+/g, '');
  const found = text.toLowerCase();
  if (found.length !== text.length) return wanted === '' ? { score: 0, at: [] } : undefined;
  const whole = found.lastIndexOf(wanted);
  if (wanted !== '' && whole !== -1) {
    const start = bestStart(found, wanted) ?? whole;
    return {
      score: 100 + (isWordStart(found, start) ? 50 : 0) - text.length / 100,
      at: Array.from(wanted, (_, i) => start + i),
    };
  }
  return lettersAt(found, wanted, true) ?? lettersAt(found, wanted, false);
}

/** The letters one by one, each where a word begins if there is such a place, or each as early as can be. */
function lettersAt(text: string, wanted: string, atStarts: boolean): Match | undefined {
  const at: number[] = [];
  let score = 0;
  let from = 0;
  for (const letter of wanted) {
    const start = atStarts && text[from] !== letter ? firstStart(text, letter, from) : undefined;
    const next = start ?? text.indexOf(letter, from);
    if (next === -1) return undefined;
    score += next === from && at.length > 0 ? 3 : isWordStart(text, next) ? 2 : 0;
    at.push(next);
    from = next + letter.length;
  }
  return { score: score - text.length / 100, at };
}

function firstStart(text: string, letter: string, from: number): number | undefined {
  for (let at = text.indexOf(letter, from); at !== -1; at = text.indexOf(letter, at + 1))
    if (isWordStart(text, at)) return at;
  return undefined;
}

/** The texts that match, best first; equal ones keep their order. */
export function rank<T>(
  query: string,
  items: readonly T[],
  textOf: (item: T) => string,
  limit: number,
): { item: T; match: Match }[] {
  return items
    .flatMap((item) => {
      const match = matchLetters(query, textOf(item));
      return match ? [{ item, match }] : [];
    })
    .sort((a, b) => b.match.score - a.match.score)
    .slice(0, limit);
}

function bestStart(text: string, wanted: string): number | undefined {
  for (let at = text.lastIndexOf(wanted); at !== -1; at = at > 0 ? text.lastIndexOf(wanted, at - 1) : -1)
    if (isWordStart(text, at)) return at;
  return undefined;
}

const isWordStart = (text: string, at: number): boolean => at === 0 || /[\s/._-]/.test(text[at - 1] ?? '');
