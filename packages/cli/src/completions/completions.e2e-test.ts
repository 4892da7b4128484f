// The scripts in the shells themselves. Bash is everywhere; zsh and fish are asked where they are
// installed, and have their syntax looked at by none where they are not.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { runProgram } from "../program.ts";

const folder = mkdtempSync(join(tmpdir(), "loci-completions-"));
const shells = ["bash", "zsh", "fish"] as const;

type Shell = (typeof shells)[number];

const isInstalled = (shell: Shell): boolean => spawnSync(shell, ["--version"]).status === 0;

function pathOf(shell: Shell): string {
  return join(folder, `loci.${shell}`);
}

beforeAll(async () => {
  for (const shell of shells) {
    let script = "";
    const output = { out: (text: string) => void (script += text), err: () => {}, coloured: false };
    await runProgram(["completions", shell], output);
    writeFileSync(pathOf(shell), script);
  }
  writeFileSync(join(folder, "tiny.gguf"), "");
});

afterAll(() => rmSync(folder, { recursive: true }));

/** What bash offers for the words of a line; the last is the one under way. */
function complete(...words: readonly string[]): readonly string[] {
  const script = `
set -u
source ${pathOf("bash")}
loci() { printf 'NAME  SIZE  FROM\\npulled-model  1 GB  hf\\n'; }
COMP_WORDS=(loci "$@")
COMP_CWORD=$#
_loci
printf '%s\\n' "\${COMPREPLY[@]:-}"`;
  const { stdout, stderr } = spawnSync("bash", ["-c", script, "bash", ...words], {
    cwd: folder,
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  return stdout.split("\n").filter((line) => line !== "");
}

describe("bash", () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ["a verb", ["ser"], ["serve"]],
    ["an alias", ["sho"], ["show"]],
    ["verbs of verbs", ["cache", ""], ["stats", "ls", "explain", "rm"]],
    ["verbs of verbs, begun", ["sessions", "ex"], ["export"]],
    ["a flag", ["serve", "--kv-disk-fr"], ["--kv-disk-free-floor"]],
    ["a setting that help does not list", ["chat", "--max-num-s"], ["--max-num-seqs"]],
    ["a flag behind another flag's value", ["serve", "--port", "1", "--hos"], ["--host"]],
    ["choices", ["serve", "--log-format", ""], ["text", "json"]],
    ["choices behind an equals sign", ["serve", "--log-format", "=", "j"], ["json"]],
    ["a file for a flag", ["serve", "--config", "ti"], ["tiny.gguf"]],
    ["models and files", ["run", ""], ["pulled-model"]],
    ["shells", ["completions", "f"], ["fish"]],
  ])("%s", (_name, words, expected) => {
    const offered = complete(...words);
    expect(offered).toEqual(expect.arrayContaining([...expected]));
    // What was begun goes on as it began.
    expect(offered.filter((word) => !word.startsWith(words.at(-1) ?? ""))).toEqual([]);
  });

  test("nothing for what nobody can know", () => {
    expect(complete("serve", "--port", "")).toEqual([]);
  });

  test("a model may also be a file", () => expect(complete("run", "")).toContain("tiny.gguf"));
});

describe("zsh", () => {
  test.skipIf(!isInstalled("zsh"))("understands its script", () => {
    const check = spawnSync("zsh", ["-n", pathOf("zsh")], { encoding: "utf8" });
    expect([check.status, check.stderr]).toEqual([0, ""]);
  });

  test.skipIf(!isInstalled("zsh"))("offers verbs, flags and values", () => {
    // Without an editor to complete in, what it would be offered is printed.
    const script = `
autoload -U compinit && compinit -u -d ${join(folder, "zcompdump")}
source ${pathOf("zsh")}
compadd() { shift; print -l -- "$@" }
_describe() { print -l -- \${(P)@[-1]%%:*} }
_files() { print files }
ask() { words=("$@"); CURRENT=$#words; _loci }
ask loci cache ''; print '==='; ask loci serve --log-format ''; print '==='; ask loci serve --kv-`;
    const { stdout, stderr } = spawnSync("zsh", ["-f", "-c", script], { encoding: "utf8" });
    expect(stderr).toBe("");
    const [verbs = "", choices = "", flags = ""] = stdout.split("===\n");
    expect(verbs.split("\n")).toContain("explain");
    expect(choices.split("\n")).toContain("json");
    expect(flags).toContain("--kv-memory");
  });
});

/** What fish offers for a line. */
function askFish(line: string): readonly string[] {
  const script = `source ${pathOf("fish")}; function loci; end; complete --do-complete '${line}'`;
  const { stdout, stderr } = spawnSync("fish", ["--no-config", "--command", script], {
    cwd: folder,
    encoding: "utf8",
  });
  return [...stderr.split("\n"), ...stdout.split("\n")].map((row) => row.split("\t")[0] ?? "");
}

describe("fish", () => {
  test.skipIf(!isInstalled("fish"))("offers verbs, flags and values", () => {
    expect(askFish("loci ser")).toContain("serve");
    expect(askFish("loci cache ")).toEqual(expect.arrayContaining(["stats", "explain"]));
    expect(askFish("loci cache stats ")).not.toContain("explain");
    expect(askFish("loci serve --log-format ")).toContain("json");
    expect(askFish("loci serve --kv-")).toContain("--kv-memory");
    expect(askFish("loci run ti")).toContain("tiny.gguf");
  });
});
