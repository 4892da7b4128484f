// What a user may type for a model, and which file of a repository that means.

import { LociError } from "@loci/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chooseFile, type HubFile } from "./choose-file.ts";
import { formatHubReference, isHubPath, parseModelReference } from "./model-reference.ts";

/** Where a hub reference would be asked for; empty for what is none. */
function addressOf(text: string): string {
  try {
    const reference = parseModelReference(text);
    if (reference.kind !== "hub") return "";
    return `${reference.repo}/${reference.revision}/${reference.file ?? "README"}`;
  } catch (error) {
    if (error instanceof LociError) return "";
    throw error;
  }
}

describe("references", () => {
  test.each([
    ["hf:Qwen/Qwen2.5-0.5B-Instruct-GGUF:q8_0", "Qwen/Qwen2.5-0.5B-Instruct-GGUF:q8_0"],
    ["Qwen/Qwen2.5-0.5B-Instruct-GGUF:Q4_K_M", "Qwen/Qwen2.5-0.5B-Instruct-GGUF:q4_k_m"],
    ["hf:a/b", "a/b"],
    ["hf:a/b@main", "a/b"],
    ["hf:a/b@v1.0:q8_0", "a/b@v1.0:q8_0"],
    ["hf:a/b/c/d.gguf", "a/b/c/d.gguf"],
    ["hf:a/b@0123abc/d.GGUF", "a/b@0123abc/d.GGUF"],
  ])("%s is of the hub", (text, canonical) => {
    const reference = parseModelReference(text);
    expect(reference.kind === "hub" && formatHubReference(reference)).toBe(canonical);
  });

  test.each(["./a/b:q8_0", "/models/a.gguf", "~/a.gguf", "../x/y", "a.gguf", "C:\\models\\a"])(
    "%s is a path",
    (text) => expect(parseModelReference(text)).toEqual({ kind: "path", path: text }),
  );

  test.each(["tiny-q8_0", "CON", "a:b"])("%s is a name", (text) => {
    expect(parseModelReference(text)).toEqual({ kind: "name", name: text });
  });

  test.each([
    "",
    "hf:",
    "hf:a",
    "hf:/b",
    "hf:a/..",
    "hf:../b",
    "hf:a/b..c",
    "hf:a/b@../c",
    "hf:a/b@:q8_0",
    "hf:a/b:",
    "hf:a/b:q8_0/../c",
    "hf:a/b/../c.gguf",
    "hf:a/b/c.bin",
    "hf:a/b/%2e%2e/c.gguf",
    "hf:a/b\r\nx",
    "hf:a b/c",
    "hf:a?x/c",
    "hf:a#x/c",
    `hf:a/${"b".repeat(2000)}`,
  ])("%j is none", (text) => {
    expect(() => parseModelReference(text)).toThrow(LociError);
  });

  test("whatever is typed, a hub reference has no way out of its address", () => {
    const part = fc.constantFrom(
      "hf:",
      "a",
      "..",
      "/",
      ":",
      "@",
      "%2f",
      "\\",
      "q8_0",
      ".gguf",
      "?",
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const address = addressOf(parts.join(""));
        expect(address).not.toMatch(/[%?#\\]|(?:^|\/)\.+(?:\/|$)/);
      }),
      { numRuns: 3000, seed: 1 },
    );
  });

  test.each(["a/b.gguf", "a b (1).gguf", "a[1].gguf", "..a"])("%s is a path of the hub", (path) => {
    expect(isHubPath(path)).toBe(true);
  });

  test.each(["", "/a", "a/", "a//b", ".", "a/..", "a/./b", "a\\b", "a\nb", "ä", "a?b", "a%2fb"])(
    "%j is no path of the hub",
    (path) => expect(isHubPath(path)).toBe(false),
  );
});

function files(...paths: string[]): HubFile[] {
  return paths.map((path) => ({ path, bytes: 1, checksum: { algorithm: "sha256", hex: "" } }));
}

function choose(text: string, ...paths: string[]): string {
  const reference = parseModelReference(text);
  if (reference.kind !== "hub") throw new Error("a hub reference");
  return chooseFile(reference, files(...paths)).path;
}

describe("choosing a file", () => {
  test.each([
    ["hf:a/b:q8_0", ["b-q4_0.gguf", "b-q8_0.gguf"], "b-q8_0.gguf"],
    ["hf:a/b:Q4_K_M", ["b-Q4_K_S.gguf", "b-Q4_K_M.gguf", "b-Q4_K.gguf"], "b-Q4_K_M.gguf"],
    ["hf:a/b:q4_k", ["b-Q4_K_M.gguf", "b.Q4_K.gguf"], "b.Q4_K.gguf"],
    ["hf:a/b:f16", ["b-bf16.gguf", "b-f16.gguf"], "b-f16.gguf"],
    ["hf:a/b:q4_k_xl", ["b-UD-Q4_K_XL.gguf"], "b-UD-Q4_K_XL.gguf"],
    ["hf:a/b:q8_0", ["b-it-qat-q8_0.gguf", "b-q8_0.gguf"], "b-q8_0.gguf"],
    ["hf:a/b", ["b-q8_0.gguf", "b-q4_k_m.gguf", "mmproj-q4_k_m.gguf"], "b-q4_k_m.gguf"],
    ["hf:a/b", ["b-iq1.gguf"], "b-iq1.gguf"],
    ["hf:a/b:f16", ["b-f16-00001-of-00002.gguf", "c/b-f16.gguf"], "c/b-f16.gguf"],
    ["hf:a/b/c/x.gguf", ["x.gguf", "c/x.gguf"], "c/x.gguf"],
  ])("%s", (text, paths, chosen) => {
    expect(choose(text, ...paths)).toBe(chosen);
  });

  test("names what there is when nothing fits", () => {
    expect(() => choose("hf:a/b:q2_k", "b-q8_0.gguf", "README.md")).toThrow(
      /There are: b-q8_0\.gguf\./,
    );
    expect(() => choose("hf:a/b", "README.md")).toThrow(/It has none/);
    expect(() => choose("hf:a/b", "b-x.gguf", "b-y.gguf")).toThrow(/b-x\.gguf, b-y\.gguf/);
  });
});
