/** The letters on an avatar. */

/** The first letters of the first and last word, upper case: "Quiet Otter" → "QO". At most `count`; "?" for no name. */
export function initials(name: string, count: 1 | 2 = 2): string {
  const words = name.trim().split(/\s+/u).filter(Boolean);
  const picked = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  const letters = picked.map((word) => [...(word ?? '')][0]?.toLocaleUpperCase() ?? '');
  return letters.slice(0, count).join('') || '?';
}
