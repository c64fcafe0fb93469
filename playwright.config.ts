// Journeys: what people do with the built app, the real server and real browsers. A failure is never retried: a
// journey that fails now and then has found something.
import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: 'app/journeys',
  testMatch: '**/*.e2e.ts',
  outputDir: 'test-results/journeys',
  retries: 0,
  // One at a time: each brings a server, PocketBase and browsers of its own.
  workers: 1,
  forbidOnly: true,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: 'list',
});
