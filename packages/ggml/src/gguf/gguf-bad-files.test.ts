// Every crafted bad file is refused by name, with the byte where it went wrong.

import { describe, expect, test } from "vitest";
import { MemorySource } from "./byte-source.ts";
import { parseGguf } from "./gguf-file.ts";
import type { GgufFile } from "./gguf-format.ts";
import { encodeGguf } from "./gguf-writer.ts";
import { errorOf } from "./testing/error-of.ts";
import { metadataOf } from "./testing/gguf-samples.ts";
import { RawGguf, rawHeader, tensorFile } from "./testing/raw-gguf.ts";

function parse(bytes: Uint8Array): GgufFile {
  return parseGguf(new MemorySource(bytes), "model.gguf");
}

const huge = 2n ** 64n - 1n;
const pad = new Uint8Array(64);

const badFiles: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ["an empty file", new Uint8Array(0), /the file ends here/],
  ["half a magic", Buffer.from("GG"), /the file ends here/],
  ["another magic", Buffer.from("GGML0000"), /starts with "GGML"/],
  ["only a magic", Buffer.from("GGUF"), /the file ends here/],
  ["version 0", new RawGguf().u32(0).raw(pad).bytes, /version is 0/],
  ["version 1", new RawGguf().u32(1).raw(pad).bytes, /version is 1/],
  ["a future version", new RawGguf().u32(4).raw(pad).bytes, /version is 4/],
  ["byte-swapped", new RawGguf().u32(0x0300_0000).raw(pad).bytes, /big-endian \(version 3/],
  ["2^64-1 tensors", rawHeader(huge, 0).bytes, /number of tensors is 18446744073709551615/],
  ["2^64-1 keys", rawHeader(0, huge).bytes, /number of keys is 18446744073709551615/],
  ["more tensors than bytes", rawHeader(9, 0).raw(pad).bytes, /number of tensors is 9/],
  ["more keys than bytes", rawHeader(0, 9).raw(pad).bytes, /number of keys is 9/],
  [
    "too many keys",
    rawHeader(0, 65_537).raw(new Uint8Array(2 ** 20)).bytes,
    /number of keys is 65537/,
  ],
  ["a key of 2^64-1", rawHeader(0, 1).u64(huge).raw(pad).bytes, /length of a metadata key/],
  ["a long key", rawHeader(0, 1).text("k".repeat(1025)).raw(pad).bytes, /length of a metadata key/],
  ["an empty key", rawHeader(0, 1).text("").raw(pad).bytes, /key is empty/],
  ["a key with a NUL", rawHeader(0, 1).text("a\0b").raw(pad).bytes, /unprintable/],
  ["a key with a space", rawHeader(0, 1).text("a b").raw(pad).bytes, /unprintable/],
  ["a key beyond ASCII", rawHeader(0, 1).text("aé").raw(pad).bytes, /unprintable/],
  ["a bad value type", rawHeader(0, 1).text("k").u32(13).raw(pad).bytes, /unknown value type 13/],
  ["a bad element type", rawHeader(0, 1).text("k").u32(9).u32(99).raw(pad).bytes, /value type 99/],
  ["nested arrays", rawHeader(0, 1).text("k").u32(9).u32(9).raw(pad).bytes, /array of arrays/],
  [
    "an array of 2^64-1",
    rawHeader(0, 1).text("k").u32(9).u32(0).u64(huge).bytes,
    /array length of k/,
  ],
  [
    "an array one too long",
    rawHeader(0, 1).text("k").u32(9).u32(4).u64(17).raw(pad).bytes,
    /array length of k is 17/,
  ],
  [
    "2^61 doubles",
    rawHeader(0, 1)
      .text("k")
      .u32(9)
      .u32(12)
      .u64(2n ** 61n).bytes,
    /array length/,
  ],
  [
    "too many strings",
    rawHeader(0, 1).text("k").u32(9).u32(8).u64(9).raw(pad).bytes,
    /length of k is 9/,
  ],
  [
    "a string of 2^64-1",
    rawHeader(0, 1).text("k").u32(8).u64(huge).raw(pad).bytes,
    /string length of k/,
  ],
  [
    "a string in an array of 2^63",
    rawHeader(0, 1)
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
    rawHeader(0, 1)
      .text("k")
      .u32(7)
      .raw(Buffer.from([2]))
      .raw(pad).bytes,
    /boolean/,
  ],
  [
    "a key twice",
    rawHeader(0, 2).text("k").u32(4).u32(1).text("k").u32(4).u32(1).raw(pad).bytes,
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
    rawHeader(0, 1).text("general.alignment").u32(10).u64(32).raw(pad).bytes,
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
    expect(parse(new RawGguf().u32(2).u64(0).u64(0).bytes).version).toBe(2);
  });
});
