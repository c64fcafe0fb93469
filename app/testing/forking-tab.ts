/** Tabs that open their room again where a fork is found, as the app does: for tests of who comes to what. */
import { expect } from 'vitest';
import * as Y from 'yjs';
import { toHex, type Bytes } from '../lib/core/bytes.ts';
import type { BranchStart } from '../lib/log/branches.ts';
import type { OwnSession } from '../lib/log/certificate.ts';
import { RoomLog, type Receipt } from '../lib/log/room-log.ts';
import { isPending, stateHash, type TestRoom } from '../lib/log/test-room.ts';

/** A tab: its log and doc, made anew where a fork is found, and everything it ever got. */
export class Tab {
  session: OwnSession;
  doc = new Y.Doc();
  log: RoomLog;
  readonly got: Bytes[] = [];
  /** What is part of the room here, and would be sent to who asks for it. */
  accepted = new Set<Bytes>();
  readonly starts: BranchStart[] = [];
  /** What showed that a branch begins: told as one, whether it is part of the room or not. */
  readonly #shown = new Set<Bytes>();
  #updates: Uint8Array[] = [];
  readonly #room: TestRoom;

  constructor(room: TestRoom, session: OwnSession) {
    this.#room = room;
    this.session = session;
    this.log = this.#begin();
  }

  static async of(room: TestRoom): Promise<Tab> {
    return new Tab(room, await room.newSession());
  }

  #begin(): RoomLog {
    const { keys, genesis } = this.#room;
    this.doc = new Y.Doc();
    this.doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== 'log') this.#updates.push(update.slice());
    });
    return new RoomLog({ roomId: keys.roomId, keys, genesis, branches: this.starts });
  }

  /** The same tab twice, as a machine that is restored from a copy has it. */
  clone(): Tab {
    const twin = new Tab(this.#room, this.session);
    twin.starts.push(...this.starts);
    for (const sealed of this.#shown) twin.#shown.add(sealed);
    const { keys, genesis } = this.#room;
    const copy = RoomLog.importChains(this.log.exportChains(), {
      roomId: keys.roomId,
      keys,
      genesis,
      branches: this.starts,
    });
    if (!copy.ok) throw new Error('chains that were just exported');
    twin.log = copy.value;
    Y.applyUpdate(twin.doc, Y.encodeStateAsUpdate(this.doc), 'log');
    twin.got.push(...this.got);
    return twin;
  }

  get text(): string {
    return this.doc.getText('files').toString();
  }

  async edit(change: (text: Y.Text) => void): Promise<void> {
    const begun = this.log.frontier().some(({ session }) => session === this.session.id);
    while (!begun && this.log.sessionOfClient(this.session.clientId))
      this.session = await this.#room.newSession();
    this.doc.clientID = this.session.clientId;
    this.doc.transact(() => change(this.doc.getText('files')));
    for (const update of this.#updates.splice(0)) {
      const appended = await this.log.append(this.session, 'project', update as Bytes, 1_000);
      if (!appended.ok) throw new Error(`${appended.error.code}: ${appended.error.detail}`);
      this.got.push(appended.value.sealed);
      this.accepted.add(appended.value.sealed);
    }
  }

  async receive(sealed: Bytes): Promise<void> {
    if (this.got.includes(sealed)) return;
    this.got.push(sealed);
    if (await this.#take(sealed)) await this.#reopen();
  }

  /** Takes again what had no place when it came, as repair would bring it again. */
  async settle(): Promise<void> {
    for (let before = -1; before !== count(this.log);) {
      before = count(this.log);
      for (const sealed of this.got)
        if (await this.#take(sealed)) {
          await this.#reopen();
          break;
        }
    }
  }

  /** Opens the room anew with what is known of forks now, and a session of its own, as the app does. */
  async #reopen(): Promise<void> {
    this.session = await this.#room.newSession();
    for (let again = true; again;) {
      again = false;
      this.log = this.#begin();
      this.accepted = new Set(this.#shown);
      for (let before = -1; before !== count(this.log) && !again;) {
        before = count(this.log);
        for (const sealed of this.got) again ||= await this.#take(sealed);
      }
    }
  }

  /** Whether it showed a fork that was not known. */
  async #take(sealed: Bytes): Promise<boolean> {
    const receipt: Receipt = await this.log.receive(sealed);
    for (const { update, sealed: bytes } of receipt.accepted) {
      this.accepted.add(bytes);
      if (update) Y.applyUpdate(this.doc, update, 'log');
    }
    expect(isPending(this.doc)).toBe(false);
    const known = new Set(this.starts.map(({ hash }) => toHex(hash)));
    const fresh = (receipt.fork?.starts ?? []).filter(({ hash }) => !known.has(toHex(hash)));
    this.starts.push(...fresh);
    if (fresh.length > 0 && receipt.fork) {
      this.#shown.add(receipt.fork.sealed);
      this.accepted.add(receipt.fork.sealed);
    }
    return fresh.length > 0;
  }
}

const count = (log: RoomLog): number => log.frontier().reduce((sum, { seq }) => sum + seq, 0);

export async function meet(tabs: readonly Tab[]): Promise<void> {
  for (let round = 0; round < 4; round++)
    for (const to of tabs)
      for (const from of tabs) for (const sealed of [...from.got]) await to.receive(sealed);
  for (const tab of tabs) await tab.settle();
}

/** Each hears of what another accepted, and nothing else, until nobody has anything new. */
export async function meetHonestly(tabs: readonly Tab[]): Promise<void> {
  for (let moved = true; moved;) {
    moved = false;
    for (const to of tabs)
      for (const from of tabs)
        for (const sealed of from.accepted) {
          if (to.got.includes(sealed)) continue;
          moved = true;
          await to.receive(sealed);
        }
    for (const tab of tabs) await tab.settle();
  }
}

const rowsOf = ({ log }: Tab): string[] =>
  log
    .frontier()
    .map(({ session, channel, seq, hash }) => `${session} ${channel} ${seq} ${toHex(hash)}`)
    .sort();

export const startsOf = ({ log }: Tab): string[] => log.branches.map(({ hash }) => toHex(hash));

export function expectAlike([first, ...others]: readonly Tab[]): void {
  for (const other of others) {
    expect(startsOf(other)).toEqual(first && startsOf(first));
    expect(other.text).toBe(first?.text);
    expect(rowsOf(other)).toEqual(first && rowsOf(first));
    expect(stateHash(other.doc)).toBe(first && stateHash(first.doc));
  }
}
