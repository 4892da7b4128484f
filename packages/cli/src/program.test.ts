import { LociError, namedSettings } from "@loci/core";
import { Command } from "commander";
import { describe, expect, test } from "vitest";

import { addSettingOptions, givenFlags } from "./setting-flags.ts";
import type { Output } from "./output.ts";
import { wantsColour } from "./output.ts";
import { runProgram } from "./program.ts";
import { reportError } from "./report-error.ts";

function parse(words: readonly string[]): ReturnType<typeof givenFlags> {
  const command = new Command().exitOverride();
  addSettingOptions(command);
  command.parse(words, { from: "user" });
  return givenFlags(command);
}

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function recorder(): Output & { readonly texts: { out: string; err: string } } {
  const texts = { out: "", err: "" };
  return {
    texts,
    coloured: false,
    out: (text) => void (texts.out += text),
    err: (text) => void (texts.err += text),
  };
}

async function loci(...words: readonly string[]): Promise<Run> {
  const output = recorder();
  const code = await runProgram(words, output);
  return { code, ...output.texts };
}

describe("flags", () => {
  test("nothing given is nothing set", () => expect(parse([])).toEqual({}));

  test("every setting can be given", () => {
    for (const { name, setting } of namedSettings) {
      const words = setting.kind === "switch" ? [`--${setting.flag}`] : [`--${setting.flag}`, "x"];
      expect(Object.keys(parse(words))).toEqual([name]);
    }
  });

  test("switches, lists and short flags", () => {
    const words = ["--no-enable-prefix-caching", "--api-key", "a", "--api-key", "b", "-c", "9"];
    expect(parse(words)).toEqual({
      prefixCaching: false,
      apiKeys: ["a", "b"],
      contextTokensMax: "9",
    });
    expect(parse(["--metrics-need-key"])).toEqual({ metricsNeedKey: true });
  });
});

describe("the command line", () => {
  test("help names every verb and every setting, and exits 0", async () => {
    const top = await loci("--help");
    expect(top.code).toBe(0);
    for (const verb of ["serve", "chat", "doctor", "bench", "config", "version"]) {
      expect(top.out).toContain(verb);
    }
    const { out } = await loci("serve", "--help");
    for (const { setting } of namedSettings) expect(out).toContain(setting.flag);
  });

  test.each<[string, readonly string[], string]>([
    ["unknown verb", ["serv"], "Did you mean serve?"],
    ["unknown flag", ["serve", "--prot", "1"], "Did you mean --port?"],
    ["unlisted flag", ["chat", "--prot", "1"], "Did you mean --port?"],
    ["bad value", ["serve", "--port", "x"], '--port is "x", but must be an integer'],
    ["missing value", ["serve", "--port"], "argument missing"],
    ["two models", ["serve", "a", "-m", "b"], "Name the model once."],
    ["too many words", ["serve", "a", "b"], "too many arguments"],
    ["missing file", ["config", "check", "--config", "/nowhere.json"], "cannot be read: ENOENT"],
    ["no verb", [], "Usage: loci"],
  ])("%s: exit code 2 and a remedy on stderr", async (_name, words, message) => {
    const { code, out, err } = await loci(...words);
    expect(err).toContain(message);
    expect(err).not.toContain("    at ");
    expect([code, out]).toEqual([2, ""]);
  });

  test("config print shows values, origins and no secrets; aliases work", async () => {
    const { code, out } = await loci(
      "config",
      "print",
      "--json",
      "-np",
      "3",
      "--api-key",
      "secret",
    );
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      "max-num-seqs": { value: "3", origin: "--max-num-seqs" },
      "api-key": { value: "(hidden)" },
      port: { value: "9931", origin: "default" },
    });
  });

  test("config check and version", async () => {
    expect(await loci("config", "check")).toMatchObject({ code: 0, err: "" });
    expect((await loci("version")).out).toMatch(/^loci \d+\.\d+\.\d+ \(Node /);
  });
});

describe("reportError", () => {
  test("a known error has no stack unless asked for, an unknown one always", () => {
    const known = recorder();
    const error = new LociError("model_file_invalid", "Broken.", { remedy: "Pull it again." });
    expect(reportError(known, error, { debug: false, json: false })).toBe(1);
    expect(known.texts.err).toBe("loci: Broken. Pull it again.\n");
    expect(reportError(known, error, { debug: true, json: false })).toBe(1);
    expect(known.texts.err).toContain("    at ");
    const unknown = recorder();
    expect(reportError(unknown, new TypeError("odd"), { debug: false, json: false })).toBe(1);
    expect(unknown.texts.err).toContain("unexpected TypeError: odd");
    expect(unknown.texts.err).toContain("    at ");
  });
});

test("colour: NO_COLOR wins, then FORCE_COLOR, then the terminal", () => {
  expect(wantsColour({ NO_COLOR: "1", FORCE_COLOR: "1" }, true)).toBe(false);
  expect(wantsColour({ FORCE_COLOR: "1" }, false)).toBe(true);
  expect(wantsColour({ FORCE_COLOR: "0" }, true)).toBe(false);
  expect(wantsColour({}, true)).toBe(true);
  expect(wantsColour({ TERM: "dumb" }, true)).toBe(false);
});
