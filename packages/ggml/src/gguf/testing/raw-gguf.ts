// GGUF files built by hand, value by value: what no writer would write.

/** A header built by hand, value by value. */
export class RawGguf {
  #bytes: Buffer = Buffer.from("GGUF");

  u32(value: number): this {
    const part = Buffer.alloc(4);
    part.writeUInt32LE(value);
    return this.raw(part);
  }

  u64(value: bigint | number): this {
    const part = Buffer.alloc(8);
    part.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
    return this.raw(part);
  }

  text(value: string): this {
    return this.u64(Buffer.byteLength(value)).raw(Buffer.from(value));
  }

  raw(part: Uint8Array): this {
    this.#bytes = Buffer.concat([this.#bytes, part]);
    return this;
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }
}

/** A header of version 3 that announces so many tensors and keys. */
export function rawHeader(tensors: bigint | number, keys: bigint | number): RawGguf {
  return new RawGguf().u32(3).u64(tensors).u64(keys);
}

export interface TensorEntry {
  readonly name?: string;
  readonly dimensions?: readonly (bigint | number)[];
  readonly type?: number;
  readonly offset?: bigint | number;
}

/** A file of nothing but this table of tensors and 256 bytes of data. */
export function tensorFile(...entries: readonly TensorEntry[]): Uint8Array {
  const raw = rawHeader(entries.length, 0);
  for (const [index, entry] of entries.entries()) {
    const dimensions = entry.dimensions ?? [8];
    raw.text(entry.name ?? `t${index}`).u32(dimensions.length);
    for (const extent of dimensions) raw.u64(extent);
    raw.u32(entry.type ?? 0).u64(entry.offset ?? index * 32);
  }
  return raw.raw(new Uint8Array(256)).bytes;
}
