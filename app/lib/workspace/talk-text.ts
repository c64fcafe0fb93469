/** What people type into the chat and what is shown of it: the draft's limits, and links among plain text. Pure. */
import { MAX_TALK_TEXT_BYTES, talkTextBytes } from '../document/talk.ts';

/** Blank lines around a message say nothing; a message of nothing else is none. Linear: it runs at every key, whatever was pasted. */
export const tidyDraft = (draft: string): string =>
  draft
    .toWellFormed()
    .replace(/\r\n?/g, '\n')
    .replace(/^\s*\n/, '')
    .trimEnd();

/** Why a draft can't be sent, in words; undefined where it can. */
export function draftProblem(draft: string): string | undefined {
  const over = talkTextBytes(tidyDraft(draft)) - MAX_TALK_TEXT_BYTES;
  if (over <= 0) return undefined;
  const long = over === 1 ? '1 byte' : `${over.toLocaleString('en')} bytes`;
  return `Too long by ${long}: a message holds 4 KiB. Put the rest into a second message, or into a file.`;
}

export interface TextPiece {
  readonly text: string;
  /** Where it leads: http or https, and written exactly as it is shown. */
  readonly href?: string;
}

/** No spaces, quotes, brackets of mark-up, controls or marks that hide or reorder what the address says. */
const ADDRESS = /https?:\/\/[^\s<>"'`\p{C}]+/giu;
/** Ends a sentence rather than an address. */
const AFTER_ADDRESS = '.,;:!?)]}';
/** A message of addresses alone would be nothing but links. */
const MAX_LINKS = 20;

/** A message's text, cut where addresses stand in it. */
export function linkPieces(text: string): TextPiece[] {
  const pieces: TextPiece[] = [];
  let done = 0;
  let links = 0;
  for (const { 0: found, index } of text.matchAll(ADDRESS)) {
    if (links === MAX_LINKS) break;
    const address = withoutEnd(found);
    if (!isWebAddress(address)) continue;
    if (index > done) pieces.push({ text: text.slice(done, index) });
    pieces.push({ text: address, href: address });
    done = index + address.length;
    links++;
  }
  if (done < text.length) pieces.push({ text: text.slice(done) });
  return pieces;
}

/** A loop, as an expression would look for the end from every place: what strangers write decides how often. */
function withoutEnd(found: string): string {
  let end = found.length;
  while (end > 0 && AFTER_ADDRESS.includes(found.charAt(end - 1))) end--;
  return found.slice(0, end);
}

function isWebAddress(text: string): boolean {
  const url = URL.parse(text);
  // "https://bank.example@evil.example" reads as another place than it leads to.
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
}
