/**
 * What this tab's own edits come to, byte for byte as Yjs gives it to listeners of 'update'. While there is such a listener
 * Yjs encodes every transaction, also those of what others wrote, and goes through all clients that ever wrote here four
 * times for each. Which client a local transaction wrote as is known.
 */
import { writeVarUint } from 'lib0/encoding';
import * as Y from 'yjs';
import type { Bytes } from '../core/bytes.ts';

/**
 * The V1 update of a transaction, to be taken when Yjs says 'afterTransactionCleanup': before that its structs are not what
 * is kept of them. Undefined if it changed nothing.
 */
export function updateOf(transaction: Y.Transaction): Bytes | undefined {
  const { doc, local, deleteSet, beforeState, afterState } = transaction;
  const clients = local ? [doc.clientID] : [...afterState.keys()];
  const grown = clients.flatMap((client) => {
    const from = beforeState.get(client) ?? 0;
    return (afterState.get(client) ?? 0) > from ? [{ client, from }] : [];
  });
  if (grown.length === 0 && deleteSet.clients.size === 0) return undefined;
  const encoder = new Y.UpdateEncoderV1();
  writeVarUint(encoder.restEncoder, grown.length);
  for (const { client, from } of grown.sort((a, b) => b.client - a.client))
    writeStructs(encoder, doc.store.clients.get(client) ?? [], client, from);
  writeDeleted(encoder, deleteSet);
  return encoder.toUint8Array() as Bytes;
}

function writeStructs(
  encoder: Y.UpdateEncoderV1,
  structs: readonly (Y.Item | Y.GC)[],
  client: number,
  from: number,
): void {
  const first = Y.findIndexSS(structs as (Y.Item | Y.GC)[], from);
  writeVarUint(encoder.restEncoder, structs.length - first);
  encoder.writeClient(client);
  writeVarUint(encoder.restEncoder, from);
  // The first may have been merged into one from before the transaction.
  for (const struct of structs.slice(first)) struct.write(encoder, Math.max(from - struct.id.clock, 0));
}

function writeDeleted(encoder: Y.UpdateEncoderV1, { clients }: Y.Transaction['deleteSet']): void {
  writeVarUint(encoder.restEncoder, clients.size);
  for (const [client, ranges] of [...clients].sort(([a], [b]) => b - a)) {
    encoder.resetDsCurVal();
    writeVarUint(encoder.restEncoder, client);
    writeVarUint(encoder.restEncoder, ranges.length);
    for (const { clock, len } of ranges) {
      encoder.writeDsClock(clock);
      encoder.writeDsLen(len);
    }
  }
}
