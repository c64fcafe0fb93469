/** Makes the sandbox of a runtime out of its parts: fetches them, caps their memory, and hands them to a new frame. */
import { limitWasmMemory } from './wasm-memory-limit.ts';
import type { RuntimePart, RuntimeParts } from './runtime-parts.ts';
import { Sandbox, type SandboxImage } from './sandbox/sandbox.ts';

type Fetched = Pick<RuntimeParts, 'worker' | 'assets'>;

/** Fetches the parts and opens a frame with them. Rejects where a part can't be had, or as `Sandbox.open` says. */
export async function openSandbox(
  parts: Fetched,
  brokerUrl: string,
  signal: AbortSignal,
  onProgress: (done: number) => void,
): Promise<Sandbox> {
  return Sandbox.open(await fetchImage(parts, brokerUrl, signal, onProgress));
}

/** Fetches all of a runtime, with how much of it is done from 0 to 1. Rejects where a part can't be had. */
export async function fetchImage(
  parts: Fetched,
  brokerUrl: string,
  signal: AbortSignal,
  onProgress: (done: number) => void,
): Promise<SandboxImage> {
  const wanted = [parts.worker, ...parts.assets];
  // One part that can't be had ends the others: what they still bring is no progress any more.
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const totalBytes = wanted.reduce((sum, part) => sum + part.bytes, 0);
  let doneBytes = 0;
  const fetchPart = async (part: RuntimePart): Promise<Uint8Array<ArrayBuffer>> => {
    let partBytes = 0;
    const bytes = await fetchBytes(part.url, either, (length) => {
      if (failed.signal.aborted) return;
      const counted = Math.min(length, part.bytes - partBytes);
      partBytes += counted;
      doneBytes += counted;
      onProgress(doneBytes / totalBytes);
    });
    doneBytes += part.bytes - partBytes;
    return bytes;
  };
  const [broker, worker, ...assets] = await Promise.all([
    fetchBytes(brokerUrl, either, () => undefined),
    ...wanted.map(fetchPart),
  ]).catch((error: unknown) => {
    failed.abort();
    throw error;
  });
  onProgress(1);
  const prepared = parts.assets.map(({ name, maxMemoryBytes }, index) => {
    const bytes = assets[index] ?? new Uint8Array();
    return [name, maxMemoryBytes === undefined ? bytes : limitWasmMemory(bytes, maxMemoryBytes)] as const;
  });
  return {
    broker: new TextDecoder().decode(broker),
    load: { kind: 'load', worker: worker ?? new Uint8Array(), assets: prepared },
  };
}

async function fetchBytes(
  url: string,
  signal: AbortSignal,
  onBytes: (length: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url, { signal });
  if (!response.ok || !response.body) throw new Error(`${url} answered ${response.status}`);
  const counted = response.body.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
        onBytes(chunk.length);
        controller.enqueue(chunk);
      },
    }),
  );
  return new Uint8Array(await new Response(counted).arrayBuffer());
}
