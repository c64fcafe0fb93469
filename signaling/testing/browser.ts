/** A real Chromium for the tests that need one. */
import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright';

const path = [process.env['CHROMIUM_PATH'], '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  (each) => each !== undefined && existsSync(each),
);

/** Whether there is one; says so when there is none. */
export const hasBrowser = path !== undefined || existsSync(chromium.executablePath());
if (!hasBrowser) console.log('No browser tests here: CHROMIUM_PATH names none, and none is installed.');

/** Ends with the caller's `close()`. Talks to nobody but the pages it is sent to. */
export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({
    ...(path === undefined ? {} : { executablePath: path }),
    args: [
      '--no-sandbox',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
