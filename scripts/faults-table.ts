/**
 * docs/faults-and-attacks.md in step with the tests: each row names tests, each of them by a file that there is and by words
 * of a string in it (its title), and rules that the pages define.
 */
import { existsSync, readFileSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { definedIn, idsIn, stringsOf, type Source } from './spec-ids.ts';

const TABLE = 'docs/faults-and-attacks.md';
const COLUMNS = 4;
/** In the place of tests. */
const NOT_YET = 'not built yet';
const TEST = /`([^`]+)` “([^”]+)”/g;

/** What is wrong with the table, a sentence each. `test` gives a file's text, undefined where there is none. */
export function faultsIn(
  table: string,
  rules: ReadonlySet<string>,
  test: (path: string) => string | undefined,
): string[] {
  const faults: string[] = [];
  const strings = new Map<string, readonly string[] | undefined>();
  const stringsIn = (path: string): readonly string[] | undefined => {
    if (!strings.has(path)) {
      const text = test(path);
      strings.set(path, text === undefined ? undefined : stringsOf({ path, text }));
    }
    return strings.get(path);
  };
  for (const cells of rowsOf(table)) {
    const [line = '', , ids = '', shownBy = ''] = cells;
    if (cells.length !== COLUMNS) faults.push(`"${line}" has ${cells.length} columns, not ${COLUMNS}.`);
    for (const id of idsIn(ids))
      if (!rules.has(id)) faults.push(`"${line}" names ${id}, which no page defines.`);
    if (shownBy === NOT_YET) continue;
    const tests = [...shownBy.matchAll(TEST)];
    if (tests.length === 0) faults.push(`"${line}" names no test.`);
    for (const [, path = '', title = ''] of tests) {
      const known = stringsIn(path);
      if (known === undefined) faults.push(`"${line}" names ${path}, which is not there.`);
      else if (!known.some((one) => one.includes(title))) faults.push(`${path} has no test "${title}".`);
    }
  }
  return faults;
}

/** The cells of each row below a heading. */
function rowsOf(table: string): string[][] {
  const rows: string[][] = [];
  let below = false;
  for (const line of table.split('\n')) {
    if (!line.startsWith('|')) below = false;
    else if (line.startsWith('|---')) below = true;
    else if (below)
      rows.push(
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );
  }
  return rows;
}

function main(): void {
  const root = join(import.meta.dirname, '..');
  const read = (path: string): string => readFileSync(join(root, path), 'utf8');
  const pages = globSync(['docs/SPEC.md', 'docs/spec-*.md'], { cwd: root }).map((path): Source => ({
    path,
    text: read(path),
  }));
  const test = (path: string): string | undefined => (existsSync(join(root, path)) ? read(path) : undefined);
  for (const fault of faultsIn(read(TABLE), definedIn(pages), test)) {
    console.error(`${TABLE}: ${fault}`);
    process.exitCode = 1;
  }
}

if (import.meta.main) main();
