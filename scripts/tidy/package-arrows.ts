// Which package may import which. Declared here once; docs/architecture.md shows the same list, and
// both are held together. Pure packages import neither Node nor native code.

import { posix } from "node:path";

import { isTestFile } from "./source-file.ts";
import type { Problem, Rule, SourceFile } from "./source-file.ts";

/** Package → packages it may import. Those that do not exist yet have their place already. */
export const packageArrows: Readonly<Record<string, readonly string[]>> = {
  core: [],
  ggml: ["core"],
  predict: ["core"],
  engine: ["core", "predict"],
  model: ["core", "engine", "ggml"],
  tiers: ["core", "engine", "ggml"],
  store: ["core"],
  server: ["core", "store"],
  host: ["core", "predict", "engine", "model", "tiers", "store"],
  router: ["core", "predict"],
  cluster: ["core", "router"],
  foreign: ["core", "router", "cluster"],
  nats: ["core", "router", "cluster"],
  kubernetes: ["core", "cluster"],
  web: ["core"],
  telemetry: ["core"],
  sim: ["core", "predict", "engine", "router"],
  loci: ["core", "store", "host", "server", "cli"],
  bench: [
    "core",
    "predict",
    "engine",
    "ggml",
    "model",
    "tiers",
    "server",
    "router",
    "cluster",
    "foreign",
    "sim",
  ],
  cli: [
    "core",
    "predict",
    "engine",
    "ggml",
    "model",
    "tiers",
    "store",
    "host",
    "server",
    "router",
    "cluster",
    "foreign",
    "nats",
    "kubernetes",
    "telemetry",
    "sim",
  ],
};

const purePackages: ReadonlySet<string> = new Set(["core", "predict", "engine", "router"]);
const documentPath = "docs/architecture.md";
const importPattern = /(?:\bfrom\s*|\bimport\s*\(?\s*)"([^"\n]+)"/g;

export const checkPackageArrows: Rule = (files) => [
  ...files.flatMap((file) => importProblems(file)),
  ...files.flatMap((file) => manifestProblems(file)),
  ...documentProblems(files.find(({ path }) => path === documentPath)),
];

function importProblems(file: SourceFile): readonly Problem[] {
  const name = packageOf(file.path);
  if (name === null || !/\.tsx?$/.test(file.path)) return [];
  const problems: Problem[] = [];
  for (const [index, line] of file.text.split("\n").entries()) {
    if (/^\s*(\/\/|\*)/.test(line)) continue;
    for (const match of line.matchAll(importPattern)) {
      const message = importProblem(name, file.path, match[1] ?? "");
      if (message !== null) problems.push({ path: file.path, line: index + 1, message });
    }
  }
  return problems;
}

function importProblem(name: string, path: string, specifier: string): string | null {
  if (specifier.startsWith(".")) {
    const target = posix.normalize(posix.join(posix.dirname(path), specifier));
    const isInside = target.startsWith(`packages/${name}/`);
    return isInside ? null : `import "${specifier}" leaves the package; use its public name`;
  }
  if (specifier.startsWith("@loci/")) return arrowProblem(name, specifier.split("/")[1] ?? "");
  const isNative = specifier.startsWith("node:") || specifier === "koffi";
  if (!isNative || !purePackages.has(name) || isTestFile(path)) return null;
  return `${name} is pure and may not import ${specifier}`;
}

function arrowProblem(name: string, target: string): string | null {
  const allowed = packageArrows[name];
  if (!allowed) return `package ${name} has no arrows; declare them in scripts/tidy`;
  if (allowed.includes(target) || target === name) return null;
  return `${name} may not import @loci/${target}`;
}

function manifestProblems(file: SourceFile): readonly Problem[] {
  const name = packageOf(file.path);
  if (name === null || file.path !== `packages/${name}/package.json`) return [];
  const targets = [...file.text.matchAll(/"@loci\/([a-z]+)": "/g)].map((match) => match[1] ?? "");
  return targets.flatMap((target) => {
    const message = arrowProblem(name, target);
    return message === null ? [] : [{ path: file.path, line: 0, message }];
  });
}

/** The rows "| engine | core |" of the document's table. */
function documentProblems(document: SourceFile | undefined): readonly Problem[] {
  const rows = [...(document?.text ?? "").matchAll(/^\| `([a-z]+)` *\| ([a-z, –]+?) *\|/gm)];
  const stated = new Map(rows.map((row) => [row[1] ?? "", row[2] ?? ""]));
  const problems: Problem[] = [];
  for (const [name, targets] of Object.entries(packageArrows)) {
    const expected = targets.join(", ") || "–";
    if (stated.get(name) === expected) continue;
    const message = `the table of packages must say: | \`${name}\` | ${expected} |`;
    problems.push({ path: documentPath, line: 0, message });
  }
  return problems;
}

function packageOf(path: string): string | null {
  return /^packages\/([a-z]+)\//.exec(path)?.[1] ?? null;
}
