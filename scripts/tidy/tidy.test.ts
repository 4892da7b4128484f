import { describe, expect, test } from "vitest";

import { checkReasons, checkVersions } from "./manifest-rules.ts";
import { checkNativeSizes } from "./native-sizes.ts";
import { checkPackageArrows, packageArrows } from "./package-arrows.ts";
import { isTestFile } from "./source-file.ts";
import type { Rule } from "./source-file.ts";
import { checkSuites, suitesByInterface } from "./suite-rules.ts";
import { checkHeaders, checkWords } from "./text-rules.ts";

/** What `rule` says about files given as path → text, as "path:line". */
function places(rule: Rule, files: Readonly<Record<string, string>>): readonly string[] {
  const list = Object.entries(files).map(([path, text]) => ({ path, text }));
  return rule(list).map(({ path, line }) => `${path}:${line}`);
}

const arrowTable = Object.entries(packageArrows)
  .map(([name, targets]) => `| \`${name}\` | ${targets.join(", ") || "–"} |`)
  .join("\n");

function arrows(path: string, text: string): readonly string[] {
  return places(checkPackageArrows, { "docs/architecture.md": arrowTable, [path]: text });
}

describe("package arrows", () => {
  test.each([
    ["packages/engine/src/a.ts", 'import { x } from "@loci/core";'],
    ["packages/model/src/a.ts", 'import type { x } from "@loci/engine";'],
    ["packages/engine/src/a.ts", 'import { x } from "./b.ts";\nimport y from "../c.ts";'],
    ["packages/cli/src/a.ts", 'const x = await import("@loci/server");'],
    ["packages/core/src/a.test.ts", 'import { readFileSync } from "node:fs";'],
    ["packages/core/src/a.ts", '// not from "node:fs", which is impure'],
    ["scripts/a.ts", 'import { x } from "@loci/core";'],
  ])("%s: %s", (path, text) => expect(arrows(path, text)).toEqual([]));

  test.each([
    ["packages/core/src/a.ts", 'import { x } from "@loci/engine";'],
    ["packages/server/src/a.ts", 'export type { x } from "@loci/engine";'],
    ["packages/engine/src/a.ts", 'const x = await import("@loci/ggml");'],
    ["packages/engine/src/a.ts", 'import { x } from "node:fs";'],
    ["packages/engine/src/a.ts", 'import koffi from "koffi";'],
    ["packages/engine/src/a.ts", 'import { x } from "../../ggml/src/graph.ts";'],
    ["packages/unknown/src/a.ts", 'import { x } from "@loci/core";'],
    ["packages/bench/src/a.test.ts", 'import { x } from "@loci/cli";'],
  ])("%s may not: %s", (path, text) => expect(arrows(path, text)).toEqual([`${path}:1`]));

  test("a manifest may not depend against an arrow", () => {
    const text = '{ "dependencies": { "@loci/model": "*" } }';
    const path = "packages/server/package.json";
    expect(arrows(path, text)).toEqual([`${path}:0`]);
    expect(arrows("packages/cli/package.json", text)).toEqual([]);
  });

  test("the document's table must say the same", () => {
    const table = arrowTable.replace("| `server` | core, store |", "| `server` | core |");
    const found = places(checkPackageArrows, { "docs/architecture.md": table });
    expect(found).toEqual(["docs/architecture.md:0"]);
  });
});

describe("words and headers", () => {
  test.each([
    ["// TODO later", 1],
    ["x\n/* FIXME */", 2],
    ['const path = "/home/someone/x";', 1],
    [`see ${["", "work", "main"].join("/")}`, 1],
    [["https:", "", "registry.example.org", ""].join("/"), 1],
    ["closes issue #4", 1],
  ])("%j is found", (text, line) => {
    expect(places(checkWords, { "a.md": text })).toEqual([`a.md:${line}`]);
  });

  test.each([
    "todo lists",
    "packages/work/main",
    "./tmp/x",
    "an issue of its own",
    "reproduce.sh /tmp/x",
    "https://a.org/home/x",
  ])("%j is fine", (text) => expect(places(checkWords, { "a.md": text })).toEqual([]));

  test("code may not name a folder for temporary files, a page may", () => {
    const text = 'open("/tmp/x")';
    expect(places(checkWords, { "a.ts": text, "a.md": text })).toEqual(["a.ts:1"]);
  });

  test("source files need a header, tests and index files do not", () => {
    const files = {
      "a.ts": "// Why.\n",
      "b.ts": "#!/usr/bin/env node\n// Why.",
      "c.ts": 'import "x";',
      "c.test.ts": 'import "x";',
      "index.ts": "",
      "d/index.ts": "",
      "e.py": '"""Why."""',
      "f.py": "import os",
      "g.cpp": '#include "g.h"',
      "g.h": "// Why.",
      "h.cpp": '#include "g.h"',
    };
    expect(places(checkHeaders, files)).toEqual(["c.ts:1", "index.ts:1", "f.py:1", "h.cpp:1"]);
  });
});

