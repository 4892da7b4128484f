// Mutated files: the reader answers with a file whose tensors lie inside it or with its own
// error, never with another one, and never asks for more memory than the file has bytes.

import { LociError, Random } from "@loci/core";
import { expect, test } from "vitest";
import { MemorySource, type ByteSource } from "./byte-source.ts";
import { parseGguf } from "./gguf-file.ts";
import { bpeVocabulary, sample, spmVocabulary, tensorOf } from "./testing/gguf-samples.ts";
import { checkVocabulary } from "./gguf-vocabulary-check.ts";
import { encodeGguf } from "./gguf-writer.ts";

const seeds = [
  encodeGguf(sample),
  encodeGguf({ metadata: spmVocabulary(), tensors: [tensorOf("t", 0, [4])] }),
  encodeGguf({ metadata: bpeVocabulary(), tensors: [] }),
];

const interesting = [0, 1, 7, 8, 9, 127, 128, 255];

function mutate(original: Uint8Array, random: Random): Uint8Array {
  let bytes = Buffer.from(original);
  const edits = random.integer(1, 4);
  for (let edit = 0; edit < edits; edit++) {
    // Most edits hit the header, where the structure is.
    const last = Math.max(0, bytes.byteLength - 1);
    const at = random.integer(0, random.next() < 0.5 ? Math.min(last, 200) : last);
    const kind = random.integer(0, 4);
    if (kind === 0) bytes[at] = random.integer(0, 255);
    else if (kind === 1) bytes[at] = interesting[random.integer(0, interesting.length - 1)] ?? 0;
    else if (kind === 2) bytes = bytes.subarray(0, at);
    else if (kind === 3) {
      bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.integer(1, 16))]);
    } else {
      const part = bytes.subarray(at, at + random.integer(1, 32));
      bytes = Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at)]);
    }
  }
  return bytes;
}

class CountingSource implements ByteSource {
  bytesAsked = 0;
  readonly #source: MemorySource;

  constructor(bytes: Uint8Array) {
    this.#source = new MemorySource(bytes);
  }

  get byteLength(): number {
    return this.#source.byteLength;
  }

  read(target: Uint8Array, offset: number): number {
    this.bytesAsked += target.byteLength;
    return this.#source.read(target, offset);
  }
}

test("mutated files", () => {
  const random = new Random(20_261_121);
  const outcomes = new Map<string, number>();
  for (let run = 0; run < 20_000; run++) {
    const bytes = mutate(seeds[run % seeds.length] ?? Buffer.alloc(0), random);
    const source = new CountingSource(bytes);
    const outcome = outcomeOf(source);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    expect(source.bytesAsked).toBeLessThanOrEqual(3 * bytes.byteLength);
  }
  // The mutations reach both sides of the gate, or they would test little.
  expect([...outcomes.keys()].toSorted()).toEqual([
    "model_file_invalid",
    "not_supported",
    "parsed",
    "usable",
  ]);
});

function outcomeOf(source: ByteSource): string {
  let outcome = "refused";
  try {
    const file = parseGguf(source, "fuzz");
    for (const tensor of file.tensors.values()) {
      expect(tensor.fileOffset + tensor.byteLength).toBeLessThanOrEqual(source.byteLength);
      expect(tensor.byteLength).toBeGreaterThan(0);
    }
    outcome = "parsed";
    checkVocabulary(file);
    return "usable";
  } catch (error) {
    if (!(error instanceof LociError)) throw error;
    if (outcome === "parsed" && error.code === "model_file_invalid") return "parsed";
    return error.code;
  }
}
