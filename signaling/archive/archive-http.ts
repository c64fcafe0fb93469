/** Bodies, answers and refusals of the archive as HTTP. Which request gets which is archive-door.ts's business. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  ARCHIVE_CONTENT_TYPE,
  ARCHIVE_REFUSALS,
  encodeRefusal,
  type ArchiveRefusal,
} from '../../app/lib/core/archive-wire.ts';
import type { Bytes } from '../../app/lib/core/bytes.ts';
import { err, ok, type Result } from '../../app/lib/core/result.ts';
import { dataHeaders } from '../../app/lib/core/security-headers.ts';
import { ANSWER_TIMEOUT_MS } from '../limits.ts';

/** Says `rate` or `later`: again in so many seconds. */
export interface Refusal extends ArchiveRefusal {
  readonly afterSeconds?: number;
}

/** What a route gives: the parts of the body, their length known before the first is sent. */
export interface Body {
  readonly length: number;
  readonly parts: AsyncIterable<Bytes> | Iterable<Bytes>;
}
/** What a fault of a moment, or a full room, is asked again after. */
const LATER_SECONDS = 5;

/** The length a body claims; without one nobody could say in time that there is no room for it. */
export function lengthOf({ headers }: IncomingMessage, maxBytes: number): Result<number, Refusal> {
  const length = headers['content-length'];
  if (headers['content-type'] !== ARCHIVE_CONTENT_TYPE || length === undefined || !/^\d{1,10}$/.test(length))
    return err({ reason: 'malformed' });
  return Number(length) > maxBytes ? err({ reason: 'too-large' }) : ok(Number(length));
}

/** All of a body, which is as long as it claims. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Result<Bytes, Refusal>> {
  const length = lengthOf(request, maxBytes);
  if (!length.ok) return length;
  const body = new Uint8Array(length.value);
  let at = 0;
  try {
    // Node gives as many bytes as were claimed, or an error.
    for await (const chunk of request as AsyncIterable<Buffer>) {
      body.set(chunk, at);
      at += chunk.length;
    }
  } catch {
    // Gone in the middle: nobody is there to be answered.
  }
  return at === body.length ? ok(body) : err({ reason: 'malformed' });
}

/**
 * Sends a body of a known length. What fails on the way cuts it off, as does its end not coming in time: the reader sees that it is
 * not whole.
 */
export async function send(
  response: ServerResponse,
  { length, parts }: Body,
  timeoutMs = ANSWER_TIMEOUT_MS,
): Promise<void> {
  const headers = { ...dataHeaders(), 'content-type': ARCHIVE_CONTENT_TYPE, 'cache-control': 'no-store' };
  const deadline = setTimeout(() => response.destroy(), timeoutMs);
  let begun = false;
  try {
    for await (const part of parts) {
      if (!begun) response.writeHead(200, { ...headers, 'content-length': length });
      begun = true;
      if (response.destroyed) return;
      if (!response.write(part)) await drained(response);
    }
    response.end();
  } catch {
    response.destroy();
  } finally {
    clearTimeout(deadline);
  }
}

const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const over = (): void => {
      response.off('drain', over).off('close', over);
      resolve();
    };
    response.on('drain', over).on('close', over);
  });

/** The connection stays open: cut while a body still comes, many clients would never see the answer. */
export function refuse(response: ServerResponse, refusal: Refusal): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  const code = ARCHIVE_REFUSALS[refusal.reason];
  const { afterSeconds = code === 507 || refusal.reason === 'later' ? LATER_SECONDS : undefined } = refusal;
  const { reason, counter } = refusal;
  response
    .writeHead(code, {
      ...dataHeaders(),
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...(afterSeconds !== undefined && { 'retry-after': String(afterSeconds) }),
      ...(reason === 'too-large' && { connection: 'close' }),
    })
    .end(encodeRefusal({ reason, ...(counter !== undefined && { counter }) }));
}
