import { expect, test } from 'vitest';
import { listenSentence } from './listen-problem.ts';

test.each([
  ['EADDRINUSE', 'Port 80 on nowhere.test is in use'],
  ['EACCES', 'choose one above 1023'],
  ['EADDRNOTAVAIL', 'nowhere.test is not an address of this machine'],
  ['ENOTFOUND', 'nowhere.test is not an address of this machine'],
  ['ENOENT', 'not built yet'],
  ['EMFILE', 'could not listen on nowhere.test:80 (EMFILE)'],
])('%s is told in one sentence: %s', (code, words) => {
  const sentence = listenSentence({ code, host: 'nowhere.test', port: 80 });
  expect(sentence).toContain(words);
  expect(sentence).toMatch(/^[^\n]+\.$/);
});
