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

function systemError(code: string, path?: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: refused`), { code, ...(path && { path }) });
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

describe("with --json", () => {
  test("a wrong command line is one object on stderr", async () => {
    const { code, out, err } = await loci("version", "--jsn", "--json");
    expect([code, out]).toEqual([2, ""]);
    expect(JSON.parse(err)).toEqual({
      error: {
        code: "config_invalid",
        message: "unknown option '--jsn' (Did you mean --json?)",
        remedy: "See --help.",
      },
    });
  });

  test("so is a missing verb", async () => {
    const { code, err } = await loci("cache", "--json");
    expect(code).toBe(2);
    expect(JSON.parse(err)).toMatchObject({ error: { remedy: "See --help." } });
    expect(JSON.parse((await loci("--json")).err)).toMatchObject({
      error: { code: "config_invalid" },
    });
  });

  test("so is a failure, with its remedy apart", async () => {
    const words = ["inspect", "./nothing.gguf", "--json"];
    const { code, out, err } = await loci(...words);
    expect([code, out, err.split("\n").length]).toEqual([1, "", 2]);
    expect(JSON.parse(err)).toEqual({
      error: {
        code: "file_unreadable",
        message: expect.stringMatching(/^There is no file .*nothing\.gguf\.$/),
        remedy: expect.stringMatching(/^Give a \.gguf file/),
      },
    });
  });

  test("version, config check and doctor's words are JSON", async () => {
    expect(JSON.parse((await loci("version", "--json")).out)).toMatchObject({
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      node: process.versions.node,
    });
    expect((await loci("config", "check", "--json")).out).toBe('{"valid":true}\n');
  });
});

describe("common mistakes have a remedy", () => {
  test.each<[string, NodeJS.ErrnoException, RegExp]>([
    [
      "a full disk",
      systemError("ENOSPC", "/data/x"),
      /disk is full \(ENOSPC\): \/data\/x\. Free some/,
    ],
    ["no permission", systemError("EACCES", "/data/y"), /Permission was denied[^]*Check who owns/],
    ["a folder", systemError("EISDIR"), /It is a folder, not a file \(EISDIR\)\. Name a file/],
  ])("%s", (_name, error, message) => {
    const told = recorder();
    expect(reportError(told, error, { debug: false, json: false })).toBe(1);
    expect(told.texts.err).toMatch(message);
    expect(told.texts.err).not.toContain("    at ");
  });

  test("a folder, or another kind of file, as model", async () => {
    const folder = await loci("inspect", import.meta.dirname);
    expect(folder.code).toBe(1);
    expect(folder.err).toMatch(/is a folder\. Give a \.gguf file/);
    const text = await loci("inspect", import.meta.filename);
    expect(text.code).toBe(1);
    expect(text.err).toMatch(/GGUF/);
    expect(text.err).not.toContain("    at ");
  });

  test("no server where one is asked", async () => {
    for (const words of [["ps"], ["sessions", "ls"], ["cache", "stats"]]) {
      const { code, err } = await loci(...words, "--url", "http://127.0.0.1:9");
      expect([code, err]).toEqual([1, expect.stringContaining("Start one with loci serve")]);
    }
  });
});

test("--no-color is for every verb and place", async () => {
  const output = { ...recorder(), coloured: true, errorsColoured: true };
  await runProgram(["config", "print", "--port", "1"], output);
  expect(output.texts.out).toContain("\u001B[2m");
  const plain = { ...recorder(), coloured: true, errorsColoured: true };
  await runProgram(["config", "print", "--no-color", "--port", "1"], plain);
  await runProgram(["--no-color", "config", "print"], plain);
  await runProgram(["config", "print", "--no-color", "--port", "x"], plain);
  expect(plain.texts.out + plain.texts.err).not.toContain("\u001B");
  expect(plain.texts.err).toContain("--port");
});

test("exit codes are told in help", async () => {
  const { out } = await loci("--help");
  expect(out).toContain(
    "Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 130 interrupted.",
  );
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
