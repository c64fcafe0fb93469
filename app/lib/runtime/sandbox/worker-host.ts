/**
 * The worker's side, the same for every runtime: takes the boot message, gives the runtime its streams, reports the end.
 * A program shares this global scope, so what is needed later is taken hold of before it starts.
 */
import { takeInput } from './input-slot.ts';
import { type OutputStream, RingWriter } from './output-ring.ts';
import type { FromWorker, SharedMemory, ToWorker } from './worker-protocol.ts';

export interface WorkerHost {
  readonly assets: ReadonlyMap<string, Uint8Array>;
  readonly modules: ReadonlyMap<string, WebAssembly.Module>;
  readonly shared: SharedMemory;
  write(stream: OutputStream, bytes: Uint8Array): void;
  /** The next line of input, sleeping until there is one. */
  readInputSync(): Uint8Array | 'ended' | 'interrupted';
  /** The same without sleeping; undefined is the end. One at a time. */
  readInput(): Promise<Uint8Array | undefined>;
  /** Says that the pending `readInput` is of no interest for now, or is again. */
  wantInput(wanted: boolean): void;
  /** Ends the worker now; never returns. */
  exit(code: number): void;
}

export interface ProgramFiles {
  readonly files: readonly (readonly [path: string, bytes: Uint8Array])[];
  readonly entry: string;
}

export interface RuntimeAdapter {
  boot(host: WorkerHost): Promise<void>;
  /** Runs to the end; the exit code. */
  run(host: WorkerHost, program: ProgramFiles): Promise<number>;
}

/** Serves one runtime in this worker. */
export function serveRuntime(adapter: RuntimeAdapter): void {
  const post = self.postMessage.bind(self) as (message: FromWorker) => void;
  let host: WorkerHost | undefined;
  let onInput: ((bytes: Uint8Array | undefined) => void) | undefined;
  /** Input nobody waited for when it came: wanted, then not, then sent all the same. */
  const early: (Uint8Array | undefined)[] = [];

  const makeHost = (boot: Extract<ToWorker, { kind: 'boot' }>): WorkerHost => {
    const ring = new RingWriter(boot.shared.ring);
    return {
      ...boot,
      write(stream, bytes) {
        ring.write(stream, bytes);
      },
      readInputSync() {
        post({ kind: 'want', by: 'memory' });
        return takeInput(boot.shared.input);
      },
      readInput() {
        if (early.length > 0) return Promise.resolve(early.shift());
        post({ kind: 'want', by: 'message' });
        return new Promise((resolve) => (onInput = resolve));
      },
      wantInput(wanted) {
        post(wanted ? { kind: 'want', by: 'message' } : { kind: 'unwant' });
      },
      exit(code) {
        post({ kind: 'exit', code });
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      },
    };
  };

  self.addEventListener('message', (event: MessageEvent<ToWorker>) => {
    const message = event.data;
    switch (message.kind) {
      case 'boot': {
        const made = (host = makeHost(message));
        adapter.boot(made).then(
          () => post({ kind: 'booted' }),
          (error: unknown) => post({ kind: 'boot-failed', message: String(error) }),
        );
        break;
      }
      case 'run':
        if (host) {
          const streams = host;
          adapter.run(streams, message).then(
            (code) => post({ kind: 'exit', code }),
            (error: unknown) => {
              streams.write(2, new TextEncoder().encode(`${String(error)}\n`));
              post({ kind: 'exit', code: 1 });
            },
          );
        }
        break;
      case 'input':
        if (onInput) onInput(message.bytes);
        else early.push(message.bytes);
        onInput = undefined;
        break;
    }
  });
}
