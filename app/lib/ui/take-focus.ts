/** An attachment for a button that answers a question: the focus is on it as soon as it is there. */
export const takeFocus = (button: HTMLElement): void => queueMicrotask(() => button.focus());
