/** What is said where a browser can't seal or sign. */

/** 'insecure': neither https nor localhost, so the browser hides its cryptography. */
export type BrowserProblem = 'old' | 'insecure';

export const browserWords: Readonly<
  Record<BrowserProblem, { readonly title: string; readonly why: string; readonly next: string }>
> = {
  old: {
    title: 'This browser is too old for CodeFace',
    why: 'Rooms are signed and sealed with Ed25519 and X25519, which this browser does not have.',
    next: 'Open the same address in Chrome or Edge 137, Firefox 130, Safari 17, or anything newer.',
  },
  insecure: {
    title: 'This address is not safe enough for CodeFace',
    why: 'Browsers allow cryptography only on https and on localhost, and without it a room can not be sealed.',
    next: 'Open the same page with https:// in front, or on the machine itself as http://localhost.',
  },
};
