/** What a new room greets with: small, runnable in two languages, and gone with two deletions. */

export const starterProject: readonly { readonly path: string; readonly content: string }[] = [
  {
    path: 'main.py',
    content: `from words import greeting

name = input("Who is here? ")
print(greeting(name))
`,
  },
  {
    path: 'words.py',
    content: `def greeting(name: str) -> str:
    """A line for whoever came in."""
    return f"Hello, {name or 'stranger'}. This ran in your tab."
`,
  },
  {
    path: 'shapes.ts',
    content: `type Shape = { kind: 'circle'; r: number } | { kind: 'square'; side: number };

const area = (shape: Shape): number =>
  shape.kind === 'circle' ? Math.PI * shape.r ** 2 : shape.side ** 2;

const shapes: Shape[] = [
  { kind: 'circle', r: 1 },
  { kind: 'square', side: 2 },
];

for (const shape of shapes) console.log(shape.kind, area(shape).toFixed(2));
`,
  },
  {
    path: 'README.md',
    content: `# Welcome

- **Run** starts the file you are in: try main.py, then shapes.ts.
- **Share** gives you the link. Whoever opens it edits with you.
- Drop a folder or a zip onto the files to bring your own project.

Everything you type is kept on this device, and goes straight to the others' browsers.
`,
  },
];
