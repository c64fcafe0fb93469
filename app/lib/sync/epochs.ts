/**
 * The epochs of a room as its open replica knows them: what the owner's statements say to others and hear from them, what
 * this device carries from one epoch into the next, and the doors of those before (ROST-11, ROST-12, ROST-20 to ROST-22).
 */
import type { Bytes } from '../core/bytes.ts';
import type { DeviceId, PeerId, Role, RoomId } from '../core/ids.ts';
import type { RoomKeys } from '../crypto/room-keys.ts';
import { maySign } from '../log/format.ts';
import { encodeFrontier, partsOf, type FrontierRow } from '../log/frontier.ts';
import type { LogStore } from '../log/log-store.ts';
import type { RoomLog } from '../log/room-log.ts';
import type { Admission } from '../log/admissions.ts';
import type { OwnersStatement } from '../log/owners.ts';
import { bytesOf, encodeRoster, type Roster } from '../log/roster.ts';
import { seal } from '../log/seal.ts';
import type { Doors } from './doors.ts';
import { beyondStatements, countBeyond, keptWith, moveOn, noteCarried } from './move-on.ts';
import type { Outbox } from './outbox.ts';
import { RosterNews } from './roster-news.ts';
import type { Transport } from './transport.ts';

export interface EpochsOptions {
  readonly roomId: RoomId;
  readonly keys: RoomKeys;
  readonly device: DeviceId;
  readonly self: PeerId;
  readonly log: RoomLog;
  readonly store: LogStore;
  readonly outbox: Outbox;
  readonly transports: readonly Transport[];
  /** Snapshots of an epoch that is being left would count for nothing. */
  readonly stopSnapshots: () => void;
  /** From here on nothing is signed that waits for a checkpoint: no carried row would name it. Or again. */
  readonly leave: (isLeaving: boolean) => void;
  /** Sends a roster to everybody who is here. */
  readonly tell: (roster: Bytes) => Promise<void>;
  readonly onNews: (roster: Roster) => void;
  /** What the room was opened with, and what others make of it under the same keys. */
  readonly owners?: readonly OwnersStatement[];
  readonly admissions?: readonly Admission[];
  readonly onSameKeys: (roster: Roster) => void;
  readonly onBranch: () => void;
  readonly onError: (what: string, error: unknown) => void;
}

export class Epochs {
  /** Statements from others. */
  readonly news: RosterNews;
  readonly #options: EpochsOptions;
  #doors: Promise<Doors | undefined> | undefined;
  #closed = false;

  constructor(options: EpochsOptions) {
    this.#options = options;
    const { log, keys, onNews, onBranch, onError } = options;
    const onSameKeys = (roster: Roster): void => {
      this.#keep(roster).catch((error: unknown) => onError('the owners of the room', error));
    };
    this.news = new RosterNews(log, keys, { onNews, onSameKeys, onBranch }, options);
  }

  /** Before anything is read: what these rows name is part of the room from then on. */
  async carry(rows: readonly FrontierRow[]): Promise<void> {
    const { outbox, store } = this.#options;
    for (const part of partsOf(rows)) outbox.post('carry', encodeFrontier(part));
    await outbox.settled();
    // Where the disk refuses they are carried again at the next opening.
    if (outbox.state.kind === 'saved') await noteCarried(store, rows);
  }

  /** Answers at the topics of former epochs from now on. */
  openDoors(): void {
    const { roomId, keys, self, transports, onError } = this.#options;
    const roster = (): Bytes | undefined => this.news.whole;
    if (roster() === undefined || this.#doors !== undefined) return;
    // Few rooms have former epochs: not part of what everybody waits for.
    this.#doors = import('./doors.ts')
      .then(({ Doors }) =>
        this.#closed ? undefined : new Doors(keys.past ?? [], { roomId, self, transports, roster, onError }),
      )
      .catch((error: unknown) => void onError('the door of a former epoch', error));
  }

  /** Another tab of this browser answers there. */
  shutDoors(): void {
    const { onError } = this.#options;
    this.#shut().catch((error: unknown) => void onError('the door of a former epoch', error));
  }

  /** All statements of this epoch, once the room is known. */
  get roster(): Roster | undefined {
    const { genesis, statements } = this.#options.log;
    const { owners, admissions } = this.news;
    return genesis && { genesis, statements, owners, admissions };
  }

  /** Where the chains stand that no closed frontier names so; of branches that nothing is here of, how they begin. */
  get closing(): FrontierRow[] {
    const { log } = this.#options;
    return beyondStatements(log.statements, [...log.frontier(), ...log.emptyBranches()]);
  }

  /** How many entries of this device a holder of `role` can't carry into the epoch that a roster begins. */
  leftBehind({ statements }: Roster, role: Role): number {
    const { log, device } = this.#options;
    const own = log.frontier().filter(({ session }) => log.session(session)?.device === device);
    return countBeyond(
      statements,
      own.filter(({ channel }) => !maySign(role, channel)),
    );
  }

  /**
   * Takes this device to a newer roster: stores it, with what is here and no closed frontier reaches. The room has to be
   * opened again then; what is written in between is carried as well, by whoever has it. `mayGo` is asked when all is stored:
   * false takes it back.
   */
  async moveOn(roster: Roster, mayGo?: () => Promise<boolean>): Promise<boolean> {
    const { outbox, store, stopSnapshots, leave } = this.#options;
    stopSnapshots();
    leave(true);
    await outbox.settled();
    const before = await store.loadFacts();
    try {
      await moveOn(store, roster, this.closing);
    } catch (error) {
      leave(false);
      throw error;
    }
    if (mayGo === undefined || (await mayGo())) return true;
    await store.changeFacts(({ roster: _roster, carry: _carry, ...facts }) => ({
      ...facts,
      ...(before.roster && { roster: before.roster }),
      ...(before.carry && { carry: before.carry }),
    }));
    leave(false);
    return false;
  }

  /** Tells those who are here of a newer roster, before this tab leaves them. */
  announce(roster: Roster): Promise<void> {
    this.news.made(roster);
    return this.#options.tell(encodeRoster(bytesOf(roster)));
  }

  /** Keeps what was made here and changes no keys, and tells everybody who is here. */
  async add(roster: Roster): Promise<void> {
    this.news.made(roster);
    await this.#keep(roster);
  }

  /** The owner's statements as a sealed record, if there are any after the genesis statement (ROOM-9). */
  async sealed(): Promise<Bytes | undefined> {
    const { known } = this.news;
    return known && seal(this.#options.keys, 'roster', known);
  }

  /** Under the same keys the room stays open. */
  async #keep(roster: Roster): Promise<void> {
    const { store, tell, onSameKeys } = this.#options;
    const bytes = bytesOf(roster);
    await store.changeFacts((facts) => keptWith(facts, bytes));
    onSameKeys(roster);
    const { brief } = this.news;
    // Everybody here tells those whom the others do not reach.
    if (brief !== undefined) await tell(brief);
    (await this.#doors)?.tell();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#shut();
  }

  async #shut(): Promise<void> {
    const doors = this.#doors;
    this.#doors = undefined;
    await (await doors)?.close();
  }
}
