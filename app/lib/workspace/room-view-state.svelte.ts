/**
 * What one window shows of a room, and nothing that others see: open tabs, the pane in front on a phone, pane sizes,
 * what a dialog asks. Kept per room in local storage where the browser allows it.
 */
import type { EditorStatus } from '../editor/code-editor.ts';
import { NO_TABS, closeTab, firstTabs, keepTabs, openTab, type OpenTabs } from './open-tabs.ts';
import { readSizes, type PaneSizes } from './pane-sizes.ts';
import { keep, kept } from './kept-locally.ts';
import { readTabs } from './kept-tabs.ts';
import type { RoomModel } from './room-model.ts';
import type { FileId } from '../core/ids.ts';

export type PhonePane = 'files' | 'code' | 'output' | 'talk';
export type OpenDialog = 'share' | 'people' | 'owner' | 'name' | 'files' | 'commands' | undefined;

const SIZES_KEY = 'codeface.panes';
const SIDE_KEY = 'codeface.side';
/** Below it the code would have less than half of the window beside Files and Talk. */
const SIDE_FROM_PX = 1000;
const tabsKey = (roomId: string): string => `codeface.tabs.${roomId}`;

/** What is being written, by room, for as long as the page lives: new keys open a room again while somebody writes. */
const drafts = new Map<string, string>();

export class RoomViewState {
  readonly #room: RoomModel;
  #tabs = $state.raw<OpenTabs>(NO_TABS);
  #started = false;
  /** Which pane a phone shows. */
  pane = $state<PhonePane>('code');
  dialog = $state<OpenDialog>();
  /** What the dialog about owning the room was opened for, or has come to. */
  ownerTask = $state<'code' | 'hand-over' | 'take-over'>('code');
  editor = $state.raw<EditorStatus>();
  /** Why the last press of Run did nothing. */
  cannotRun = $state<string>();
  /** Counts the times the editor is to take the focus: a file was made or looked for, to be typed in. */
  focusWanted = $state(0);
  readonly sizes: PaneSizes;
  /** Whether the side pane is shown, where there is room for several. */
  #side = $state(innerWidth >= SIDE_FROM_PX);
  /** The chat is to take the focus as soon as it is shown: once, or it would at each showing. */
  talkWanted = $state(false);
  /** The field for messages has come. */
  oncomposer: () => void = () => undefined;
  #draft = $state('');

  constructor(room: RoomModel) {
    this.#room = room;
    this.#draft = drafts.get(room.roomId) ?? '';
    this.sizes = readSizes(kept(SIZES_KEY));
    if (kept(SIDE_KEY) === 'hidden') this.#side = false;
  }

  /** What is being written to the others. */
  get draft(): string {
    return this.#draft;
  }
  set draft(text: string) {
    this.#draft = text;
    drafts.set(this.#room.roomId, text);
  }

  get side(): boolean {
    return this.#side;
  }

  showSide(shown: boolean): void {
    this.#side = shown;
    keep(SIDE_KEY, shown ? 'shown' : 'hidden');
  }

  /** Brings the chat in front, to be written in or read. */
  enterTalk(): void {
    if (!this.#side) this.showSide(true);
    this.pane = 'talk';
    this.talkWanted = true;
  }

  /** Open files, left to right; those that were removed by anyone are not among them. */
  readonly tabs = $derived.by(() => {
    const open = this.#room.files.filter((file) => this.#tabs.ids.includes(file.id));
    return this.#tabs.ids.flatMap((id) => open.find((file) => file.id === id) ?? []);
  });

  readonly active = $derived.by(() => {
    const tabs = keepTabs(this.#tabs, (id) => this.#room.files.some((file) => file.id === id));
    return this.tabs.find((file) => file.id === tabs.active);
  });

  /** Opens what was open last time, once the room's files are there. */
  start(): void {
    if (this.#started || !this.#room.open || this.#room.files.length === 0) return;
    this.#started = true;
    if (this.#tabs.active === undefined)
      this.#tabs = firstTabs(readTabs(kept(tabsKey(this.#room.roomId))), this.#room.files);
  }

  openFile(id: string): void {
    this.cannotRun = undefined;
    this.pane = 'code';
    this.#change(openTab(this.#present(), id));
  }

  /** Opens a file to go on typing in it. */
  enterFile(id: string): void {
    this.openFile(id);
    this.focusWanted++;
  }

  closeFile(id: string): void {
    this.#change(closeTab(this.#present(), id));
  }

  keepSizes(sizes: Partial<PaneSizes>): void {
    const now = { ...readSizes(kept(SIZES_KEY)), ...sizes };
    keep(SIZES_KEY, JSON.stringify(now));
  }

  /** Runs the file in front; says why where that can't be. */
  run(): void {
    const file = this.active;
    if (!file || this.#room.running) return;
    this.cannotRun = this.#room.cannotRun(file.id);
    this.pane = 'output';
    if (this.cannotRun === undefined) this.#room.start(file.id);
  }

  goTo(file: FileId | undefined): void {
    if (file !== undefined && this.#room.files.some(({ id }) => id === file)) this.openFile(file);
  }

  #present(): OpenTabs {
    return keepTabs(this.#tabs, (id) => this.#room.files.some((file) => file.id === id));
  }

  #change(tabs: OpenTabs): void {
    this.#tabs = tabs;
    keep(tabsKey(this.#room.roomId), JSON.stringify(tabs));
  }
}
