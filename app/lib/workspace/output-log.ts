/** Draws a run's text into an element: once a frame, only what arrived, in blocks the browser can skip out of sight. */
import { ConsoleText, type ConsoleLine, type Span } from '../runtime/console.ts';
import { outputStep, type OutputPiece } from './output-pieces.ts';

/** Long enough that a full log has few blocks, short enough that one is laid out in no time. */
const LINES_PER_BLOCK = 64;
/** Error output is red until it chooses a colour itself; afterwards the default is back. */
const AS_ERROR = ['\x1b[31m', '\x1b[39m'] as const;
/** The eight colours of terminals in ours; the bright eight are the same. */
const ANSI_TOKENS = [
  '--ink-3',
  '--bad',
  '--accent',
  '--warn',
  '--code-name',
  '--code-keyword',
  '--code-type',
  '--ink',
] as const;

export class OutputLog {
  readonly #host: HTMLElement;
  #run: string | undefined;
  #wanted: readonly OutputPiece[] = [];
  #drawn: readonly OutputPiece[] = [];
  #console = new ConsoleText();
  /** Finished lines in the page, and how many of the console's were let go when that was counted. */
  #finished = 0;
  #dropped = 0;
  #block: HTMLElement | undefined;
  #inBlock = 0;
  /** The line that may still change. */
  #tail: HTMLElement | undefined;
  #frame: number | undefined;

  constructor(host: HTMLElement) {
    this.#host = host;
  }

  /** Shows the output of a run as it is now; another run starts an empty log. */
  show(run: string | undefined, output: readonly OutputPiece[]): void {
    if (run !== this.#run) {
      this.#run = run;
      this.#clear();
    }
    this.#wanted = output;
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined;
      this.#draw();
    });
  }

  dispose(): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
  }

  #draw(): void {
    const step = outputStep(this.#drawn, this.#wanted);
    if (step.reset) this.#clear();
    this.#drawn = [...this.#wanted];
    if (step.append.length === 0) return;
    for (const { stream, text } of step.append)
      this.#console.write(stream === 'stderr' ? AS_ERROR[0] + text + AS_ERROR[1] : text);
    this.#drawLines(this.#console.lines);
  }

  #clear(): void {
    this.#console = new ConsoleText();
    this.#drawn = [];
    this.#clearLines();
  }

  #clearLines(): void {
    this.#host.replaceChildren();
    this.#finished = 0;
    this.#dropped = this.#console.droppedLines;
    this.#block = undefined;
    this.#tail = undefined;
  }

  #drawLines(lines: readonly ConsoleLine[]): void {
    if (this.#dropped !== this.#console.droppedLines) this.#clearLines();
    this.#tail?.remove();
    for (const line of lines.slice(this.#finished, -1)) {
      this.#openBlock().append(...line.map(drawSpan), '\n');
      this.#inBlock++;
    }
    this.#finished = lines.length - 1;
    this.#tail = document.createElement('span');
    this.#tail.append(...(lines.at(-1) ?? []).map(drawSpan));
    this.#openBlock().append(this.#tail);
  }

  /** Blocks hold whole lines, so that a new block starts where a new line would. */
  #openBlock(): HTMLElement {
    if (this.#block && this.#inBlock < LINES_PER_BLOCK) return this.#block;
    this.#inBlock = 0;
    this.#block = this.#host.appendChild(document.createElement('div'));
    this.#block.className = 'block';
    return this.#block;
  }
}

function drawSpan({ text, style }: Span): Node | string {
  const { color, background, bold, dim, italic, underline } = style;
  const plain = color === undefined && background === undefined && !bold && !dim && !italic && !underline;
  if (plain) return text;
  const span = document.createElement('span');
  span.textContent = text;
  if (color !== undefined) span.style.color = token(color);
  if (background !== undefined)
    span.style.background = `color-mix(in oklab, ${token(background)} 25%, transparent)`;
  if (bold) span.style.fontWeight = '600';
  if (dim) span.style.opacity = '0.75';
  if (italic) span.style.fontStyle = 'italic';
  if (underline) span.style.textDecoration = 'underline';
  return span;
}

const token = (color: number): string => `var(${ANSI_TOKENS[color % 8] ?? '--ink'})`;
