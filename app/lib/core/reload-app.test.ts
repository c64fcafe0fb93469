import { expect, it } from 'vitest';
import { reloadApp, type AppWorker, type WorkerContainer } from './reload-app.ts';

/** What a browser has of our service workers, as the page sees it: events and states, and what was done in order. */
class Browser extends EventTarget implements WorkerContainer {
  readonly done: string[] = [];
  installing: Worker | null = null;
  waiting: Worker | null = null;
  readonly limits = { fetchMs: 100, takeOverMs: 100 };
  readonly reload = (): void => void this.done.push('reload');
  readonly container = this;
  getRegistration = async (): Promise<Browser | undefined> => this;
  update = async (): Promise<unknown> => this.done.push('update');
}

class Worker extends EventTarget implements AppWorker {
  state = 'installing';
  readonly #browser: Browser;
  constructor(browser: Browser) {
    super();
    this.#browser = browser;
  }
  become(state: string): void {
    this.state = state;
    if (state === 'installed') this.#browser.waiting = this;
    this.#browser.installing = null;
    this.dispatchEvent(new Event('statechange'));
  }
  postMessage(message: string): void {
    this.#browser.done.push(message);
    queueMicrotask(() => {
      this.#browser.done.push('takes over');
      this.#browser.dispatchEvent(new Event('controllerchange'));
    });
  }
}

it('lets a version that waits take over before it reloads', async () => {
  const browser = new Browser();
  new Worker(browser).become('installed');
  await reloadApp(browser);
  expect(browser.done).toEqual(['update', 'skip-waiting', 'takes over', 'reload']);
});

it('waits for a version that the update has just found', async () => {
  const browser = new Browser();
  const found = new Worker(browser);
  browser.update = async () => {
    browser.installing = found;
    queueMicrotask(() => found.become('installed'));
  };
  await reloadApp(browser);
  expect(browser.done).toEqual(['skip-waiting', 'takes over', 'reload']);
});

it.each([
  ['there is no newer version', () => undefined],
  ['there is no registration', (browser: Browser) => (browser.getRegistration = async () => undefined)],
  ['the new version breaks', breaks],
  ['the new version never arrives', (browser: Browser) => (browser.installing = new Worker(browser))],
  ['the network is gone', (browser: Browser) => (browser.update = () => Promise.reject(new TypeError()))],
  [
    'the browser refuses',
    (browser: Browser) => (browser.getRegistration = () => Promise.reject(new Error())),
  ],
])('reloads all the same where %s', async (_, happens) => {
  const browser = new Browser();
  happens(browser);
  await reloadApp(browser);
  expect(browser.done.filter((what) => what !== 'update')).toEqual(['reload']);
});

it('reloads where the waiting version does not take over in time', async () => {
  const browser = new Browser();
  const deaf = new Worker(browser);
  deaf.postMessage = () => undefined;
  deaf.become('installed');
  await reloadApp(browser);
  expect(browser.done).toEqual(['update', 'reload']);
});

it('reloads where there are no service workers', async () => {
  const { done, reload } = new Browser();
  await reloadApp({ reload });
  expect(done).toEqual(['reload']);
});

function breaks(browser: Browser): void {
  const found = new Worker(browser);
  browser.installing = found;
  queueMicrotask(() => found.become('redundant'));
}
