// The check against what it guards: nothing that passes it ends a process in which the native
// tokenizer loads the vocabulary and uses all of it.

import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LociError, Random } from "@loci/core";
import { afterAll, expect, test } from "vitest";
import { MemorySource } from "./byte-source.ts";
import { parseGguf } from "./gguf-file.ts";
import { checkVocabulary } from "./gguf-vocabulary-check.ts";
import { encodeGguf, type GgufWriteValue } from "./gguf-writer.ts";
import { bpeVocabulary, spmVocabulary } from "./testing/gguf-samples.ts";
import { mutateVocabulary } from "./testing/mutate-vocabulary.ts";

const program = fileURLToPath(new URL("testing/use-vocabularies.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "loci-vocabularies-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("no vocabulary that passes ends the process", () => {
  const random = new Random(7);
  const bases = [spmVocabulary(), bpeVocabulary()];
  const passed = join(folder, "passed");
  mkdirSync(passed);
  let count = 0;
  for (let run = 0; run < 4000 && count < 600; run++) {
    const bytes = encodeGguf({
      metadata: mutateVocabulary(bases[run % 2] ?? spmVocabulary(), random),
      tensors: [],
    });
    if (passes(bytes)) writeFileSync(join(passed, `${count++}.gguf`), bytes);
  }
  expect(count).toBeGreaterThan(300);
  const { stdout, signal, status } = use(passed);
  expect({ last: lastLine(stdout), signal, status }).toEqual({
    last: "done",
    signal: null,
    status: 0,
  });
});

test.each<[string, (metadata: Map<string, GgufWriteValue>) => void]>([
  [
    "equal tokens",
    (metadata) => {
      const value = ["<|endoftext|>", "a", "a", "Ġ", "ab", "Ġa"];
      metadata.set("tokenizer.ggml.tokens", { type: "array<string>", value });
    },
  ],
  [
    "no BOS that is to be added",
    (metadata) => {
      metadata.delete("tokenizer.ggml.bos_token_id");
      metadata.set("tokenizer.ggml.add_bos_token", { type: "bool", value: true });
    },
  ],
])("%s would end it, and do not pass", (name, change) => {
  const metadata = bpeVocabulary();
  change(metadata);
  const bytes = encodeGguf({ metadata, tensors: [] });
  expect(passes(bytes)).toBe(false);
  const place = join(folder, name.replaceAll(" ", "-"));
  mkdirSync(place);
  writeFileSync(join(place, "bad.gguf"), bytes);
  const { stdout, signal } = use(place);
  expect(lastLine(stdout)).toBe("bad.gguf");
  expect(signal).not.toBeNull();
});

function passes(bytes: Uint8Array): boolean {
  try {
    checkVocabulary(parseGguf(new MemorySource(bytes), "vocabulary.gguf"));
    return true;
  } catch (error) {
    if (error instanceof LociError) return false;
    throw error;
  }
}

function use(place: string): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [program, place], { encoding: "utf8" });
}

function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1) ?? "";
}
