/**
 * Reloading into the newest version. A plain reload shows the version that is cached: the new service worker waits for
 * as long as a page of the old one is open, and a reload keeps one open.
 */

/** The parts of a service worker's registration used here. */
export interface WorkerRegistration {
  readonly installing: AppWorker | null;
  readonly waiting: AppWorker | null;
  update(): Promise<unknown>;
}
export interface AppWorker extends EventTarget {
  readonly state: string;
  postMessage(message: 'skip-waiting'): void;
}
export interface WorkerContainer extends EventTarget {
  getRegistration(): Promise<WorkerRegistration | undefined>;
}

export interface ReloadParts {
  readonly container?: WorkerContainer | undefined;
  readonly reload?: () => void;
  readonly limits?: { readonly fetchMs: number; readonly takeOverMs: number };
}

/** Fetching: the new version is a few MB. Taking over: nothing but a message. Longer, and the person has the page as it is. */
const LIMITS = { fetchMs: 20_000, takeOverMs: 3_000 };

/** Fetches the new version if there is one, lets it take over, and reloads; reloads in any case. Never rejects. */
export async function reloadApp({
  container = (globalThis.navigator as { serviceWorker?: WorkerContainer } | undefined)?.serviceWorker,
  reload = () => location.reload(),
  limits = LIMITS,
}: ReloadParts = {}): Promise<void> {
  if (container !== undefined) {
    const waiting = await within(limits.fetchMs, newest(container));
    if (waiting !== undefined) {
      const tookOver = once(container, 'controllerchange');
      waiting.postMessage('skip-waiting');
      await within(limits.takeOverMs, tookOver);
    }
  }
  reload();
}

/** The worker of a newer version, installed and waiting; undefined when there is none. */
async function newest(container: WorkerContainer): Promise<AppWorker | undefined> {
  const registration = await container.getRegistration();
  // Offline, the version that was fetched before may still be waiting.
  await registration?.update().catch(() => undefined);
  const { installing } = registration ?? {};
  if (installing) while (installing.state === 'installing') await once(installing, 'statechange');
  return registration?.waiting ?? undefined;
}

const once = (target: EventTarget, event: string): Promise<void> =>
  new Promise((resolve) => target.addEventListener(event, () => resolve(), { once: true }));

/** What it resolves to, or undefined where it fails or takes longer. */
async function within<T>(ms: number, promised: Promise<T>): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([promised, late]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
