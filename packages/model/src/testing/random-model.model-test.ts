// libllama has to accept what we generate, and to find something in it: logits that are finite,
// spread, and different for different inputs.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LlamaOracle } from "@loci/ggml";
import { afterAll, describe, expect, test } from "vitest";
import {
  type ModelShape,
  type RandomModelArchitecture,
  randomModelArchitectures,
} from "./model-shapes.ts";
import { writeRandomModel } from "./random-model.ts";

const folder = mkdtempSync(join(tmpdir(), "random-model-"));
afterAll(() => rmSync(folder, { recursive: true }));

const types = ["f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "q5_0", "q4_K", "q5_K", "q6_K"];

/** Logits after each of two prompts that differ in their first token. */
function logitsOf(
  architecture: RandomModelArchitecture,
  weightType: string,
  shape: Partial<ModelShape> = {},
): readonly [Float32Array, Float32Array] {
  const path = join(folder, "model.gguf");
  writeRandomModel(path, { architecture, weightType, seed: 3, shape });
  using oracle = new LlamaOracle({
    path,
    contextTokens: 64,
    sequencesMax: 1,
    threads: 1,
    batchTokensMax: 64,
  });
  const after = (first: number): Float32Array => {
    oracle.clear();
    const prompt = [first, 400, 401, 402, 403];
    oracle.decode(
      prompt.map((token, position) => {
        return { token, position, sequence: 0, wantsLogits: position === prompt.length - 1 };
      }),
    );
    return oracle.logits(prompt.length - 1);
  };
  return [after(300), after(301)];
}

function deviation(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

describe.each(randomModelArchitectures)("%s", (architecture) => {
  test.each(types)("%s: logits are spread and depend on the whole prompt", (weightType) => {
    const [one, other] = logitsOf(architecture, weightType);
    for (const logits of [one, other]) {
      expect(logits.every(Number.isFinite)).toBe(true);
      expect(deviation(logits)).toBeGreaterThan(1);
      expect(deviation(logits)).toBeLessThan(6);
    }
    const difference = one.map((value, index) => value - (other[index] ?? 0));
    expect(deviation(difference)).toBeGreaterThan(0.05);
  });
});

test.each<readonly [RandomModelArchitecture, ModelShape["ropeScaling"]]>([
  ["llama", { type: "llama3" }],
  ["llama", { type: "linear", factor: 4 }],
  ["qwen2", { type: "yarn", factor: 4, contextTokensOriginal: 1024 }],
  ["phi3", { type: "longrope", contextTokensOriginal: 1024 }],
])("%s with scaled RoPE is accepted, and scaling matters", (architecture, ropeScaling) => {
  const [scaled] = logitsOf(architecture, "f32", { ropeScaling });
  const [plain] = logitsOf(architecture, "f32");
  expect(scaled.every(Number.isFinite)).toBe(true);
  expect(deviation(scaled.map((value, index) => value - (plain[index] ?? 0)))).toBeGreaterThan(
    0.01,
  );
});
