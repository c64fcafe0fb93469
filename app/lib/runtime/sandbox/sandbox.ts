/**
 * The app's side of one sandbox frame: mounts it, hands in a runtime's bytes, and runs one program at a time in it under
 * limits. It trusts nothing that comes back (protocol.ts); a frame that misbehaves, dies or stops answering is removed.
 */
import type { RunEnd } from '../../core/run.ts';
import { SANDBOX_FRAME_ALLOW, SANDBOX_FRAME_PATH } from '../../core/security-headers.ts';
import type { RunLimits } from '../limits.ts';
import type { Program, RunEvents } from '../runtime.ts';
import { ActiveRun } from './active-run.ts';
import { ProgramDoor } from './program-door.ts';
import { type AppMessage, FRAME_READY, type LoadMessage, parseFrameMessage } from './protocol.ts';
import { SandboxError } from './sandbox-error.ts';

/** A local document and a process start: a second is slow, ten is broken. */
const FRAME_START_MS = 10_000;

const BROKE_RULES: RunEnd = {
  kind: 'failed',
  message: 'The program broke the rules of its sandbox, so it was ended.',
};

export interface SandboxImage {
  /** frame code: broker.ts as one script. */
  readonly broker: string;
  readonly load: Omit<LoadMessage, 'door'>;
}

export class Sandbox {
  readonly #frame: HTMLIFrameElement;
  readonly #port: MessagePort;
  /** Of the worker that stands by, or will: the next program goes through it. */
  #door: ProgramDoor;
  #current: ActiveRun | undefined;
  #runs = 0;
  /** Pings not answered yet: the answer to a run's last one may come when that run has ended, or in the next. */
  #unanswered = 0;
  #dead: RunEnd | undefined;

  private constructor(frame: HTMLIFrameElement, port: MessagePort, load: SandboxImage['load']) {
    this.#frame = frame;
    this.#port = port;
    this.#door = this.#newDoor();
    const door = this.#door.workerEnd;
    port.postMessage({ ...load, door } satisfies AppMessage, [door]);
    port.onmessage = (event: MessageEvent<unknown>) => this.#heard(event.data);
    // The other end is gone without our doing: the sandbox's process died, and memory is what kills it.
    port.addEventListener('close', () => this.#die({ kind: 'out-of-memory' }));
  }

  /** A frame with the runtime's bytes inside. Throws a SandboxError, whose message is for people, when none can be made. */
  static async open(image: SandboxImage): Promise<Sandbox> {
    const frame = document.createElement('iframe');
    // No sandbox attribute: with one the request would bypass the service worker, and no program would start offline.
    // The document's own header makes its origin opaque, and the document refuses to start where it did not.
    frame.setAttribute('allow', SANDBOX_FRAME_ALLOW);
    frame.setAttribute('aria-hidden', 'true');
    frame.title = 'Sandbox';
    frame.tabIndex = -1;
    // Not display:none: browsers slow down frames that are not rendered.
    frame.style.cssText =
      'position:fixed;inset:auto auto 0 0;width:1px;height:1px;border:0;opacity:0;pointer-events:none';
    frame.src = SANDBOX_FRAME_PATH;
    try {
      const ready = frameReady(frame);
      document.body.append(frame);
      await ready;
    } catch (error) {
      frame.remove();
      throw error;
    }
    const { port1, port2 } = new MessageChannel();
    frame.contentWindow?.postMessage(image.broker, '*', [port2]);
    return new Sandbox(frame, port1, image.load);
  }

  /** False when the frame is gone and a new one is needed. */
  get usable(): boolean {
    return this.#dead === undefined;
  }

  /** Runs a program; the sandbox must be usable and idle. */
  start(program: Program, events: RunEvents, limits: RunLimits): ActiveRun {
    if (this.#current || this.#dead) throw new Error('a sandbox runs one program at a time');
    const run = ++this.#runs;
    const active = new ActiveRun(run, events, limits, {
      post: (message) => this.#port.postMessage(message),
      ping: () => {
        this.#unanswered++;
        this.#port.postMessage({ kind: 'ping' } satisfies AppMessage);
      },
      remove: () => this.#die({ kind: 'failed', message: 'The sandbox did not answer and was removed.' }),
      finished: () => (this.#current = undefined),
    });
    this.#current = active;
    this.#door.give({ files: [...program.files], entry: program.entry });
    this.#door = this.#newDoor();
    const nextDoor = this.#door.workerEnd;
    const { ticket } = active;
    this.#port.postMessage(
      { kind: 'run', run, outputLimitBytes: limits.outputBytes, ticket, nextDoor } satisfies AppMessage,
      [nextDoor],
    );
    return active;
  }

  /** Removes the frame, and with it everything that runs in it. */
  dispose(): void {
    this.#die({ kind: 'stopped' });
  }

  #heard(data: unknown): void {
    if (this.#dead) return;
    const message = parseFrameMessage(data);
    if (message?.kind === 'load-failed') return this.#die({ kind: 'failed', message: message.message });
    const allowed =
      message !== undefined &&
      (message.kind !== 'pong' || --this.#unanswered >= 0) &&
      (this.#current?.heard(message) ?? message.kind === 'pong');
    if (!allowed) this.#die(BROKE_RULES);
  }

  #newDoor(): ProgramDoor {
    return new ProgramDoor(() => this.#die(BROKE_RULES));
  }

  #die(end: RunEnd): void {
    if (this.#dead) return;
    this.#dead = end;
    this.#port.close();
    this.#door.close();
    this.#frame.remove();
    this.#current?.lost(end);
  }
}

function frameReady(frame: HTMLIFrameElement): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      removeEventListener('message', listen);
    };
    const listen = (event: MessageEvent<unknown>): void => {
      if (event.source !== frame.contentWindow || event.data !== FRAME_READY) return;
      stop();
      if (event.origin === 'null') resolve();
      else reject(new SandboxError('The sandbox is not isolated from CodeFace, so nothing runs in it.'));
    };
    const timer = setTimeout(() => {
      stop();
      reject(new SandboxError('The sandbox did not start. Reload the page; editing works meanwhile.'));
    }, FRAME_START_MS);
    addEventListener('message', listen);
  });
}
