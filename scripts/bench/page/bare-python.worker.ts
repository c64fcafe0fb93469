/** Pyodide with nothing around it: boots at once, then runs what it is given. */
interface Pyodide {
  runPython(source: string): unknown;
}
type LoadPyodide = (options: { indexURL: string; stdout: (line: string) => void }) => Promise<Pyodide>;

const folder = '/_app/immutable/pyodide/';
const { loadPyodide } = (await import(/* @vite-ignore */ `${folder}pyodide.mjs`)) as {
  loadPyodide: LoadPyodide;
};
const python = await loadPyodide({ indexURL: folder, stdout: (line) => self.postMessage(line) });
self.addEventListener('message', ({ data }: MessageEvent<string>) => python.runPython(data));
self.postMessage('booted');

export {};
