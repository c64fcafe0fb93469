import { afterAll, beforeAll, describe, it } from 'vitest';
import {
  findChromium,
  openTransportBrowser,
  type TransportBrowser,
} from '../../../testing/transport-browser.ts';
import { TRANSPORT_CONTRACT } from '../../../testing/transport-contract.ts';

/** Without a browser these tests fail, unless whoever runs them says that there is none. */
const chromiumPath = findChromium();
const withoutBrowser = chromiumPath === undefined && process.env['CODEFACE_NO_BROWSER'] === '1';

const CASES = [
  ...TRANSPORT_CONTRACT.map(({ name }) => name),
  'NET-52 one data channel, no message above 16 KiB, never more than 256 KiB in its buffer',
  'NET-57 losing the signaling server touches no live link, and its return doubles none',
  'NET-55 two tabs that announce themselves in the same moment make one link',
  'NET-53 an attempt that goes nowhere ends in its time with a reason, and is made again',
  'NET-61 the question goes out with what is asked about: no send more, and one answer',
  'NET-61 for who asks and takes nothing in no answer is kept',
  'NET-63 a link that answers again in time stays, and is believed after a while',
  'NET-64 a link that stops answering is doubtful, and is replaced by one that carries',
];

const BLOCKED = 'NET-58 where the browser allows no direct path it says so in time, and never that it is up';
/** Starting a browser on a busy machine. */
const START_LIMIT_MS = 60_000;

describe.skipIf(withoutBrowser)('webrtc in Chromium, by the contract of transports', () => {
  let browser: TransportBrowser | undefined;
  beforeAll(async () => {
    browser = await openTransportBrowser(chromiumPath ?? '');
  }, START_LIMIT_MS);
  afterAll(() => browser?.end());

  for (const name of CASES) it(name, () => browser?.run(name), 20_000);
});

describe.skipIf(withoutBrowser)('webrtc in a Chromium that allows no direct connection', () => {
  it(
    BLOCKED,
    async () => {
      const flag = '--webrtc-ip-handling-policy=disable_non_proxied_udp';
      const browser = await openTransportBrowser(chromiumPath ?? '', [flag]);
      await browser.run(BLOCKED).finally(() => browser.end());
    },
    START_LIMIT_MS,
  );
});
