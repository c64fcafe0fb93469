/** Lowers the most memory a WebAssembly module may ever have, by rewriting its memory section: its allocator then fails early. */

const MEMORY_SECTION = 5;
const HEADER_BYTES = 8;
const PAGE_BYTES = 65_536;

/**
 * The module with its own memory's maximum set to `maxBytes` (never below its initial size), or unchanged when it defines no
 * memory. Throws a RangeError when the bytes are no WebAssembly module. Binary format: WebAssembly core specification §5.5.
 */
export function limitWasmMemory(module: Uint8Array<ArrayBuffer>, maxBytes: number): Uint8Array<ArrayBuffer> {
  let at = HEADER_BYTES;
  while (at < module.length) {
    const [length, body] = readUnsigned(module, at + 1);
    const end = body + length;
    if (end > module.length) throw new RangeError('a section ends outside the module');
    if (module[at] === MEMORY_SECTION) {
      const section = limitedSection(module.subarray(body, end), Math.floor(maxBytes / PAGE_BYTES));
      const limited = new Uint8Array(at + section.length + module.length - end);
      limited.set(module.subarray(0, at));
      limited.set(section, at);
      limited.set(module.subarray(end), at + section.length);
      return limited;
    }
    at = end;
  }
  return module;
}

function limitedSection(section: Uint8Array, maxPages: number): Uint8Array {
  const [count, flagsAt] = readUnsigned(section, 0);
  if (count !== 1) throw new RangeError('one memory expected');
  const flags = section[flagsAt] ?? 0;
  const [initialPages] = readUnsigned(section, flagsAt + 1);
  const body = [1, flags | 1, ...unsigned(initialPages), ...unsigned(Math.max(initialPages, maxPages))];
  return Uint8Array.from([MEMORY_SECTION, ...unsigned(body.length), ...body]);
}

/** LEB128, at most 32 bits: the value and where it ends. */
function readUnsigned(bytes: Uint8Array, at: number): [value: number, end: number] {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = bytes[at++];
    if (byte === undefined) break;
    value |= (byte & 127) << shift;
    if (byte < 128) return [value >>> 0, at];
  }
  throw new RangeError('a number ends outside the module');
}

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value >>> 0; ; rest >>>= 7) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest & 127) | 128);
  }
}
