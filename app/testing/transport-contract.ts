/**
 * What every transport must do (docs/spec-transport.md), as cases that run in Node and in a page alike: a case throws
 * when the promise is broken. `describeTransport` makes a test of each; a page runs them by name.
 */
import type { TransportCase, TransportFixture } from './transport-case.ts';
import { FRAME_CASES } from './transport-contract-frames.ts';
import { LINK_CASES } from './transport-contract-links.ts';

export const TRANSPORT_CONTRACT: readonly TransportCase[] = [...LINK_CASES, ...FRAME_CASES];

/** Makes one test of each case; every test gets a room of its own. */
export function describeTransport(
  it: (name: string, run: () => Promise<void>, timeoutMs: number) => void,
  makeFixture: () => Promise<TransportFixture>,
): void {
  for (const contractCase of TRANSPORT_CONTRACT)
    it(
      contractCase.name,
      async () => {
        const fixture = await makeFixture();
        await contractCase.run(fixture).finally(() => fixture.end());
      },
      20_000,
    );
}
