/** Whether a state of the project from somebody else can be shown: looked at in a doc of its own, before the page's doc has it. */
import * as Y from 'yjs';
import type { Bytes } from '../core/bytes.ts';
import { ROOT_NAMES } from '../log/struct-check.ts';

/** Stable codes (CHECK-3). */
export type StateProblem =
  | 'malformed-state'
  /** It names what is not there: Yjs would wait for it for ever. */
  | 'pending-state'
  /** It has words of the session that is to write next, and has written nothing. */
  | 'own-words'
  | 'root-name'
  | 'subdocument';

/** Why it can't; undefined where it can. `client`: who writes here. */
export function stateProblem(state: Bytes, client: number): StateProblem | undefined {
  const doc = new Y.Doc();
  try {
    Y.applyUpdate(doc, state);
    const { pendingStructs, pendingDs, clients } = doc.store;
    if (pendingStructs !== null || pendingDs !== null) return 'pending-state';
    if (clients.has(client)) return 'own-words';
    if ([...doc.share.keys()].some((name) => !ROOT_NAMES.includes(name))) return 'root-name';
    return doc.subdocs.size > 0 ? 'subdocument' : undefined;
  } catch {
    return 'malformed-state';
  } finally {
    doc.destroy();
  }
}
