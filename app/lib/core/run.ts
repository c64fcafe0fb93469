/** What a run of a program says, in the words that its runtime, the `runs` channel and the room share. */

export interface OutputPiece {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

export type RunEnd =
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'time-limit'; readonly limitMs: number }
  | { readonly kind: 'output-limit'; readonly limitBytes: number }
  | { readonly kind: 'out-of-memory' }
  /** The runtime itself could not start or died; `message` says what happened in words for people. */
  | { readonly kind: 'failed'; readonly message: string };
