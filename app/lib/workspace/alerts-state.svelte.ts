/** The alerts a room shows: what happened, what still works, what to do next. One of a kind at a time. */
import type { AlertView } from './room-model.ts';

export type NewAlert = Omit<AlertView, 'id' | 'actions'> & { readonly actions?: AlertView['actions'] };

/** More than this many at once is a wall, not a message: the oldest goes. */
const MAX_ALERTS = 4;

export class AlertsState {
  #alerts = $state.raw<readonly AlertView[]>([]);

  get all(): readonly AlertView[] {
    return this.#alerts;
  }

  /** Shows an alert; one with the same id is replaced, so that a repeated failure stays one message. */
  show(id: string, alert: NewAlert): void {
    const others = this.#alerts.filter((shown) => shown.id !== id);
    this.#alerts = [...others, { actions: [], ...alert, id }].slice(-MAX_ALERTS);
  }

  dismiss(id: string): void {
    this.#alerts = this.#alerts.filter((shown) => shown.id !== id);
  }
}
