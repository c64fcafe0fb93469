// A file is shown in the colours of its language: of the one that comes with the page, and of those that are fetched.
import { expect, test } from './fixtures/codeface.ts';
import { makeRoom, newFile } from './fixtures/room.ts';

const files = [
  ['count.py', 'import math  # of all', 'Python'],
  // As the list of all languages has it.
  ['BUILD', 'count = 1  # of all', 'Python'],
  ['count.tsx', 'const count = <b>1</b>; // of all', 'TSX'],
  ['count.sql', "select count(*) from a where b = 'c'", 'SQL'],
  ['count.go', 'package main // of all', 'Go'],
  ['count.md', '# Count\n\n```python\nimport math\n```\n', 'Markdown'],
  ['count.html', '<p class="count"><script>let a = 1</script>', 'HTML'],
] as const;

test('Ann writes in seven kinds of file, each coloured and named', async ({ person }) => {
  const ann = await person({ savesData: true });
  const { page } = ann;
  await makeRoom(page);
  for (const [path, text, language] of files) {
    await newFile(page, path, text);
    await expect(page.getByRole('contentinfo')).toContainText(language);
    // CodeMirror's name for a piece of a line that has a style.
    await expect(page.locator('.cm-line span[class*="ͼ"]').first(), path).toBeVisible();
  }
  expect(ann.complaints).toEqual([]);
});
