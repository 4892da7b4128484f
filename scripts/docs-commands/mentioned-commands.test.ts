// Commands that pages mention in the midst of a sentence are not run, but they must exist: verbs as
// docs/cli.md lists them (a page written from the program), flags, scripts of package.json,
// benchmarks.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { benchProgram } from "@loci/bench";
import { systemClock } from "@loci/core";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (page: string): string => readFileSync(join(root, page), "utf8");

const inDocs = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" });
const pages = ["README.md", "examples/README.md", ...inDocs.map((name) => `docs/${name}`)].filter(
  (page) => page.endsWith(".md"),
);

/** What stands between backticks in a sentence and begins with one of our programs. */
const mentioned = pages.flatMap((page) =>
  [...read(page).matchAll(/(?<!`)`((?:npx )?loci [^`\n]+|npm run [^`\n]+)`(?!`)/g)].map(
    ([, text = ""]) => [page, text.replace(/^npx /, "")] as const,
  ),
);

const reference = read("docs/cli.md");
const verbs = [...reference.matchAll(/^### loci (.+)$/gm)].map(([, verb = ""]) => verb);
const flags = new Set(
  (reference + read("docs/configuration.md")).match(/(?<![\w-])--?[a-z][\w-]*/g),
);
/** Of every command; VERB stands for any. */
const common = new Set(["--help", "--version", "VERB"]);

const scripts: Readonly<Record<string, string>> = JSON.parse(read("package.json")).scripts;
const benchmarks = new Set(benchProgram(systemClock).commands.map((command) => command.name()));

/** What of `text` does not exist; null when all does. */
function unknownIn(text: string): string | null {
  const words = text.split(" ");
  return words[0] === "loci" ? unknownInLoci(words.slice(1)) : unknownInScript(words.slice(2));
}

function unknownInLoci(words: readonly string[]): string | null {
  const strange = words.find(
    (word) => /^--?[a-z]/.test(word) && !flags.has(word) && !common.has(word),
  );
  if (strange !== undefined) return strange;
  const [first = "", second = ""] = words;
  if (common.has(first) || flags.has(first) || verbs.includes(first)) return null;
  const group = verbs.filter((verb) => verb.startsWith(`${first} `));
  if (group.length === 0) return first;
  // `loci cache stats|ls` are two of a group, `loci cache` is all of it.
  const named = second === "" ? [] : second.split("|");
  return named.find((name) => !group.includes(`${first} ${name}`)) ?? null;
}

function unknownInScript([script = "", dashes, benchmark]: readonly string[]): string | null {
  if (scripts[script] === undefined) return script;
  if (script !== "bench" || dashes !== "--" || benchmark === undefined) return null;
  return benchmarks.has(benchmark) || /^(?:help|--help)$/.test(benchmark) ? null : benchmark;
}

test("what is mentioned exists", () => {
  expect(mentioned.length).toBeGreaterThan(50);
  const wrong = mentioned.flatMap(([page, text]) => {
    const unknown = unknownIn(text);
    return unknown === null ? [] : [`${page}: \`${text}\`: ${unknown}`];
  });
  expect(wrong).toEqual([]);
});

test.each<[string, string | null]>([
  ["loci serve --kv-memory 1GiB", null],
  ["loci cache stats|ls", null],
  ["loci cache frobnicate", "frobnicate"],
  ["loci frobnicate", "frobnicate"],
  ["loci serve --frobnicate", "--frobnicate"],
  ["npm run bench -- serve", null],
  ["npm run bench -- frobnicate", "frobnicate"],
  ["npm run frobnicate", "frobnicate"],
])("%s: %s", (text, unknown) => {
  expect(unknownIn(text)).toBe(unknown);
});
