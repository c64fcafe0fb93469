/**
 * The language of a file, by its name. Python and JavaScript/TypeScript come with the editor, so they are there offline;
 * every other grammar is fetched when a file first needs it.
 */
import { javascript } from '@codemirror/lang-javascript';
import { python } from '@codemirror/lang-python';
import { LanguageDescription, type LanguageSupport } from '@codemirror/language';

const nearby = [
  LanguageDescription.of({
    name: 'Python',
    extensions: ['py', 'pyi', 'pyw'],
    support: python(),
  }),
  LanguageDescription.of({ name: 'JavaScript', extensions: ['js', 'mjs', 'cjs'], support: javascript() }),
  LanguageDescription.of({ name: 'JSX', extensions: ['jsx'], support: javascript({ jsx: true }) }),
  LanguageDescription.of({
    name: 'TypeScript',
    extensions: ['ts', 'mts', 'cts'],
    support: javascript({ typescript: true }),
  }),
  LanguageDescription.of({
    name: 'TSX',
    extensions: ['tsx'],
    support: javascript({ typescript: true, jsx: true }),
  }),
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

/** The language where it came with the editor, else undefined: ask `fetchLanguage`. */
export function nearbyLanguage(path: string): FileLanguage | undefined {
  const found = LanguageDescription.matchFilename(nearby, nameOf(path));
  return found?.support && { name: found.name, support: found.support };
}

/** Fetches the grammar a file name calls for. Plain text where there is none, or where it can't be fetched now. */
export async function fetchLanguage(path: string): Promise<FileLanguage> {
  try {
    const { languages } = await import('@codemirror/language-data');
    const found = LanguageDescription.matchFilename(languages, nameOf(path));
    return found ? { name: found.name, support: await found.load() } : PLAIN_TEXT;
  } catch {
    return PLAIN_TEXT;
  }
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
