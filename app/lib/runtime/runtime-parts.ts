/** What a sandboxed runtime is made of: files to fetch, and how they are used. */
import type { Runtime } from './runtime.ts';

export interface RuntimePart {
  readonly name: string;
  readonly url: string;
  /** About how large, so that progress is honest when the server names no length. */
  readonly bytes: number;
  /** The most memory a WebAssembly module may have; as much as it asks for where this is absent. */
  readonly maxMemoryBytes?: number;
}

export interface RuntimeParts extends Pick<Runtime, 'id' | 'label' | 'endings'> {
  /** The worker, one classic script. */
  readonly worker: RuntimePart;
  readonly assets: readonly RuntimePart[];
  /** Whether a program hears of Stop and may clean up. */
  readonly interruptible: boolean;
}
