// Journeys: what people do with the built app, the real server and real browsers. A failure is never retried: a
// journey that fails now and then has found something.
import { defineConfig } from '@playwright/test';

/** Most of their time passes while nothing is done: a minute of rest, half a minute until others' words are archived. */
const WAITING = /\/(what-goes-from-the-server|alone-next-day)\.e2e\.ts$/u;

export default defineConfig({
  testDir: 'app/journeys',
  testMatch: '**/*.e2e.ts',
  outputDir: 'test-results/journeys',
  retries: 0,
  // One at a time, and beside it one that waits: each brings a server, PocketBase and browsers of its own.
  workers: 2,
  projects: [
    { name: 'journeys', testIgnore: WAITING, workers: 1 },
    { name: 'waiting', testMatch: WAITING, workers: 1 },
  ],
  forbidOnly: true,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: 'list',
});
