/** The room's log in this tab's memory: for browsers that refuse storage. Everything goes with the tab. */
import { equalBytes } from '../../core/bytes.ts';
import type { Channel, SessionId } from '../../core/ids.ts';
import type {
  ArchiveMark,
  ChainEnd,
  DeviceSnapshot,
  LogStore,
  RoomFacts,
  SegmentAddress,
  StoredSegment,
} from '../../log/log-store.ts';
import { batches } from './batches.ts';
import { checkReplacement } from './check-replacement.ts';

export function memoryStore(): LogStore {
  return new MemoryStore();
}

class MemoryStore implements LogStore {
  readonly kind = 'memory';
  /** Chain → key → segment. */
  readonly #chains = new Map<string, Map<string, StoredSegment>>();
  readonly #quarantine = new Map<string, StoredSegment>();
  #facts: RoomFacts = {};
  #snapshot: DeviceSnapshot | undefined;
  #mark: ArchiveMark | undefined;

  async append(segments: readonly StoredSegment[]): Promise<void> {
    for (const segment of segments) {
      const chain = this.#chains.get(chainOf(segment)) ?? new Map<string, StoredSegment>();
      this.#chains.set(chainOf(segment), chain.set(placeOf(segment), segment));
    }
  }

  async replace(shorter: readonly StoredSegment[], longer: readonly StoredSegment[]): Promise<void> {
    checkReplacement(shorter, longer);
    for (const segment of shorter) this.#chains.get(chainOf(segment))?.delete(placeOf(segment));
    await this.append(longer);
  }

  async refile(segment: StoredSegment, name: SessionId, keepOld: boolean): Promise<void> {
    await this.append([{ ...segment, session: name }]);
    if (!keepOld) this.#chains.get(chainOf(segment))?.delete(placeOf(segment));
  }

  async readChain(session: SessionId, channel: Channel, fromSeq: number): Promise<StoredSegment[]> {
    const chain = [...(this.#chains.get(chainOf({ session, channel }))?.values() ?? [])];
    return chain
      .filter((segment) => segment.last >= fromSeq)
      .sort((a, b) => a.first - b.first || a.last - b.last);
  }

  async chainEnds(): Promise<ChainEnd[]> {
    return [...this.#chains.values()].flatMap((chain) => {
      const segments = [...chain.values()];
      const [first] = segments;
      if (first === undefined) return [];
      const { session, channel } = first;
      return [{ session, channel, last: Math.max(...segments.map(({ last }) => last)) }];
    });
  }

  async *readAll(maxBytes: number): AsyncIterable<StoredSegment[]> {
    const chains = [...this.#chains.keys()].sort();
    for (const chain of chains) {
      const [first] = this.#chains.get(chain)?.values() ?? [];
      if (first !== undefined)
        yield* batches(await this.readChain(first.session, first.channel, 0), maxBytes);
    }
  }

  async addresses(): Promise<SegmentAddress[]> {
    return [...this.#chains.values()].flatMap((chain) => [...chain.values()]);
  }

  async quarantine(damaged: readonly StoredSegment[]): Promise<void> {
    for (const segment of damaged) {
      const chain = this.#chains.get(chainOf(segment));
      const found = chain?.get(placeOf(segment));
      if (found === undefined || !equalBytes(found.sealed, segment.sealed)) continue;
      chain?.delete(placeOf(segment));
      this.#quarantine.set(`${chainOf(segment)} ${placeOf(segment)}`, found);
    }
  }

  async quarantined(): Promise<StoredSegment[]> {
    return [...this.#quarantine.values()];
  }

  async forgetQuarantined(addresses: readonly SegmentAddress[]): Promise<void> {
    for (const address of addresses) this.#quarantine.delete(`${chainOf(address)} ${placeOf(address)}`);
  }

  async loadFacts(): Promise<RoomFacts> {
    return this.#facts;
  }

  async changeFacts(change: (facts: RoomFacts) => RoomFacts): Promise<void> {
    this.#facts = change(this.#facts);
  }

  async saveFacts(facts: RoomFacts): Promise<void> {
    this.#facts = facts;
  }

  async loadArchiveMark(): Promise<ArchiveMark | undefined> {
    return this.#mark;
  }

  async saveArchiveMark(mark: ArchiveMark): Promise<void> {
    this.#mark = mark;
  }

  async loadSnapshot(): Promise<DeviceSnapshot | undefined> {
    return this.#snapshot;
  }

  async saveSnapshot(snapshot: DeviceSnapshot): Promise<void> {
    this.#snapshot = snapshot;
  }

  async dropSnapshot(): Promise<void> {
    this.#snapshot = undefined;
  }

  async destroy(): Promise<void> {
    this.#chains.clear();
    this.#quarantine.clear();
    this.#facts = {};
    this.#snapshot = undefined;
    this.#mark = undefined;
  }

  close(): void {
    // Nothing is held that the tab wouldn't give back by itself.
  }
}

const chainOf = ({ session, channel }: Pick<StoredSegment, 'session' | 'channel'>): string =>
  `${session} ${channel}`;

const placeOf = ({ first, last }: SegmentAddress): string => `${first} ${last}`;
