/**
 * The language of a file, by its name. Python comes with the editor, as new rooms open in it; JavaScript and TypeScript
 * come when a file first needs them, and every other grammar too. The names of these are known at once.
 */
import { LanguageDescription, type LanguageSupport } from '@codemirror/language';
import { python } from './python.ts';

const javascript = (name: string, extensions: string[], options: { jsx?: boolean; typescript?: boolean }) =>
  LanguageDescription.of({
    name,
    extensions,
    load: async () => (await import('@codemirror/lang-javascript')).javascript(options),
  });

const nearby = [
  LanguageDescription.of({ name: 'Python', extensions: ['py', 'pyi', 'pyw'], support: python() }),
  javascript('JavaScript', ['js', 'mjs', 'cjs'], {}),
  javascript('JSX', ['jsx'], { jsx: true }),
  javascript('TypeScript', ['ts', 'mts', 'cts'], { typescript: true }),
  javascript('TSX', ['tsx'], { typescript: true, jsx: true }),
];

/** Text that is read more than parsed: its lines wrap unless a person says otherwise. */
const PROSE = /\.(md|markdown|mdx|txt|rst|adoc|tex|org)$|(^|\/)(readme|license|changelog|notice|authors)$/i;

export const isProse = (path: string): boolean => PROSE.test(path);

/** What a file name tells at once; `load` fetches the grammar where it isn't here yet. */
export interface FileLanguage {
  readonly name: string;
  readonly support?: LanguageSupport;
}

export const PLAIN_TEXT: FileLanguage = { name: 'Plain text' };

/** The language where its name is known at once, with its grammar once that is here: ask `fetchLanguage` for it. */
export function nearbyLanguage(path: string): FileLanguage | undefined {
  const found = LanguageDescription.matchFilename(nearby, nameOf(path));
  if (!found) return undefined;
  return { name: found.name, ...(found.support && { support: found.support }) };
}

/** Fetches the grammar a file name calls for. Plain text where there is none, or where it can't be fetched now. */
export async function fetchLanguage(path: string): Promise<FileLanguage> {
  try {
    const found =
      LanguageDescription.matchFilename(nearby, nameOf(path)) ??
      LanguageDescription.matchFilename((await import('@codemirror/language-data')).languages, nameOf(path));
    return found ? { name: found.name, support: await found.load() } : PLAIN_TEXT;
  } catch {
    return PLAIN_TEXT;
  }
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
