/** Stands in for the carets that y-codemirror.next would draw (vite.config.ts): remote-cursors.ts draws those of the room. */
import type { Extension } from '@codemirror/state';

export const yRemoteSelections: Extension = [];
export const yRemoteSelectionsTheme: Extension = [];
