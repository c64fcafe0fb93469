/**
 * The owner's statements in the archive: how somebody who comes with a link of a later epoch, when nobody is there, learns
 * what the epochs before were (ARCH-20). A record beside the segments, told from them by its kind.
 */
import { equalBytes, type Bytes } from '../../core/bytes.ts';
import type { RoomKeys } from '../../crypto/room-keys.ts';
import { kindOf, openSealed, seal } from '../../log/seal.ts';
import type { RosterNews } from '../roster-news.ts';

/** The statements as this tab knows them. */
export type KnownNews = Pick<RosterNews, 'known' | 'heard' | 'owners'>;

export class KeptRoster {
  readonly #keys: RoomKeys;
  readonly #news: KnownNews;
  /** The epoch up to which they are there, and how many owners statements. */
  there: { readonly epoch: number; readonly owners: number } | undefined;

  constructor(keys: RoomKeys, news: KnownNews) {
    this.#keys = keys;
    this.#news = news;
  }

  /** Those of these records that are for the log; of the statements, it is told to whom they are news. */
  async sift(records: readonly Bytes[]): Promise<readonly Bytes[]> {
    const segments: Bytes[] = [];
    for (const sealed of records) {
      if (kindOf(sealed) !== 'roster') {
        segments.push(sealed);
        continue;
      }
      const opened = await openSealed(this.#keys, 'roster', sealed);
      // Of an epoch before, or somebody's junk.
      if (!opened.ok) continue;
      const { known } = this.#news;
      if (known !== undefined && equalBytes(known, opened.value)) this.found();
      else await this.#news.heard(opened.value);
    }
    return segments;
  }

  /** All that is known here is there, with so many owners statements. */
  found(owners = this.#news.owners.length): void {
    this.there = { epoch: this.#keys.epoch, owners };
  }

  /** The record that this device is to send, if it was not found there. */
  async lacking(): Promise<Bytes | undefined> {
    const { known, owners } = this.#news;
    const there = this.there?.epoch === this.#keys.epoch && this.there.owners === owners.length;
    if (there || known === undefined || this.#keys.seeds.e === undefined) return undefined;
    return seal(this.#keys, 'roster', known);
  }
}
