/** Who is here and where: people for the top bar, cursors for the editor. A person is a device; tabs share it. */
import { assignColours, cleanName, defaultName } from '../core/person.ts';
import { higherRole, type DeviceId, type FileId, type Role } from '../core/ids.ts';
import { decodePresence, encodePresence, type Presence } from '../document/presence.ts';
import type { PeerPresence } from '../sync/presence-board.ts';
import type { Replica } from '../sync/replica.ts';
import type { PersonHere, RemoteCursor } from './room-model.ts';

/** Cursor moves are told at most so often (facts: 20 a second). */
const TELL_EVERY_MS = 50;

interface Tab {
  readonly id: string;
  readonly device: DeviceId;
  readonly role: Role;
  readonly presence: Presence | undefined;
}

export class PeopleState {
  #people = $state.raw<readonly PersonHere[]>([]);
  #myName = $state('');
  readonly #replica: Replica;
  readonly #me: DeviceId;
  readonly #role: Role;
  /** What somebody called themselves in the chat, '' where nothing is known. */
  readonly #gave: (device: DeviceId) => string;
  #tabs: readonly Tab[] = [];
  #colours: ReadonlyMap<DeviceId, string> = new Map();
  #file: FileId | undefined;
  #selection: { readonly anchor: Uint8Array; readonly head: Uint8Array } | undefined;
  #told = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastSent = '';
  readonly #cursorListeners = new Set<() => void>();

  constructor(options: {
    replica: Replica;
    me: DeviceId;
    role: Role;
    myName: string | undefined;
    gave: (device: DeviceId) => string;
  }) {
    this.#replica = options.replica;
    this.#me = options.me;
    this.#role = options.role;
    this.#gave = options.gave;
    this.#myName = options.myName ?? defaultName(options.me);
    this.refresh();
    this.#tell();
  }

  get all(): readonly PersonHere[] {
    return this.#people;
  }

  get myName(): string {
    return this.#myName;
  }

  /** Takes a new name; an empty one brings back the device's own. Returns what it became. */
  rename(name: string): string {
    this.#myName = cleanName(name) || defaultName(this.#me);
    this.refresh();
    this.#tell();
    return this.#myName;
  }

  nameOf(device: DeviceId): string {
    if (device === this.#me) return this.#myName;
    const named = this.#tabs.find((tab) => tab.device === device && tab.presence !== undefined);
    return named?.presence?.name || this.#gave(device) || defaultName(device);
  }

  /** Someone who wrote something: as they are called here, or else as they called themselves (TALK-5). Reactive. */
  author(device: DeviceId, gave: string): { readonly name: string; readonly colour: string } {
    const here = this.#people.find((person) => person.device === device);
    if (here !== undefined) return { name: here.name, colour: here.colour };
    return { name: gave || defaultName(device), colour: assignColours([device]).get(device) ?? 'amber' };
  }

  /** Peers or their presence changed. */
  refresh(): void {
    this.#tabs = this.#replica.others.map(readTab);
    this.#colours = assignColours([this.#me, ...this.#tabs.map(({ device }) => device)]);
    const others = [...new Set(this.#tabs.map(({ device }) => device))].filter(
      (device) => device !== this.#me,
    );
    this.#people = [
      this.#person(this.#me, this.#role, this.#file),
      ...others.sort().map((device) => {
        const tabs = this.#tabs.filter((tab) => tab.device === device);
        const role = tabs.map((tab) => tab.role).reduce(higherRole, 'viewer');
        return this.#person(
          device,
          role,
          tabs.find((tab) => tab.presence?.file !== undefined)?.presence?.file,
        );
      }),
    ];
    for (const listener of this.#cursorListeners) listener();
  }

  cursors(file: FileId): readonly RemoteCursor[] {
    return this.#tabs.flatMap(({ id, device, presence }) => {
      if (presence?.file !== file || presence.anchor === undefined || presence.head === undefined) return [];
      const { anchor, head } = presence;
      return [{ id, name: this.nameOf(device), colour: this.#colours.get(device) ?? 'amber', anchor, head }];
    });
  }

  onCursors(changed: () => void): () => void {
    this.#cursorListeners.add(changed);
    return () => this.#cursorListeners.delete(changed);
  }

  showCursor(
    file: FileId | undefined,
    selection?: { readonly anchor: Uint8Array; readonly head: Uint8Array },
  ): void {
    if (file !== this.#file) {
      this.#file = file;
      this.refresh();
    }
    this.#selection = selection;
    this.#tell();
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#cursorListeners.clear();
  }

  #person(device: DeviceId, role: Role, file: FileId | undefined): PersonHere {
    const colour = this.#colours.get(device) ?? 'amber';
    return {
      device,
      name: this.nameOf(device),
      colour,
      me: device === this.#me,
      role,
      ...(file && { file }),
    };
  }

  /** Sends where I am: at once after a pause, else when the interval is over; never the same twice. */
  #tell(): void {
    if (this.#timer !== undefined) return;
    const wait = this.#told + TELL_EVERY_MS - performance.now();
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#told = performance.now();
        const payload = encodePresence({
          name: this.#myName,
          role: this.#role,
          typing: 0,
          ...(this.#file && { file: this.#file }),
          ...this.#selection,
        });
        const key = payload.join();
        if (key === this.#lastSent) return;
        this.#lastSent = key;
        this.#replica.setPresence(payload);
      },
      Math.max(0, wait),
    );
  }
}

function readTab({ peer, session, payload }: PeerPresence): Tab {
  const presence = decodePresence(payload);
  return {
    id: peer,
    device: session.device,
    role: session.role,
    presence: presence.ok ? presence.value : undefined,
  };
}
