// Tabs that share a room of ours and one of y-webrtc's, and what typing in either costs all of them.
import type { Page } from '@playwright/test';
import { call, type Bench } from './browser.ts';
import type { Lane, Mark } from './page/keystrokes.ts';
import type { RoomTicket } from './page/room.ts';
import type { Sends } from './page/sends.ts';

/** Echoes for the offset of two clocks: the fastest of so many is as fast as it gets. */
const OFFSET_ECHOES = 200;
/** What is still sent when the last watcher has seen the last key, y-webrtc's echoes above all. */
const SETTLE_MS = 300;

/** A room that exists, and where the page finds what was written in it. */
export interface PastRoom {
  readonly ticket: Required<RoomTicket>;
  /** As history-file.ts packs it. */
  readonly segmentsPath: string;
  /** The same for y-webrtc's doc: one update. */
  readonly statePath: string;
}

/** How a round is typed. */
export interface Typing {
  /** So many of the tabs type at once, each into a text of its own. */
  readonly typists: number;
  readonly keys: number;
  readonly gapMs: number;
}

export interface TypedRound {
  /** From each key to each tab that has it from another. */
  readonly latencies: readonly number[];
  /** Of all tabs together, by that lane. */
  readonly sends: Sends;
  /** Milliseconds of every long task in any tab. */
  readonly longTasks: readonly number[];
}

export class TypingRoom {
  readonly #pages: readonly Page[];
  /** Each tab's clock minus the first's. */
  #offsets: readonly number[] = [];

  private constructor(pages: readonly Page[]) {
    this.#pages = pages;
  }

  /**
   * Opens so many tabs, each on a site of its own, and waits until all are linked with all in both lanes. `past`: what was
   * written before, which the first tab has.
   */
  static async open(bench: Bench, count: number, past?: PastRoom): Promise<TypingRoom> {
    const pages: Page[] = [];
    for (let i = 0; i < count; i++) pages.push(await bench.openSite());
    const room = new TypingRoom(pages);
    const first = room.page(0);
    const ticket = past?.ticket ?? (await call(first, 'makeRoom'));
    if (past) await call(first, 'storeHistory', ticket, past.segmentsPath);
    for (const [index, page] of pages.entries()) {
      await call(page, 'join', ticket, index === 0 ? count : 0);
      await call(page, 'joinYWebrtc', 'bench', index === 0 ? past?.statePath : undefined);
      if (index > 0) await linkRaw(first, index, page);
    }
    await Promise.all(pages.map((page) => call(page, 'linked', count - 1)));
    return room;
  }

  page(index: number): Page {
    const page = this.#pages[index];
    if (page === undefined) throw new Error(`a room without tab ${index}`);
    return page;
  }

  /** Compares the clocks anew: they drift by more than a key takes. */
  async compareClocks(): Promise<void> {
    const offsets = [0];
    for (let index = 1; index < this.#pages.length; index++)
      offsets.push((await call(this.page(0), 'echo', index, OFFSET_ECHOES, 2)).offsetMs);
    this.#offsets = offsets;
  }

  /** Half of each echo of a raw channel that does nothing else. */
  async echo(count: number, gapMs: number): Promise<readonly number[]> {
    return (await call(this.page(0), 'echo', 1, count, gapMs)).halvesMs;
  }

  async round(lane: Lane, { typists, keys, gapMs }: Typing): Promise<TypedRound> {
    const pages = this.#pages;
    for (const page of pages) {
      await call(page, 'watch', lane, typists);
      await call(page, 'takeSends', lane);
      await call(page, 'takeLongTasks');
    }
    const pressed = await Promise.all(
      pages.slice(0, typists).map((page, typist) => call(page, 'type', lane, typist, keys, gapMs)),
    );
    const lengths = pressed.map((marks) => marks.at(-1)?.[0] ?? 0);
    const seen = await Promise.all(pages.map((page) => call(page, 'watched', lane, lengths)));
    const latencies = seen.flatMap((texts, watcher) =>
      pressed.flatMap((marks, typist) =>
        watcher === typist ? [] : delays(marks, texts[typist] ?? [], this.#between(typist, watcher)),
      ),
    );
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const sends = await Promise.all(pages.map((page) => call(page, 'takeSends', lane)));
    const longTasks = (await Promise.all(pages.map((page) => call(page, 'takeLongTasks')))).flat();
    return { latencies, sends: sumOf(sends), longTasks };
  }

  #between(from: number, to: number): number {
    return (this.#offsets[to] ?? 0) - (this.#offsets[from] ?? 0);
  }
}

/** A raw channel between the first page and another; each knows the other by a number. */
export async function linkRaw(first: Page, index: number, other: Page): Promise<void> {
  const offer = await call(first, 'offer', index);
  await call(first, 'answered', index, await call(other, 'answer', 0, offer));
  await call(other, 'opened', 0);
}

/** How long after each key the far text had grown to hold it. */
const delays = (pressed: readonly Mark[], marks: readonly Mark[], offsetMs: number): number[] =>
  pressed.map(([length, at]) => {
    const seen = marks.find(([reached]) => reached >= length);
    if (seen === undefined) throw new Error(`a key was lost at ${length}`);
    return seen[1] - offsetMs - at;
  });

function sumOf(all: readonly Sends[]): Sends {
  const sum = (of: keyof Sends): number => all.reduce((total, sends) => total + sends[of], 0);
  return { edits: sum('edits'), all: sum('all'), bytes: sum('bytes') };
}
