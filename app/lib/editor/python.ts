/** Python as the editor has it: colours, indentation and folds, without lists of completions, which nothing shows. */
import { pythonLanguage } from '@codemirror/lang-python';
import { LanguageSupport } from '@codemirror/language';

export const python = (): LanguageSupport => new LanguageSupport(pythonLanguage);
