/** Who can be in the room: remembers whom this device meets, and hands the owner's changes on. */
import type { RoomId } from '../core/ids.ts';
import type { AlertsState } from './alerts-state.svelte.ts';
import { changeAlert } from './epoch-messages.ts';
import { leftOutList, memberList, type KnownPeople, type Writer } from './member-list.ts';
import { notOwnerWords } from './owner-words.ts';
import type { PeopleState } from './people-state.svelte.ts';
import type { Holder, MembersModel, MemberView, OwnershipModel, PersonHere } from './room-model.ts';
import { keepSeen, loadSeen, meet, type SeenPeople } from './seen-people.ts';

export interface MembersOptions {
  readonly roomId: RoomId;
  /** Of the room's present keys. */
  readonly epoch: number;
  readonly people: PeopleState;
  readonly alerts: AlertsState;
  /** Whose sessions are in the log, of any epoch; a device may be named more than once. */
  readonly writers: () => readonly Writer[];
  /** Whom owners let into this epoch by name, at its beginning and since. */
  readonly granted: () => readonly Holder[];
  /** What somebody called themselves in the chat, '' where nothing is known. */
  readonly gave: KnownPeople['gave'];
  /** Whether this device owns the room. */
  readonly ownership: Pick<OwnershipModel, 'standing' | 'hasCode' | 'changedAt'>;
  /** Makes the new keys and hands them out, where this device owns the room; undefined where it is out. */
  readonly change: ((members: readonly Holder[]) => Promise<void>) | undefined;
  /** Gives these more than they have under the keys that the room has; undefined where this device is out. */
  readonly admit: ((members: readonly Holder[]) => Promise<void>) | undefined;
  /** Nothing of this room is to be kept here any more. */
  readonly forgotten: () => boolean;
  /** ms since 1970 */
  readonly now: () => number;
}

export class MembersState implements MembersModel {
  #here = $state.raw<readonly PersonHere[]>([]);
  #seen = $state.raw<SeenPeople>(new Map());
  #granted = $state.raw<readonly Holder[]>([]);
  #changing = $state(false);
  #told = '';
  readonly #options: MembersOptions;
  readonly #stop = new AbortController();

  constructor(options: MembersOptions) {
    this.#options = options;
    this.#seen = loadSeen(options.roomId);
    this.refresh(true);
    // The last sign of life that a page gets: who is here now was seen until now.
    const left = (): void => void (document.hidden && this.#remember(this.#here));
    document.addEventListener('visibilitychange', left, { signal: this.#stop.signal });
  }

  get list(): readonly MemberView[] {
    return memberList(this.#known);
  }

  get leftOut(): readonly MemberView[] {
    return leftOutList(this.#known);
  }

  get #known(): KnownPeople {
    const { epoch, writers, gave } = this.#options;
    return { epoch, gave, here: this.#here, seen: this.#seen, writers: writers(), granted: this.#granted };
  }

  get fixed(): string | undefined {
    const { change, ownership } = this.#options;
    return change !== undefined && ownership.standing === 'owner' ? undefined : notOwnerWords(ownership);
  }

  get changing(): boolean {
    return this.#changing;
  }

  change(members: readonly Holder[]): Promise<void> {
    return this.#try(this.#options.change, members);
  }

  admit(members: readonly Holder[]): Promise<void> {
    return this.#try(this.#options.admit, members);
  }

  async #try(change: MembersOptions['change'], members: readonly Holder[]): Promise<void> {
    if (change === undefined || this.fixed !== undefined || this.#changing) return;
    this.#changing = true;
    try {
      await change(members);
    } catch (error) {
      console.error('CodeFace: changing who is in the room', error);
      this.#options.alerts.show('members', changeAlert(error));
    } finally {
      this.#changing = false;
    }
  }

  /** Somebody came, went, or is called otherwise now; cursors that moved are nothing to it. `admitted`: or was let in. */
  refresh(admitted = false): void {
    if (admitted) this.#granted = this.#options.granted();
    const here = this.#options.people.all;
    const told = JSON.stringify(here.map(({ device, name, colour, role }) => [device, name, colour, role]));
    if (told === this.#told) return;
    this.#told = told;
    const gone = this.#here.filter(({ device }) => !here.some((person) => person.device === device));
    this.#here = here;
    this.#remember([...here, ...gone]);
  }

  dispose(): void {
    this.#stop.abort();
    this.#remember(this.#here);
  }

  #remember(people: readonly PersonHere[]): void {
    const { roomId, epoch, forgotten, now } = this.#options;
    const others = people.filter(({ me }) => !me);
    if (others.length === 0 || forgotten()) return;
    // Another tab of this browser may have met others meanwhile.
    const all = new Map([...this.#seen, ...loadSeen(roomId)]);
    this.#seen = meet(all, others, { now: now(), epoch });
    keepSeen(roomId, this.#seen);
  }
}
