// The reader gives back what the writer wrote, and refuses what is no whole file.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { MemorySource } from "./byte-source.ts";
import { ggmlTypes } from "./ggml-types.ts";
import { parseGguf, readGguf } from "./gguf-file.ts";
import { ggufTypeNames, type GgufFile, type GgufValue, type GgufValueType } from "./gguf-format.ts";
import { errorOf } from "./testing/error-of.ts";
import { metadataOf, sample, tensorOf } from "./testing/gguf-samples.ts";
import { encodeGguf, writeGguf, type GgufContent, type GgufWriteValue } from "./gguf-writer.ts";

const folder = mkdtempSync(join(tmpdir(), "loci-gguf-"));
afterAll(() => rmSync(folder, { recursive: true }));

function parse(bytes: Uint8Array): GgufFile {
  return parseGguf(new MemorySource(bytes), "model.gguf");
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
