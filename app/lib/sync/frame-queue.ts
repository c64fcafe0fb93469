/**
 * Frames of each link in the order they came, handled one after the other: a HELLO is done before what follows it is
 * looked at, and one peer's flood waits in its own queue, not in everybody's (SPEC, SYNC-14). What says who and where
 * (HELLO, WANT, PRESENCE) does not wait for segments, since those take long.
 */
import type { Bytes } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import type { FrameKind } from './frames.ts';
import type { MeshLink } from './mesh.ts';

/** A link that is further ahead of this tab loses frames; repair brings them again. */
export const MAX_WAITING_BYTES = 64 * 1024 * 1024;
export const MAX_WAITING_FRAMES = 20_000;
/** HELLOs cost three signatures, WANTs a look into the store: so many at once, and so many a second. */
const BURST = 60;
const PER_SECOND = 10;

interface Line {
  control: Promise<unknown>;
  segments: Promise<unknown>;
  bytes: number;
  frames: number;
  /** What is left of the burst, at that time. */
  tokens: number;
  tokensAt: number;
}

export class FrameQueue {
  readonly #clock: Clock;
  readonly #handle: (link: MeshLink, kind: FrameKind, body: Bytes) => Promise<void>;
  readonly #onError: (error: unknown) => void;
  readonly #lines = new WeakMap<MeshLink, Line>();

  /** `handle` takes one frame; what it rejects with goes to `onError`, and the line goes on. */
  constructor(
    clock: Clock,
    handle: (link: MeshLink, kind: FrameKind, body: Bytes) => Promise<void>,
    onError: (error: unknown) => void,
  ) {
    this.#clock = clock;
    this.#handle = handle;
    this.#onError = onError;
  }

  push(link: MeshLink, kind: FrameKind, body: Bytes): void {
    const line = this.#lineOf(link);
    if (line.frames >= MAX_WAITING_FRAMES || line.bytes + body.length > MAX_WAITING_BYTES) return;
    if (
      (kind === 'hello' || kind === 'want' || kind === 'roster' || kind === 'reach') &&
      !this.#allowed(line)
    )
      return;
    line.frames++;
    line.bytes += body.length;
    const work = () =>
      this.#handle(link, kind, body)
        .catch(this.#onError)
        .finally(() => {
          line.frames--;
          line.bytes -= body.length;
        });
    if (kind === 'live' || kind === 'segments' || kind === 'checkpoint') {
      const { control } = line;
      line.segments = line.segments.then(() => control).then(work);
    } else line.control = line.control.then(work);
  }

  #allowed(line: Line): boolean {
    const now = this.#clock.now();
    line.tokens = Math.min(line.tokens + ((now - line.tokensAt) / 1000) * PER_SECOND, BURST);
    line.tokensAt = now;
    if (line.tokens < 1) return false;
    line.tokens--;
    return true;
  }

  #lineOf(link: MeshLink): Line {
    const line = this.#lines.get(link) ?? {
      control: Promise.resolve(),
      segments: Promise.resolve(),
      bytes: 0,
      frames: 0,
      tokens: BURST,
      tokensAt: this.#clock.now(),
    };
    this.#lines.set(link, line);
    return line;
  }
}
