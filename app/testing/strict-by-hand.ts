/**
 * For tests only: FORM and KEY-6 of docs/SPEC.md a second time, strictly, and ROST-3 of what a device key is. It shares no code with
 * the app. A refusal is thrown, and its message is the reason.
 */
import { hex, Input, verify } from './by-hand.ts';

export const refuse = (reason: string): never => {
  throw new Error(reason);
};
/** The refusal, or undefined. Whatever is no reason is a fault of this page. */
export function refusalOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (problem) {
    return (problem as Error).message;
  }
}

/** FORM-1 to FORM-3, strictly; every fault has the one name. */
export class Strict extends Input {
  readonly #fault: string;
  constructor(bytes: Buffer, fault = 'malformed') {
    super(bytes);
    this.#fault = fault;
  }
  fault(): never {
    return refuse(this.#fault);
  }
  override take(length: number): Buffer {
    return length > this.bytes.length - this.at ? this.fault() : super.take(length);
  }
  number(max = 2 ** 53 - 1): number {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.u8();
      value |= BigInt(byte & 127) << shift;
      if (value > BigInt(max)) this.fault();
      if (byte > 127) continue;
      return byte === 0 && shift > 0n ? this.fault() : Number(value);
    }
  }
  u32(): number {
    return this.take(4).readUInt32BE();
  }
  u64(): number {
    const value = this.take(8).readBigUInt64BE();
    return value < 2n ** 53n ? Number(value) : this.fault();
  }
  sized(): Buffer {
    return this.take(this.number());
  }
  end(): void {
    if (this.at < this.bytes.length) this.fault();
  }
}

export const varUint = (value: number): Buffer =>
  value < 128
    ? Buffer.of(value)
    : Buffer.concat([Buffer.of(128 + (value % 128)), varUint(Math.floor(value / 128))]);
export const varBytes = (bytes: Buffer): Buffer => Buffer.concat([varUint(bytes.length), bytes]);

/** Little-endian. */
const numberOf = (key: Buffer): bigint => BigInt(`0x${Buffer.from(key).reverse().toString('hex')}`);
const P = 2n ** 255n - 19n;
const ORDER_8 = [
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
];
const ORDER_8_U = [
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
];
const small = (value: bigint, others: readonly string[]): boolean =>
  [0n, 1n, P - 1n, ...others.map((one) => numberOf(hex(one)))].includes(value);

/** KEY-6. */
export function holds(key: Buffer, signature: Buffer, ...message: Buffer[]): boolean {
  return isSound(key) && verify(key, signature, ...message);
}
/** KEY-6, of a key alone. */
export function isSound(key: Buffer): boolean {
  const y = numberOf(key) & (2n ** 255n - 1n);
  return y < P && !small(y, ORDER_8);
}
/** ROST-3: whether a key may be a device's or an ephemeral one. */
export const isStrong = (key: Buffer): boolean => numberOf(key) < P && !small(numberOf(key), ORDER_8_U);
