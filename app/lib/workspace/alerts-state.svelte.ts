/** The alerts a room shows: what happened, what still works, what to do next (alerts.ts: which of them). */
import { staysForMs, withAlert, type NewAlert } from './alerts.ts';
import type { AlertView } from './room-model.ts';

export class AlertsState {
  #alerts = $state.raw<readonly AlertView[]>([]);

  get all(): readonly AlertView[] {
    return this.#alerts;
  }

  /** Shows an alert; one with the same id is replaced, so that a repeated failure stays one message. */
  show(id: string, alert: NewAlert): void {
    this.#alerts = withAlert(this.#alerts, id, alert);
    const shown = this.#alerts.find((each) => each.id === id);
    const ms = staysForMs(alert);
    if (ms !== undefined)
      setTimeout(() => (this.#alerts = this.#alerts.filter((each) => each !== shown)), ms);
  }

  dismiss(id: string): void {
    this.#alerts = this.#alerts.filter((shown) => shown.id !== id);
  }
}
