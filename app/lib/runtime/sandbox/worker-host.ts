/**
 * The worker's side, the same for every runtime: takes the boot message, gives the runtime its streams, reports the end.
 * A program shares this global scope, so what is needed later is taken hold of before it starts.
 */
import { takeInput } from './input-slot.ts';
import { type OutputStream, RingWriter } from './output-ring.ts';
import { onProgram, type ProgramFiles } from './program-door.ts';
import type { BootMessage, FromWorker, SharedMemory, ToWorker } from './worker-protocol.ts';

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

export interface RuntimeAdapter {
  boot(host: WorkerHost): Promise<void>;
  /** Runs to the end; the exit code. */
  run(host: WorkerHost, program: ProgramFiles): Promise<number>;
}

/** Serves one runtime in this worker. */
export function serveRuntime(adapter: RuntimeAdapter): void {
  const post = self.postMessage.bind(self) as (message: FromWorker) => void;
  let onInput: ((bytes: Uint8Array | undefined) => void) | undefined;
  /** Input nobody waited for when it came: wanted, then not, then sent all the same. */
  const early: (Uint8Array | undefined)[] = [];

  const makeHost = ({ assets, modules, shared }: BootMessage): WorkerHost => {
    const ring = new RingWriter(shared.ring);
    return {
      assets,
      modules,
      shared,
      write(stream, bytes) {
        ring.write(stream, bytes);
      },
      readInputSync() {
        post({ kind: 'want', by: 'memory' });
        return takeInput(shared.input);
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

  const run = (host: WorkerHost, program: ProgramFiles): void => {
    adapter.run(host, program).then(
      (code) => post({ kind: 'exit', code }),
      (error: unknown) => {
        host.write(2, new TextEncoder().encode(`${String(error)}\n`));
        post({ kind: 'exit', code: 1 });
      },
    );
  };

  self.addEventListener('message', (event: MessageEvent<ToWorker>) => {
    const message = event.data;
    switch (message.kind) {
      case 'boot': {
        const host = makeHost(message);
        adapter.boot(host).then(
          () => {
            post({ kind: 'booted' });
            onProgram(message.door, (program) => run(host, program));
          },
          (error: unknown) => post({ kind: 'boot-failed', message: String(error) }),
        );
        break;
      }
      case 'input':
        if (onInput) onInput(message.bytes);
        else early.push(message.bytes);
        onInput = undefined;
        break;
    }
  });
}
