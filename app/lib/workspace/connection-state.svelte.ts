/** The status "Connection": read from the replica whenever peers, transports or the device's own network change. */
import type { DeviceId } from '../core/ids.ts';
import type { Replica } from '../sync/replica.ts';
import { describeConnection } from './connection.ts';
import type { ConnectionView } from './room-model.ts';

export class ConnectionState {
  #view = $state.raw<ConnectionView>({ kind: 'Offline', here: 1, why: 'Reaching the server…' });
  readonly #replica: Replica;
  readonly #me: DeviceId;
  readonly #stop = new AbortController();

  constructor(replica: Replica, me: DeviceId) {
    this.#replica = replica;
    this.#me = me;
    const { signal } = this.#stop;
    for (const event of ['online', 'offline']) addEventListener(event, () => this.refresh(), { signal });
    this.refresh();
  }

  get view(): ConnectionView {
    return this.#view;
  }

  refresh(): void {
    const replica = this.#replica;
    const paths = replica.paths();
    const doubted = replica.doubted();
    this.#view = describeConnection({
      me: this.#me,
      peers: replica.others.flatMap(({ peer, session }) => {
        const path = paths.get(peer);
        return path === undefined ? [] : [{ device: session.device, path, doubted: doubted.has(peer) }];
      }),
      relay: replica.transportStatus('relay'),
      webrtc: replica.transportStatus('webrtc'),
      online: navigator.onLine,
      follows: replica.follows,
    });
  }

  dispose(): void {
    this.#stop.abort();
  }
}
