// The reader gives back what the writer wrote, and refuses every crafted bad file by name.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { LociError } from "@loci/core";
import { afterAll, describe, expect, test } from "vitest";
import { MemorySource } from "./byte-source.ts";
import { ggmlTypes } from "./ggml-types.ts";
import { parseGguf, readGguf } from "./gguf-file.ts";
import { ggufTypeNames, type GgufFile, type GgufValue, type GgufValueType } from "./gguf-format.ts";
import { metadataOf, sample, tensorOf } from "./testing/gguf-samples.ts";
import { encodeGguf, writeGguf, type GgufContent, type GgufWriteValue } from "./gguf-writer.ts";

const folder = mkdtempSync(join(tmpdir(), "loci-gguf-"));
afterAll(() => rmSync(folder, { recursive: true }));

function parse(bytes: Uint8Array): GgufFile {
  return parseGguf(new MemorySource(bytes), "model.gguf");
}

function errorOf(action: () => unknown): LociError {
  try {
    action();
  } catch (error) {
    if (error instanceof LociError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

function typed(type: GgufValueType, value: fc.Arbitrary<GgufValue>): fc.Arbitrary<GgufWriteValue> {
  return value.map((inner) => ({ type, value: inner }));
}

describe("round trip", () => {
  test("every value type, every shape", () => {
    const path = join(folder, "sample.gguf");
    writeGguf(path, sample);
    const file = readGguf(path);
    expect(file.version).toBe(3);
    expect(file.identity).toMatch(/^\d+:\d+:\d+:\d+$/);
    expect([...file.metadata.keys()]).toEqual([...sample.metadata.keys()]);
    for (const [key, { type, value }] of sample.metadata) {
      expect(file.metadataTypes.get(key)).toBe(type);
      expect(file.metadata.get(key)).toEqual(value);
    }
    const tensor = file.tensors.get("b.weight");
    expect(tensor).toMatchObject({ type: 8, typeName: "q8_0", dimensions: [64, 2] });
    expect(tensor?.byteLength).toBe(136);
    expect((tensor?.fileOffset ?? 1) % 32).toBe(0);
    expect(file.dataOffset % file.alignment).toBe(0);
  });

  test("data made late lands where the table says", () => {
    const path = join(folder, "late.gguf");
    const data = Uint8Array.from({ length: 64 }, (_, index) => index);
    const tensors = [tensorOf("first", 0, [1]), { ...tensorOf("late", 0, [16]), data: () => data }];
    writeGguf(path, { metadata: new Map(), tensors });
    const tensor = readGguf(path).tensors.get("late");
    const bytes = encodeGguf({ metadata: new Map(), tensors });
    expect(bytes.subarray(tensor?.fileOffset).subarray(0, 64)).toEqual(Buffer.from(data));
  });

  const scalars: Record<string, fc.Arbitrary<GgufValue>> = {
    uint8: fc.integer({ min: 0, max: 255 }),
    int8: fc.integer({ min: -128, max: 127 }),
    uint16: fc.integer({ min: 0, max: 65_535 }),
    int16: fc.integer({ min: -32_768, max: 32_767 }),
    uint32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    int32: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    uint64: fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
    int64: fc.integer(),
    float32: fc.float(),
    float64: fc.double(),
    bool: fc.boolean(),
    string: fc.string({ unit: "binary" }),
  };
  const values = fc.oneof(
    ...ggufTypeNames
      .filter((name) => name !== "array")
      .map((name) => typed(name, scalars[name] ?? fc.constant(0))),
    typed("array<string>", fc.array(fc.string({ unit: "binary", maxLength: 200 }))),
    typed("array<bool>", fc.array(fc.boolean())),
    typed("array<int16>", fc.int16Array()),
    typed("array<uint16>", fc.uint16Array()),
    typed("array<float64>", fc.float64Array()),
    typed("array<uint64>", fc.bigUint64Array()),
  );
  const names = fc.stringMatching(/^[a-z0-9_.]{1,40}$/);

  test("any metadata and tensors", () => {
    const types = fc.constantFrom(...ggmlTypes.values());
    const shapes = fc.tuple(types, fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }));
    const metadata = fc
      .dictionary(names, values)
      .map((entries) => new Map(Object.entries(entries)));
    const tensors = fc.dictionary(names, shapes).map((entries) =>
      Object.entries(entries).map(([name, [type, rest]]) => {
        const rows = rest.reduce((product, extent) => product * extent, 1);
        const dimensions = [type.blockElements, ...rest];
        return { name, type: type.id, dimensions, data: new Uint8Array(rows * type.blockBytes) };
      }),
    );
    fc.assert(
      fc.property(metadata, tensors, (entries, list) => {
        entries.delete("general.alignment");
        const file = parse(encodeGguf({ metadata: entries, tensors: list }));
        for (const [key, { type, value }] of entries) {
          expect(file.metadataTypes.get(key)).toBe(type);
          expect(file.metadata.get(key)).toEqual(value);
        }
        for (const tensor of list) {
          const found = file.tensors.get(tensor.name);
          expect(found?.dimensions).toEqual(tensor.dimensions);
          expect(found?.byteLength).toBe(tensor.data.byteLength);
        }
        expect(file.tensors.size).toBe(list.length);
      }),
      { numRuns: 150, seed: 1 },
    );
  });

  test("a header of many windows", () => {
    const long = [127, 128, 129, 5000, 70_000, 1_200_000];
    const texts = Array.from({ length: 30_000 }, (_, index) => {
      const length = index % 5000 === 7 ? (long[Math.floor(index / 5000)] ?? 0) : index % 23;
      return ["", "é", "é😀", "\ufeffxĠ", "\ufffd"][index % 5] + "y".repeat(length);
    });
    const numbers = Float64Array.from({ length: 200_000 }, (_, index) => index / 3);
    const metadata = metadataOf({
      "a.texts": ["array<string>", texts],
      "b.numbers": ["array<float64>", numbers],
      "c.end": ["string", "end"],
    });
    const file = parse(encodeGguf({ metadata, tensors: [] }));
    expect(file.fileBytes).toBeGreaterThan(3 * 1024 * 1024);
    const read = file.metadata.get("a.texts");
    expect(Array.isArray(read) && texts.findIndex((text, index) => read[index] !== text)).toBe(-1);
    const found = file.metadata.get("b.numbers");
    expect(found instanceof Float64Array && found.every((item, at) => item === numbers[at])).toBe(
      true,
    );
    expect(file.metadata.get("c.end")).toBe("end");
  });

  test("texts with invalid bytes are decoded one by one", () => {
    const texts = ["plain", "ab", "cd", "é"];
    const bytes = encodeGguf({
      metadata: metadataOf({ "a.texts": ["array<string>", texts] }),
      tensors: [],
    });
    const at = Buffer.from(bytes).indexOf("ab") + 1;
    // "é" cut in two: its halves end one text and start the next.
    bytes[at] = 0xc3;
    bytes[at + 9] = 0xa9;
    expect(parse(bytes).metadata.get("a.texts")).toEqual(["plain", "a\ufffd", "\ufffdd", "é"]);
  });
});

/** A header built by hand, value by value. */
class Raw {
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

const header = (tensors: bigint | number, keys: bigint | number): Raw =>
  new Raw().u32(3).u64(tensors).u64(keys);

interface TensorEntry {
  readonly name?: string;
  readonly dimensions?: readonly (bigint | number)[];
  readonly type?: number;
  readonly offset?: bigint | number;
}

function tensorFile(...entries: readonly TensorEntry[]): Uint8Array {
  const raw = header(entries.length, 0);
  for (const [index, entry] of entries.entries()) {
    const dimensions = entry.dimensions ?? [8];
    raw.text(entry.name ?? `t${index}`).u32(dimensions.length);
    for (const extent of dimensions) raw.u64(extent);
    raw.u32(entry.type ?? 0).u64(entry.offset ?? index * 32);
  }
  return raw.raw(new Uint8Array(256)).bytes;
}

const huge = 2n ** 64n - 1n;
const pad = new Uint8Array(64);

const badFiles: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ["an empty file", new Uint8Array(0), /the file ends here/],
  ["half a magic", Buffer.from("GG"), /the file ends here/],
  ["another magic", Buffer.from("GGML0000"), /starts with "GGML"/],
  ["only a magic", Buffer.from("GGUF"), /the file ends here/],
  ["version 0", new Raw().u32(0).raw(pad).bytes, /version is 0/],
  ["version 1", new Raw().u32(1).raw(pad).bytes, /version is 1/],
  ["a future version", new Raw().u32(4).raw(pad).bytes, /version is 4/],
  ["byte-swapped", new Raw().u32(0x0300_0000).raw(pad).bytes, /big-endian \(version 3/],
  ["2^64-1 tensors", header(huge, 0).bytes, /number of tensors is 18446744073709551615/],
  ["2^64-1 keys", header(0, huge).bytes, /number of keys is 18446744073709551615/],
  ["more tensors than bytes", header(9, 0).raw(pad).bytes, /number of tensors is 9/],
  ["more keys than bytes", header(0, 9).raw(pad).bytes, /number of keys is 9/],
  [
    "too many keys",
    header(0, 65_537).raw(new Uint8Array(2 ** 20)).bytes,
    /number of keys is 65537/,
  ],
  ["a key of 2^64-1", header(0, 1).u64(huge).raw(pad).bytes, /length of a metadata key/],
  ["a long key", header(0, 1).text("k".repeat(1025)).raw(pad).bytes, /length of a metadata key/],
  ["an empty key", header(0, 1).text("").raw(pad).bytes, /key is empty/],
  ["a key with a NUL", header(0, 1).text("a\0b").raw(pad).bytes, /unprintable/],
  ["a key with a space", header(0, 1).text("a b").raw(pad).bytes, /unprintable/],
  ["a key beyond ASCII", header(0, 1).text("aé").raw(pad).bytes, /unprintable/],
  ["a bad value type", header(0, 1).text("k").u32(13).raw(pad).bytes, /unknown value type 13/],
  ["a bad element type", header(0, 1).text("k").u32(9).u32(99).raw(pad).bytes, /value type 99/],
  ["nested arrays", header(0, 1).text("k").u32(9).u32(9).raw(pad).bytes, /array of arrays/],
  ["an array of 2^64-1", header(0, 1).text("k").u32(9).u32(0).u64(huge).bytes, /array length of k/],
  [
    "an array one too long",
    header(0, 1).text("k").u32(9).u32(4).u64(17).raw(pad).bytes,
    /array length of k is 17/,
  ],
  [
    "2^61 doubles",
    header(0, 1)
      .text("k")
      .u32(9)
      .u32(12)
      .u64(2n ** 61n).bytes,
    /array length/,
  ],
  [
    "too many strings",
    header(0, 1).text("k").u32(9).u32(8).u64(9).raw(pad).bytes,
    /length of k is 9/,
  ],
  [
    "a string of 2^64-1",
    header(0, 1).text("k").u32(8).u64(huge).raw(pad).bytes,
    /string length of k/,
  ],
  [
    "a string in an array of 2^63",
    header(0, 1)
      .text("k")
      .u32(9)
      .u32(8)
      .u64(1)
      .u64(2n ** 63n)
      .raw(pad).bytes,
    /string length in k/,
  ],
  [
    "a boolean of 2",
    header(0, 1)
      .text("k")
      .u32(7)
      .raw(Buffer.from([2]))
      .raw(pad).bytes,
    /boolean/,
  ],
  [
    "a key twice",
    header(0, 2).text("k").u32(4).u32(1).text("k").u32(4).u32(1).raw(pad).bytes,
    /key k occurs twice/,
  ],
  [
    "an alignment of 24",
    encodeGguf({ metadata: metadataOf({ "general.alignment": ["uint32", 24] }), tensors: [] }),
    /power of two/,
  ],
  [
    "an alignment of 0",
    encodeGguf({ metadata: metadataOf({ "general.alignment": ["uint32", 0] }), tensors: [] }),
    /general.alignment is 0/,
  ],
  [
    "an alignment that is a uint64",
    header(0, 1).text("general.alignment").u32(10).u64(32).raw(pad).bytes,
    /type uint64/,
  ],
  ["a tensor without name", tensorFile({ name: "" }), /tensor name is empty/],
  ["a tensor name of 64", tensorFile({ name: "n".repeat(64) }), /length of a tensor name is 64/],
  ["a tensor name with a NUL", tensorFile({ name: "a\0" }), /unprintable/],
  ["a tensor twice", tensorFile({ name: "a" }, { name: "a" }), /tensor a occurs twice/],
  ["no dimensions", tensorFile({ dimensions: [] }), /has 0 dimensions/],
  ["five dimensions", tensorFile({ dimensions: [1, 1, 1, 1, 1] }), /has 5 dimensions/],
  ["a dimension of 0", tensorFile({ dimensions: [8, 0] }), /dimension 1 of the tensor t0 is 0/],
  ["a negative dimension", tensorFile({ dimensions: [-8] }), /dimension 0 of the tensor t0 is -8/],
  ["a dimension of 2^63-1", tensorFile({ dimensions: [2n ** 63n - 1n] }), /dimension 0/],
  [
    "a product that wraps to little",
    tensorFile({ dimensions: [2n ** 32n, 2n ** 32n] }),
    /would end at byte/,
  ],
  [
    "two huge tensors whose sum wraps",
    tensorFile(
      { type: 24, dimensions: [0x1f_ffff_ffff_ffc0n, 1024] },
      { type: 24, dimensions: [0x1f_ffff_ffff_ffc0n, 1024] },
    ),
    /would end at byte/,
  ],
  ["a removed type", tensorFile({ type: 4 }), /unknown type 4/],
  ["a type past the last", tensorFile({ type: 1000 }), /unknown type 1000/],
  ["half a block", tensorFile({ type: 8, dimensions: [48] }), /not a multiple of q8_0's 32/],
  ["an odd offset", tensorFile({ offset: 4 }), /not a multiple of 32/],
  ["an offset past the end", tensorFile({ offset: 4096 }), /would end at byte/],
  ["an offset that wraps", tensorFile({ offset: 2n ** 64n - 32n }), /would end at byte/],
  ["one byte too few", tensorFile({ dimensions: [57] }).subarray(0, -224 + 192), /would end/],
  ["the same bytes twice", tensorFile({}, { offset: 0 }), /share bytes/],
  ["a partial overlap", tensorFile({ dimensions: [16] }, { offset: 32 }), /share bytes/],
];

describe("bad files", () => {
  test.each(badFiles)("%s", (_, bytes, message) => {
    const error = errorOf(() => parse(bytes));
    expect(error.code).toBe("model_file_invalid");
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/^model\.gguf is not a valid GGUF file: .* \(at byte \d+\)\./s);
    expect(error.remedy).not.toBeNull();
  });

  test("what the table of tensors allows is accepted", () => {
    expect(parse(tensorFile({ dimensions: [8] }, { offset: 64 })).tensors.size).toBe(2);
    expect(parse(new Raw().u32(2).u64(0).u64(0).bytes).version).toBe(2);
  });
});

describe("files that are no files", () => {
  test.each([
    ["a directory", () => folder],
    ["a device", () => "/dev/zero"],
    ["nothing", () => join(folder, "missing.gguf")],
    ["a NUL in the path", () => "a\0.gguf"],
    [
      "a FIFO without writer",
      () => {
        const path = join(folder, "fifo");
        execFileSync("mkfifo", [path]);
        return path;
      },
    ],
    [
      "a dangling link",
      () => {
        const path = join(folder, "link");
        symlinkSync(join(folder, "gone"), path);
        return path;
      },
    ],
  ])("%s", (_, make) => {
    expect(errorOf(() => readGguf(make())).code).toBe("file_unreadable");
  });

  test("every truncation of a file is refused", () => {
    const content: GgufContent = { ...sample, tensors: [tensorOf("last", 0, [8])] };
    const bytes = encodeGguf(content);
    for (let length = 0; length < bytes.byteLength; length++) {
      const error = errorOf(() => parse(bytes.subarray(0, length)));
      expect(error.code).toBe("model_file_invalid");
    }
  });

  test("a file that shrinks while it is read", () => {
    const path = join(folder, "shrinks.gguf");
    writeFileSync(path, encodeGguf(sample));
    const bytes = encodeGguf(sample);
    const source = { byteLength: bytes.byteLength + 4096, read: () => 0 };
    expect(errorOf(() => parseGguf(source, path)).code).toBe("model_file_changed");
    truncateSync(path, 40);
    expect(errorOf(() => readGguf(path)).code).toBe("model_file_invalid");
  });
});
