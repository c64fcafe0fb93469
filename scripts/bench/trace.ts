// A recorded editing session, in the format of josephg's editing-traces.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';

const traceFile = z.object({
  startContent: z.string(),
  endContent: z.string(),
  txns: z.array(
    z.object({
      time: z.string().optional(),
      patches: z.array(z.tuple([z.int().min(0), z.int().min(0), z.string()])),
    }),
  ),
});
export type Trace = z.infer<typeof traceFile>;

/** Throws when there is no such trace, or when its positions would mean something else in UTF-16. */
export function readTrace(folder: string, name: string): Trace {
  const file = join(folder, `${name}.json.gz`);
  if (!existsSync(file)) throw new Error(`CODEFACE_TRACES has no ${name}.json.gz`);
  const trace = traceFile.parse(JSON.parse(gunzipSync(readFileSync(file)).toString()));
  // Positions are code points, Yjs counts UTF-16 units: the same while no character has two of them.
  const inserted = trace.txns.flatMap(({ patches }) => patches.map(([, , text]) => text));
  if ([trace.startContent, ...inserted].some((text) => /[\u{10000}-\u{10ffff}]/u.test(text)))
    throw new Error(
      `${name} has characters outside the basic plane, whose positions are not translated here`,
    );
  return trace;
}
