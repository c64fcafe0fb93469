/** Draws a run's text into an element: once a frame, only what arrived, in blocks the browser can skip out of sight. */
import { outputStep, type OutputPiece } from './output-pieces.ts';

/** Long enough that a full log has under a hundred blocks, short enough that one is laid out in no time. */
const BLOCK_CHARACTERS = 4096;
/** How near to the end counts as "at the end", in px: a line and a bit. */
const NEAR_END_PX = 28;

export class OutputLog {
  readonly #host: HTMLElement;
  #run: string | undefined;
  #wanted: readonly OutputPiece[] = [];
  #drawn: readonly OutputPiece[] = [];
  #block: HTMLElement | undefined;
  #inBlock = 0;
  #frame: number | undefined;

  constructor(host: HTMLElement) {
    this.#host = host;
  }

  /** Keeps an element scrolled to its end while it grows, unless someone scrolled up. Returns the way to stop. */
  static followTail(scroller: HTMLElement): () => void {
    let follows = true;
    let lastTop = 0;
    const toEnd = (): void => {
      if (follows) scroller.scrollTop = scroller.scrollHeight;
    };
    // Growing content moves the end away from under the reader; only going up is leaving it.
    const onScroll = (): void => {
      const { scrollTop, scrollHeight, clientHeight } = scroller;
      if (scrollHeight - scrollTop - clientHeight < NEAR_END_PX) follows = true;
      else if (scrollTop < lastTop - 1) follows = false;
      lastTop = scrollTop;
    };
    scroller.addEventListener('scroll', onScroll, { passive: true });
    const changes = new MutationObserver(toEnd);
    changes.observe(scroller, { childList: true, subtree: true, characterData: true });
    const sizes = new ResizeObserver(toEnd);
    for (const element of [scroller, ...scroller.children]) sizes.observe(element);
    return () => {
      scroller.removeEventListener('scroll', onScroll);
      changes.disconnect();
      sizes.disconnect();
    };
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
    for (const piece of step.append) this.#append(piece);
    this.#drawn = [...this.#wanted];
  }

  #clear(): void {
    this.#host.replaceChildren();
    this.#drawn = [];
    this.#block = undefined;
  }

  /** Blocks end with a line, so that a new block starts where a new line would. */
  #append({ stream, text }: OutputPiece): void {
    let rest = text;
    while (rest !== '') {
      const room = BLOCK_CHARACTERS - (this.#block ? this.#inBlock : 0);
      const cut = rest.length > room ? rest.indexOf('\n', Math.max(0, room)) + 1 : 0;
      const now = cut > 0 ? rest.slice(0, cut) : rest;
      this.#write(stream, now);
      rest = rest.slice(now.length);
      if (this.#inBlock >= BLOCK_CHARACTERS && now.endsWith('\n')) this.#block = undefined;
    }
  }

  #write(stream: OutputPiece['stream'], text: string): void {
    if (!this.#block) {
      this.#block = this.#host.appendChild(document.createElement('div'));
      this.#block.className = 'block';
      this.#inBlock = 0;
    }
    this.#inBlock += text.length;
    const last = this.#block.lastElementChild;
    const error = stream === 'stderr';
    if (last && last.classList.contains('error') === error) last.append(text);
    else {
      const span = this.#block.appendChild(document.createElement('span'));
      if (error) span.className = 'error';
      span.append(text);
    }
  }
}
