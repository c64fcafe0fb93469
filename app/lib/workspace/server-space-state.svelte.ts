/** What the server last said of the room's share, asked again while somebody looks, and what became of an owner's wishes. */
import type { ArchiveProblem } from '../sync/archive/archive-server.ts';
import type { ArchiveSpace } from '../sync/archive/room-at-rest.ts';
import type { RoomMade } from '../sync/archive/room-making.ts';
import type { ServerSpaceModel } from './room-model.ts';
import { madeWords, problemWords } from './server-space-words.ts';

type Outcome =
  | { readonly task: 'keep' | 'make'; readonly problem: ArchiveProblem }
  | { readonly task: 'make'; readonly made: RoomMade };

/** What others do shows so soon; a server that was silent is asked again. */
const LOOK_EVERY_MS = 15_000;

export class ServerSpaceState {
  readonly #model: ServerSpaceModel;
  #space = $state.raw<ArchiveSpace>();
  #unseen = $state('');
  #outcome = $state.raw<Outcome>();
  #busy = $state(false);
  /** How often it was asked: an answer that was overtaken says what was. */
  #asked = 0;

  constructor(model: ServerSpaceModel) {
    this.#model = model;
  }

  /** Undefined while the server has not said it, or says it no more. */
  get space(): ArchiveSpace | undefined {
    return this.#unseen === '' ? this.#space : undefined;
  }
  /** Why it is not known; '' before anything was answered. */
  get unseen(): string {
    return this.#unseen;
  }
  /** What became of what was wished last, where the space itself does not tell. */
  get outcome(): string {
    const [outcome, space] = [this.#outcome, this.space];
    if (outcome === undefined) return '';
    if ('made' in outcome) return space ? madeWords(outcome.made, space) : '';
    // An answer that was lost on the way may have been a yes: what is there now tells.
    const isDone = space && space.waiting.segments > 0 === (outcome.task === 'make');
    return isDone ? '' : problemWords(outcome.task, outcome.problem);
  }
  get busy(): boolean {
    return this.#busy;
  }

  /** Asks now, and again and again until what it gives is called. */
  watch(): () => void {
    const look = (): void => void this.#look();
    look();
    const timer = setInterval(look, LOOK_EVERY_MS);
    addEventListener('online', look);
    return () => {
      clearInterval(timer);
      removeEventListener('online', look);
    };
  }

  /** Keeps all that is set to go. */
  keepAll(): Promise<void> {
    return this.#alone(async () => {
      const kept = await this.#model.takeBack();
      return kept.ok ? undefined : { task: 'keep', problem: kept.error };
    });
  }

  /** Sets to go what others contain. */
  makeRoom(): Promise<void> {
    return this.#alone(async () => {
      const made = await this.#model.makeRoom();
      return made.ok ? { task: 'make', made: made.value } : { task: 'make', problem: made.error };
    });
  }

  async #alone(work: () => Promise<Outcome | undefined>): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    this.#outcome = undefined;
    try {
      const outcome = await work();
      await this.#look();
      this.#outcome = outcome;
    } finally {
      this.#busy = false;
    }
  }

  async #look(): Promise<void> {
    const asked = ++this.#asked;
    const said = await this.#model.space();
    if (asked !== this.#asked) return;
    this.#unseen = said.ok ? '' : problemWords('look', said.error);
    if (said.ok) this.#space = said.value;
  }
}
