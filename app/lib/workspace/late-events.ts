/** What a replica tells before there is anybody to hear it. */
import type { ReplicaEvents } from '../sync/replica.ts';

/** Events that happen while the room opens are delivered when there is someone to hear them. */
export function lateEvents(): ReplicaEvents & { deliverTo(target: ReplicaEvents): void } {
  let target: ReplicaEvents | undefined;
  const early: ((to: ReplicaEvents) => void)[] = [];
  const tell = (act: (to: ReplicaEvents) => void): void => {
    if (target === undefined) early.push(act);
    else act(target);
  };
  return {
    onMessages: (accepted) => tell((to) => to.onMessages(accepted)),
    onSaved: (state) => tell((to) => to.onSaved(state)),
    onPeers: () => tell((to) => to.onPeers()),
    onNotice: (notice) => tell((to) => to.onNotice(notice)),
    deliverTo(next) {
      target = next;
      for (const act of early.splice(0)) act(next);
    },
  };
}