function body(lines: number): string {
  return "    work();\n".repeat(lines);
}

describe("C++ sizes", () => {
  const path = "packages/ggml/native/a.cpp";
  const sizes = (text: string): readonly string[] => places(checkNativeSizes, { [path]: text });

  test("functions of 70 lines pass, of 71 do not", () => {
    expect(sizes(`int f() {\n${body(68)}}\n`)).toEqual([]);
    expect(sizes(`\nint f() {\n${body(69)}}\n`)).toEqual([`${path}:2`]);
  });

  test("types, namespaces, tables, comments and blank lines do not count", () => {
    const small = `  int f(int a) {\n${body(60)}  }\n`;
    expect(
      sizes(`#if defined(A)\nnamespace {\nstruct S {\n${small}${small}};\n}\n#endif\n`),
    ).toEqual([]);
    expect(sizes(`int f() {\n${body(60)}${"// }\n\n/* { */\n".repeat(30)}}\n`)).toEqual([]);
    expect(sizes(`const char * t[] = {\n${'"}{",\n'.repeat(90)}};\n`)).toEqual([]);
  });

  test("nested blocks and lambdas belong to their function", () => {
    const text = `void f() {\n  if (a) {\n${body(40)}  }\n  g([&]() {\n${body(40)}  });\n}\n`;
    expect(sizes(text)).toEqual([`${path}:1`]);
  });

  test("files of more than 400 lines of code", () => {
    expect(sizes("int a;\n".repeat(401))).toEqual([`${path}:0`]);
    expect(sizes("int a;\n".repeat(400) + "// b\n".repeat(400))).toEqual([]);
  });
});

function manifest(name: string, version: string): Record<string, string> {
  return { "package.json": JSON.stringify({ devDependencies: { [name]: version } }) };
}

function reasons(row: string): Record<string, string> {
  return { "docs/dependencies.md": row };
}

describe("manifests", () => {
  test("versions are exact", () => {
    expect(places(checkVersions, manifest("a", "1.2.3"))).toEqual([]);
    expect(places(checkVersions, manifest("a", "1.2.3-rc.1"))).toEqual([]);
    expect(places(checkVersions, manifest("@loci/core", "*"))).toEqual([]);
    for (const version of ["^1.2.3", "~1.2.3", "*", "latest", "1.2"]) {
      expect(places(checkVersions, manifest("a", version))).toEqual(["package.json:0"]);
    }
  });

  test("every dependency has a reason, and every reason a dependency", () => {
    const scoped = { ...manifest("@s/x", "1.0.0"), ...reasons("| `@s/*` | long enough to tell |") };
    expect(places(checkReasons, scoped)).toEqual([]);
    expect(places(checkReasons, manifest("a", "1.0.0"))).toEqual(["package.json:0"]);
    const short = { ...manifest("a", "1.0.0"), ...reasons("| `a` | good |") };
    expect(places(checkReasons, short)).toEqual(["package.json:0"]);
    const stale = reasons("| `gone` | was needed once upon a time |");
    expect(places(checkReasons, stale)).toEqual(["docs/dependencies.md:0"]);
  });
});

test("interfaces have a suite, and a test runs it", () => {
  const suites = Object.values(suitesByInterface).map((name) => `packages/a/src/${name}`);
  const written = Object.fromEntries(suites.map((path) => [path, ""]));
  expect(places(checkSuites, {})).toHaveLength(suites.length);
  expect(places(checkSuites, written)).toEqual(suites.map((path) => `${path}:0`));
  const uses = suites.map((path) => `import "./${path.split("/").at(-1)}";`).join("\n");
  expect(places(checkSuites, { ...written, "packages/a/src/a.test.ts": uses })).toEqual([]);
});

test("isTestFile knows every kind", () => {
  for (const name of ["a.test.ts", "a.fuzz.test.ts", "a.e2e-test.ts", "a.suite.ts"]) {
    expect(isTestFile(`packages/core/src/${name}`)).toBe(true);
  }
  expect(isTestFile("packages/core/src/latest.ts")).toBe(false);
});
