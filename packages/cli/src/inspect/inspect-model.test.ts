// Reports on files of known content.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LociError } from "@loci/core";
import { encodeGguf, type GgufWriteValue } from "@loci/ggml";
import { afterAll, describe, expect, test } from "vitest";
import { formatReport } from "./format-report.ts";
import { inspectModel } from "./inspect-model.ts";

const folder = mkdtempSync(join(tmpdir(), "loci-inspect-"));
afterAll(() => rmSync(folder, { recursive: true }));

const knowledge = {
  supported: (architecture: string) => architecture === "qwen2",
  toolCallFormat: (template: string) => (template.includes("<tool_call>") ? "hermes" : "none"),
};

type Entries = Record<string, readonly [GgufWriteValue["type"], GgufWriteValue["value"]]>;

const complete: Entries = {
  "general.architecture": ["string", "qwen2"],
  "general.name": ["string", "Tiny\u001B[31m"],
  "qwen2.context_length": ["uint32", 4096],
  "qwen2.block_count": ["uint32", 2],
  "qwen2.embedding_length": ["uint32", 64],
  "qwen2.feed_forward_length": ["uint32", 128],
  "qwen2.attention.head_count": ["uint32", 4],
  "qwen2.attention.head_count_kv": ["uint32", 2],
  "qwen2.rope.freq_base": ["float32", 10_000],
  "tokenizer.ggml.model": ["string", "gpt2"],
  "tokenizer.ggml.pre": ["string", "qwen2"],
  "tokenizer.ggml.tokens": ["array<string>", ["<|end|>", "a", "b", "ab"]],
  "tokenizer.ggml.merges": ["array<string>", ["a b"]],
  "tokenizer.ggml.bos_token_id": ["uint32", 0],
  "tokenizer.ggml.eos_token_id": ["uint32", 0],
  "tokenizer.chat_template": ["string", "{% if role == 'system' %}<tool_call>{% endif %}"],
};

function report(entries: Entries, withTensors = true): ReturnType<typeof inspectModel> {
  const path = join(folder, "tiny.gguf");
  const metadata = new Map(
    Object.entries(entries).map(([key, [type, value]]) => [key, { type, value }]),
  );
  const tensors = [
    { name: "token_embd.weight", type: 8, dimensions: [64, 4], data: new Uint8Array(272) },
    { name: "output_norm.weight", type: 0, dimensions: [64], data: new Uint8Array(256) },
  ];
  writeFileSync(path, encodeGguf({ metadata, tensors: withTensors ? tensors : [] }));
  return inspectModel(path, knowledge);
}

describe("a complete file", () => {
  test("is reported in numbers", () => {
    expect(report(complete)).toMatchObject({
      architecture: "qwen2",
      supported: true,
      problems: [],
      parameters: 320,
      bitsPerParameter: (528 * 8) / 320,
      quantisation: [
        { type: "q8_0", tensors: 1, parameters: 256, bytes: 272 },
        { type: "f32", tensors: 1, parameters: 64, bytes: 256 },
      ],
      shape: { contextTokens: 4096, layers: 2, heads: 4, kvHeads: 2, headSize: 16, experts: null },
      // 2 layers x 2 heads x (16 + 16) elements
      kvBytesPerToken: { f16: 256, q8_0: 136 },
      vocabulary: { tokenizer: "gpt2", preTokenizer: "qwen2", tokens: 4, eos: "<|end|>" },
      chatTemplate: { tools: true, toolCallFormat: "hermes", systemMessage: true, thinking: false },
    });
  });

  test("is reported in lines that cannot steer the terminal", () => {
    const text = formatReport(report(complete), true);
    expect(text).toMatch(/Architecture +qwen2, supported/);
    expect(text).toMatch(/KV per token +256 B in f16, 136 B in q8_0; 1\.0 MB for a full context/);
    expect(text).toMatch(/token_embd\.weight +q8_0 +64 x 4 +272 B/);
    expect(text).toContain("tools (hermes)");
    expect(text).not.toContain("\u001B");
  });

  test("with heads that differ between layers", () => {
    const heads = new Int32Array([1, 3]);
    const { shape, kvBytesPerToken } = report({
      ...complete,
      "qwen2.attention.head_count_kv": ["array<int32>", heads],
      "qwen2.attention.key_length": ["uint32", 32],
      "qwen2.attention.value_length": ["uint32", 8],
    });
    expect(shape.kvHeads).toEqual([1, 3]);
    expect(kvBytesPerToken?.f16).toBe((1 + 3) * (32 + 8) * 2);
  });
});

describe("what cannot be served", () => {
  test("is reported all the same", () => {
    const found = report({}, false);
    expect(found).toMatchObject({ architecture: null, supported: false, parameters: 0 });
    expect(found.problems.join(" ")).toMatch(/names no architecture.*no weights.*no tokenizer/);
    expect(formatReport(found, true)).toMatch(/Cannot be served: It names no architecture\./);
  });

  test("because of its architecture", () => {
    const { problems } = report({ ...complete, "general.architecture": ["string", "mamba"] });
    expect(problems).toEqual(["The architecture mamba is not supported."]);
  });

  test("because it is one part of several, said once", () => {
    const { problems } = report({ ...complete, "split.count": ["uint16", 2] });
    expect(problems.length).toBe(1);
  });

  test("because its metadata have other types than expected", () => {
    const found = report({
      ...complete,
      "qwen2.block_count": ["string", "two"],
      "qwen2.attention.head_count": ["bool", true],
      "tokenizer.ggml.tokens": ["uint32", 1],
    });
    expect(found.shape.layers).toBeNull();
    expect(found.kvBytesPerToken).toBeNull();
    expect(found.supported).toBe(false);
  });
});

test("what is no GGUF file is an error", () => {
  const path = join(folder, "text.gguf");
  writeFileSync(path, "text");
  expect(() => inspectModel(path, knowledge)).toThrow(LociError);
});
