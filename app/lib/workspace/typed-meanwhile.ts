/**
 * What somebody types while the room is opened again: kept in a field of the page, which writes as any other does (input
 * methods, a phone's keys, Paste), until they can go on where they were. Holds one place at a time.
 */
import type { TextPlace, Typed } from '../editor/text-place.ts';

/** Where they were writing: in a file, or in the chat, where `draft` is what was selected of it. */
export type Left =
  | { readonly file: string; readonly place: TextPlace; readonly draft?: undefined }
  | { readonly file?: undefined; readonly draft: readonly [from: number, to: number] };

/** Out of sight, and in letters that a phone does not zoom to. */
const STYLE = 'position:fixed;inset:0 auto auto 0;opacity:0;pointer-events:none;font-size:16px';

export class TypedMeanwhile {
  /** Told by the room that is shown; undefined while they write nothing. */
  where: () => Left | undefined = () => undefined;
  #left: Left | undefined;
  #field: HTMLTextAreaElement | undefined;
  #erased = 0;
  #composing = false;
  #waiting: (() => void) | undefined;

  get left(): Left | undefined {
    return this.#left;
  }

  /** The room is being left. Again before anybody went on: the first place counts. */
  begin(): void {
    this.#left ??= this.where();
    this.#waiting = undefined;
    if (!this.#left || this.#field) return;
    const field = document.createElement('textarea');
    field.ariaLabel = 'What you type while the room is opened again';
    field.style.cssText = STYLE;
    field.onkeydown = (event) => {
      const { key, ctrlKey, altKey, metaKey } = event;
      if (key === 'Tab') event.preventDefault();
      if (key === 'Backspace' && !ctrlKey && !altKey && !metaKey && field.selectionEnd === 0) this.#erased++;
    };
    field.addEventListener('compositionstart', () => (this.#composing = true));
    field.addEventListener('compositionend', () => {
      this.#composing = false;
      this.#waiting?.();
    });
    document.body.append(field);
    field.focus({ preventScroll: true });
    this.#field = field;
  }

  /** Hands over when no word is being composed. `focused`: they have not gone elsewhere. Nothing may be awaited but a tick. */
  async end(goOn: (left: Left, typed: Typed, focused: boolean) => Promise<void>): Promise<void> {
    const left = this.#left;
    const field = this.#field;
    if (!left || !field) return;
    if (this.#composing) {
      this.#waiting = () => void this.end(goOn);
      return;
    }
    const typed = { text: field.value, erased: this.#erased };
    this.#forget();
    await goOn(left, typed, document.activeElement === field);
    field.remove();
  }

  /** There is nowhere to go on. */
  drop(): void {
    this.#field?.remove();
    this.#forget();
  }

  #forget(): void {
    this.#left = this.#field = this.#waiting = undefined;
    this.#composing = false;
    this.#erased = 0;
  }
}
