/**
 * Rules and tests in step: every rule of docs/SPEC.md and docs/spec-*.md is named by a test, and no test names a rule
 * that there is not. A rule is defined where its id begins a bold phrase (`**LOG-3**`, `**TREE-1 Paths.**`). A test names
 * it in a string: its title, a row of its table, or the name of a case in a contract suite ("CERT-2 to CERT-4" names three).
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** A text and where it is from. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

export interface Mismatch {
  /** Rules that no test names. */
  readonly untested: readonly string[];
  /** Ids in tests that no page defines, as `path: id`. */
  readonly unknown: readonly string[];
}

const SPECS = ['docs/SPEC.md', 'docs/spec-*.md'];
const TESTS = ['{app,signaling,scripts}/**/*.{test,e2e}.ts', 'app/testing/**/*.ts'];

const DEFINED = /\*\*([A-Z]{2,6}-\d+)\b/g;
const NAMED = /\b([A-Z]{2,6})-(\d+)(?: to \1-(\d+))?(?![\w-])/g;
/** Begins as a title with an id does: believed to be one, whatever its prefix. Elsewhere `SHA-256` is no rule. */
const TITLE = /^[A-Z]{2,6}-\d+[ ,:]/;

export function compareRules(specs: readonly Source[], tests: readonly Source[]): Mismatch {
  const defined = definedIn(specs);
  const prefixes = new Set([...defined].map(prefixOf));
  const named = new Set<string>();
  const unknown = new Set<string>();
  for (const test of tests)
    for (const string of stringsOf(test))
      for (const id of idsIn(string)) {
        named.add(id);
        const isRule = prefixes.has(prefixOf(id)) || (TITLE.test(string) && string.startsWith(id));
        if (isRule && !defined.has(id)) unknown.add(`${test.path}: ${id}`);
      }
  return {
    untested: [...defined].filter((id) => !named.has(id)).sort(inOrder),
    unknown: [...unknown].sort(inOrder),
  };
}

/** The rules that pages define. */
export const definedIn = (specs: readonly Source[]): ReadonlySet<string> =>
  new Set(specs.flatMap(({ text }) => [...text.matchAll(DEFINED)].map(([, id = '']) => id)));

/** Strings in a source, pieces of templates among them. */
export function stringsOf({ path, text }: Source): string[] {
  const strings: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node))
      strings.push(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest));
  return strings;
}

/** The rules that a text names. */
export function idsIn(text: string): string[] {
  return [...text.matchAll(NAMED)].flatMap(([, prefix = '', first, last = first]) => {
    const count = Math.max(0, Number(last) - Number(first)) + 1;
    return Array.from({ length: count }, (_, i) => `${prefix}-${Number(first) + i}`);
  });
}

const prefixOf = (id: string): string => id.slice(0, id.indexOf('-'));

/** LOG-2 before LOG-10. */
const inOrder = new Intl.Collator('en', { numeric: true }).compare;

function main(): void {
  const root = join(import.meta.dirname, '..');
  const read = (patterns: readonly string[]): Source[] =>
    globSync([...patterns], { cwd: root }).map((path) => ({
      path,
      text: readFileSync(join(root, path), 'utf8'),
    }));
  const { untested, unknown } = compareRules(read(SPECS), read(TESTS));
  for (const id of untested) console.error(`No test names ${id}.`);
  for (const id of unknown) console.error(`A test names a rule that docs do not define: ${id}.`);
  if (untested.length + unknown.length > 0) process.exitCode = 1;
}

if (import.meta.main) main();
