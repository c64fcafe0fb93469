/** One person's caret as the layer draws it: reused while it moves, so that its name can fade in peace. */
import type { LayerMarker } from '@codemirror/view';

/** Longer names are cut on the flag; the list of people has them whole. */
const MAX_FLAG_CHARACTERS = 32;
/** A little more than Inter 600 at 11 px takes. */
const FLAG_LETTER_PX = 7;
/** The colours there are tokens for look so: a word from the network never becomes another selector or style. */
const COLOUR = /^[a-z]{2,12}$/;

export interface Caret {
  readonly id: string;
  readonly name: string;
  readonly colour: string;
  /** Counts the person's own movements, not those of the text around them. */
  readonly moves: number;
  /** Px from the corner of the layer. */
  readonly left: number;
  readonly top: number;
  readonly height: number;
  /** The flag hangs below the caret: on the first line, where above is outside. */
  readonly below: boolean;
  /** The flag goes to the left: at the right edge. */
  readonly leftward: boolean;
}

/** About how wide the flag with this name is, in px. */
export const flagWidth = (name: string): number =>
  Math.min(name.length, MAX_FLAG_CHARACTERS) * FLAG_LETTER_PX + 12;

/** The colour as a token name: a known shape, or the first of the twelve. */
export const peerToken = (colour: string): string => (COLOUR.test(colour) ? colour : 'amber');

export class CaretMarker implements LayerMarker {
  readonly #caret: Caret;

  constructor(caret: Caret) {
    this.#caret = caret;
  }

  eq(other: CaretMarker): boolean {
    const keys = Object.keys(this.#caret) as (keyof Caret)[];
    return keys.every((key) => this.#caret[key] === other.#caret[key]);
  }

  draw(): HTMLElement {
    const element = document.createElement('div');
    const flag = element.appendChild(document.createElement('div'));
    flag.className = 'flag';
    this.#apply(element, flag);
    return element;
  }

  update(element: HTMLElement, old: CaretMarker): boolean {
    const flag = element.firstElementChild;
    if (old.#caret.id !== this.#caret.id || !(flag instanceof HTMLElement)) return false;
    this.#apply(element, flag);
    return true;
  }

  #apply(element: HTMLElement, flag: HTMLElement): void {
    const { name, colour, moves, left, top, height, below, leftward } = this.#caret;
    element.className = 'cm-peer-caret';
    element.classList.toggle('below', below);
    element.classList.toggle('leftward', leftward);
    element.dataset.peer = peerToken(colour);
    // Two names of one animation: changing between them starts the fade over.
    element.dataset.moves = moves % 2 === 0 ? 'even' : 'odd';
    element.style.left = `${left}px`;
    element.style.top = `${top}px`;
    element.style.height = `${height}px`;
    flag.textContent = name.slice(0, MAX_FLAG_CHARACTERS);
  }
}
