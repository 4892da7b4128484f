import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readGguf } from "@loci/ggml";
import { afterAll, describe, expect, test } from "vitest";
import { type ModelShape, randomModelArchitectures } from "./model-shapes.ts";
import { writeRandomModel } from "./random-model.ts";

const folder = mkdtempSync(join(tmpdir(), "random-model-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(randomModelArchitectures)("%s", (architecture) => {
  test("the file reads back with the shape it was given", () => {
    const path = join(folder, `${architecture}.gguf`);
    const facts = writeRandomModel(path, { architecture, weightType: "q8_0", seed: 1 });
    const file = readGguf(path);
    expect(file.metadata.get("general.architecture")).toBe(architecture);
    expect(file.metadata.get(`${architecture}.block_count`)).toBe(facts.shape.layers);
    expect(file.metadata.get("tokenizer.ggml.tokens")).toHaveLength(facts.shape.vocabularySize);
    const embedding = file.tensors.get("token_embd.weight");
    expect(embedding?.dimensions).toEqual([facts.shape.width, facts.shape.vocabularySize]);
    expect(embedding?.typeName).toBe("q8_0");
    expect(file.tensors.get("output_norm.weight")?.typeName).toBe("f32");
    const elements = [...file.tensors.values()].map((tensor) =>
      tensor.dimensions.reduce((product, extent) => product * extent, 1),
    );
    expect(elements.reduce((sum, count) => sum + count, 0)).toBe(facts.parameters);
  });
});

function writeTiny(name: string, seed: number): Buffer {
  const path = join(folder, name);
  const shape = { layers: 1 };
  writeRandomModel(path, { architecture: "llama", shape, weightType: "Q4_0", seed });
  return readFileSync(path);
}

test("the seed decides the file", () => {
  expect(writeTiny("a", 5).equals(writeTiny("b", 5))).toBe(true);
  expect(writeTiny("a", 5).equals(writeTiny("c", 6))).toBe(false);
});

function scaled(ropeScaling: ModelShape["ropeScaling"]): ReturnType<typeof readGguf> {
  const path = join(folder, `${ropeScaling.type}.gguf`);
  const shape = { ropeScaling };
  writeRandomModel(path, { architecture: "phi3", weightType: "f32", seed: 1, shape });
  return readGguf(path);
}

test("RoPE scaling is stated in metadata and factor tensors", () => {
  const long = scaled({ type: "longrope", contextTokensOriginal: 1024 });
  expect(long.metadata.get("phi3.rope.scaling.type")).toBe("longrope");
  expect(long.tensors.get("rope_factors_long.weight")?.dimensions).toEqual([32]);
  const yarn = scaled({ type: "yarn", factor: 4, contextTokensOriginal: 1024 });
  expect(yarn.metadata.get("phi3.rope.scaling.factor")).toBe(4);
  expect(yarn.tensors.has("rope_factors_long.weight")).toBe(false);
});

test("an unknown type is refused", () => {
  expect(() =>
    writeRandomModel(join(folder, "x"), { architecture: "llama", weightType: "q9_9", seed: 1 }),
  ).toThrow("no tensor type q9_9");
});
