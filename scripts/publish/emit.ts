// JavaScript and declarations of everything that the library and the command line load, by the
// TypeScript compiler, in the folders that the sources have. Tests stay behind: nobody loads them.

import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

import type { Sources } from "./rewrite-text.ts";

/** What is run by name. */
const entries = [
  "packages/loci/src/index.ts",
  "packages/cli/src/main.ts",
  "packages/ggml/native/build.ts",
];

/** Files that sources start as workers or processes of their own, by where they lie. */
const startedPattern = /new URL\("([^"]+\.ts)", import\.meta\.url\)/g;
const testPattern = /(\.(test|model-test|e2e-test|suite)\.ts$)|\/testing\//;

/** Throws when the compiler finds a mistake. */
export function emit(root: string, output: string, sources: Sources): void {
  mkdirSync(output, { recursive: true });
  const project = join(output, "tsconfig.json");
  const fromOutput = (path: string): string => relative(output, join(root, path));
  const files = [...entries, ...startedFiles(root), ...ambientFiles(root)];
  const compilerOptions = {
    noEmit: false,
    rewriteRelativeImportExtensions: true,
    stripInternal: true,
    rootDir: relative(output, root),
    outDir: ".",
    // What is found through node_modules would count as somebody else's and not be written.
    paths: Object.fromEntries([...sources].map(([name, path]) => [name, [fromOutput(path)]])),
  };
  const config = {
    extends: fromOutput("tsconfig.json"),
    compilerOptions,
    files: files.map(fromOutput),
    include: [],
  };
  writeFileSync(project, JSON.stringify(config));
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  execFileSync(process.execPath, [compiler, "-p", project], { stdio: "inherit" });
  rmSync(project);
}

/** Declarations that belong to no import. */
function ambientFiles(root: string): readonly string[] {
  const ambient = sourceFiles(root).filter((path) => path.endsWith(".d.ts"));
  return ambient.map((path) => relative(root, path));
}

function sourceFiles(root: string): readonly string[] {
  return readdirSync(join(root, "packages"), { recursive: true, encoding: "utf8" })
    .filter((path) => /^[a-z]+\/src\/.*\.ts$/.test(path) && !testPattern.test(path))
    .map((path) => join(root, "packages", path));
}

/** Relative to `root`. */
function startedFiles(root: string): readonly string[] {
  const started = sourceFiles(root).flatMap((source) => {
    const text = readFileSync(source, "utf8");
    return [...text.matchAll(startedPattern)].map((match) =>
      relative(root, join(source, "..", match[1] ?? "")),
    );
  });
  return [...new Set(started)];
}
