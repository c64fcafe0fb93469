/** What frame and worker say to each other. The frame owns the shared memory and lends it to one worker each. */

/** Shared memory of one worker. */
export interface SharedMemory {
  readonly ring: SharedArrayBuffer;
  readonly input: SharedArrayBuffer;
  /** One 32-bit cell: 2 asks Python for a KeyboardInterrupt, and wakes whoever sleeps on it. */
  readonly interrupt: SharedArrayBuffer;
}

export interface BootMessage {
  readonly kind: 'boot';
  readonly assets: ReadonlyMap<string, Uint8Array>;
  readonly modules: ReadonlyMap<string, WebAssembly.Module>;
  readonly shared: SharedMemory;
  readonly door: MessagePort;
}

/** Frame → worker. `input` answers a `want` of the `message` kind. The program comes from the app (program-door.ts). */
export type ToWorker = BootMessage | { readonly kind: 'input'; readonly bytes: Uint8Array | undefined };

/** Worker → frame; a program can send any of these itself, and only hurts its own run. */
export type FromWorker =
  | { readonly kind: 'booted' }
  | { readonly kind: 'boot-failed'; readonly message: string }
  | { readonly kind: 'want'; readonly by: 'memory' | 'message' }
  | { readonly kind: 'unwant' }
  | { readonly kind: 'exit'; readonly code: number };
