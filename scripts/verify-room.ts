// `npm run verify-room -- <file> [link]`: checks a downloaded room's whole history, with no server and no network. The
// link may come on stdin instead, where no list of processes and no shell history shows it. Exit code 0: verified;
// 1: not; 2: it could not be tried.
import { openAsBlob } from 'node:fs';
import { createInterface } from 'node:readline';
import { noVerdictWords, verdictLines } from './verify-room-words.ts';
import { verdictOf } from './verify-room-verdict.ts';

const NOT_VERIFIED = 1;
const NOT_TRIED = 2;

async function main([path, given]: readonly string[]): Promise<number> {
  if (path === undefined) {
    console.error('Say which file: npm run verify-room -- room.codeface [link]');
    return NOT_TRIED;
  }
  let file: Blob;
  try {
    file = await openAsBlob(path);
  } catch {
    console.error(`There is no file ${path} that can be read.`);
    return NOT_TRIED;
  }
  const link = given ?? (await firstLineOfInput());
  if (link === undefined) {
    console.error('No link: the file is encrypted, and a link of its room has the key.');
    return NOT_TRIED;
  }
  const verdict = await verdictOf(file, link);
  if (!verdict.ok) {
    console.log(noVerdictWords(verdict.error));
    return NOT_VERIFIED;
  }
  console.log(verdictLines(verdict.value).join('\n'));
  return verdict.value.verified ? 0 : NOT_VERIFIED;
}

async function firstLineOfInput(): Promise<string | undefined> {
  if (process.stdin.isTTY) process.stderr.write('Link of the room: ');
  const lines = createInterface({ input: process.stdin });
  for await (const line of lines) {
    lines.close();
    return line;
  }
  return undefined;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
