import { expect, test } from "vitest";

import { outsidePackages, rewriteText } from "./rewrite-text.ts";

const sources = new Map([
  ["@loci/core", "packages/core/src/index.ts"],
  ["@loci/cli/find-model", "packages/cli/src/serve/find-model.ts"],
]);
const path = "packages/loci/src/deep/a.js";

function rewritten(text: string): string {
  return rewriteText(text, path, sources);
}

test("our packages become relative paths, in every form of import", () => {
  expect(rewritten('import { a } from "@loci/core";')).toBe(
    'import { a } from "../../../core/src/index.js";',
  );
  expect(rewritten('export * from "@loci/core";')).toBe(
    'export * from "../../../core/src/index.js";',
  );
  expect(rewritten('import {\n  a,\n  b,\n} from "@loci/core";')).toContain("core/src/index.js");
  expect(rewritten('import "@loci/core";')).toBe('import "../../../core/src/index.js";');
  expect(rewritten('  await import("@loci/cli/find-model");')).toBe(
    '  await import("../../../cli/src/serve/find-model.js");',
  );
  expect(() => rewritten('import { a } from "@loci/nothing";')).toThrow("nobody exports");
});

test("endings of relative files and of started ones", () => {
  expect(rewritten('import { a } from "./a.ts";')).toBe('import { a } from "./a.js";');
  expect(rewritten('new Worker(new URL("worker.ts", import.meta.url))')).toBe(
    'new Worker(new URL("worker.js", import.meta.url))',
  );
  expect(rewritten('new URL("../model.gguf", import.meta.url)')).toContain("model.gguf");
});

test("what only looks like an import stays", () => {
  const texts = [
    'const text = names.join(" from ", ".ts");',
    '// taken from "@loci/core" on its way',
    'import { a } from "node:fs";',
  ];
  for (const text of texts) expect(rewritten(text)).toBe(text);
});

test("outside packages are named without their paths, Node's modules not at all", () => {
  const text = [
    'import { readFileSync } from "node:fs";',
    'import { Compile } from "typebox/compile";',
    'import { Type } from "typebox";',
    'import { swagger } from "@fastify/swagger/lib";',
    'import { a } from "./a.js";',
    'await import("pg");',
  ].join("\n");
  expect(outsidePackages(text)).toEqual(["typebox", "@fastify/swagger", "pg"]);
});
