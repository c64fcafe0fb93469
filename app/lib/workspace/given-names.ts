/** What devices called themselves last in the chat (TALK-5), where it is known to be theirs (CERT-8): for those who were never met here. */
import type { DeviceId } from '../core/ids.ts';
import { decodeTalkMessage } from '../document/talk.ts';
import type { Accepted } from '../log/receipt.ts';

export class GivenNames {
  readonly #given = new Map<DeviceId, { readonly name: string; readonly time: number }>();

  /** Takes what came into the log. Whether somebody is called otherwise now. */
  receive(accepted: readonly Accepted[]): boolean {
    let changed = false;
    for (const { session, channel, entries } of accepted) {
      if (channel !== 'talk' || !session.proved) continue;
      for (const { time, payload } of entries) {
        const { device } = session;
        const message = decodeTalkMessage(payload);
        if (!message.ok || message.value.kind !== 'message') continue;
        if (time < (this.#given.get(device)?.time ?? 0)) continue;
        const { name } = message.value;
        changed ||= name !== this.of(device);
        this.#given.set(device, { name, time });
      }
    }
    return changed;
  }

  /** '' where they gave none. */
  of(device: DeviceId): string {
    return this.#given.get(device)?.name ?? '';
  }
}
