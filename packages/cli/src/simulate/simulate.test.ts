import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { runProgram } from "../program.ts";
import { parseCalibration } from "./read-calibration.ts";
import { shortNumber, textTable } from "./text-table.ts";

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function simulate(...words: readonly string[]): Promise<Run> {
  const texts = { out: "", err: "" };
  const code = await runProgram(["simulate", ...words], {
    coloured: false,
    out: (text) => void (texts.out += text),
    err: (text) => void (texts.err += text),
  });
  return { code, ...texts };
}

const folder = mkdtempSync(join(tmpdir(), "simulate-"));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe("loci simulate run", () => {
  it("prints a table, or the same figures as JSON, and a line for each request", async () => {
    const raw = join(folder, "raw.jsonl");
    const words = ["run", "--requests", "40", "--rate", "50", "--seed", "3", "--raw", raw];
    const [table, json] = [await simulate(...words), await simulate(...words, "--json")];
    expect([table.code, json.code]).toEqual([0, 0]);
    const figures: unknown = JSON.parse(json.out);
    expect(figures).toMatchObject({ requests: 40, completed: 40, refused: 0 });
    expect(table.out).toContain("40 of 40 completed");
    const digest = /digest of all events +([0-9a-f]{16})/u.exec(table.out)?.[1];
    expect(figures).toMatchObject({ digest });
    expect(readFileSync(raw, "utf8").trim().split("\n")).toHaveLength(40);
  });

  it("takes traces, lengths, fixed sizes, costs and policies", async () => {
    const azure = file(
      "a.csv",
      "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03,40,5\n2023-11-16 18:17:04,9,2\n",
    );
    const mooncake = file(
      "m.jsonl",
      '{"timestamp":0,"input_length":600,"output_length":8,"hash_ids":[1,2]}\n',
    );
    const lengths = file(
      "l.jsonl",
      '{"prompt":"Why?","prompt_tokens":3,"output_tokens":{"one":4,"two":9}}\n',
    );
    const costs = file(
      "c.json",
      '{"secondsPerStep":0.01,"secondsPerToken":0,"secondsPerAttended":0,"secondsPerSequence":0}',
    );
    const few = ["--requests", "10", "--json"];
    for (const [words, completed] of [
      [["--trace", azure, "--speed", "2", "--json"], 2],
      [["--trace", mooncake, "--divide", "32", "--host-gib", "1", "--json"], 1],
      [["--lengths", lengths, "--answers-of", "two", "--admission", "s3", ...few], 10],
      [["--fixed", "20:5", "--clients", "2", "--predictor", "none", ...few], 10],
      [["--coefficients", costs, "--kv-tokens", "40000", "--scheduling", "shortest", ...few], 10],
    ] as const) {
      const { code, out, err } = await simulate("run", ...words);
      expect(err).toBe("");
      expect(JSON.parse(out)).toMatchObject({ completed });
      expect(code).toBe(0);
    }
  });

  it.each([
    [["--requests", "0"], "from 1 to"],
    [["--rate", "1", "--clients", "2"], "not both"],
    [["--device", "b200"], "--device is none of"],
    [["--model", "llama3-70b"], "does not fit"],
    [["--admission", "best"], "must be one of"],
    [["--fixed", "20"], "whole number"],
    [["--trace", "/nowhere.csv"], "cannot be read"],
    [["--coefficients", "/nowhere.json"], "cannot be read"],
  ])("refuses %j", async (words, message) => {
    const { code, out, err } = await simulate("run", ...words);
    expect(err).toContain(message);
    expect(out).toBe("");
    expect(code).not.toBe(0);
  });
});

describe("loci simulate seeds", () => {
  it("runs worlds and says what they went through", async () => {
    const { code, out } = await simulate("seeds", "5", "--from", "100");
    expect(out).toContain("5 worlds, 0 broken promises");
    expect(code).toBe(0);
    expect((await simulate("seeds", "none")).code).not.toBe(0);
  });
});

describe("loci simulate faults", () => {
  it("runs clusters and says what they went through", async () => {
    const { code, out } = await simulate("faults", "3", "--from", "7");
    expect(out).toContain("3 clusters, 0 broken promises");
    expect(code).toBe(0);
  });
});

describe("loci simulate cluster", () => {
  const few = ["--scenarios", "toolbench", "--requests", "20", "--loads", "1"];

  it("puts policies side by side, and the server's own over the best of the others", async () => {
    const raw = join(folder, "runs.jsonl");
    const policies = ["--workers", "2", "--policies", "round-robin,seconds", "--raw", raw];
    const { code, out, err } = await simulate("cluster", ...few, ...policies);
    expect(out).toContain("toolbench: 20 requests, 2 workers, load 1");
    expect(out).toContain("seconds over the best other");
    expect(err).toContain("toolbench, 2 workers, load 1, seconds: ttft");
    expect(readFileSync(raw, "utf8").trim().split("\n")).toHaveLength(2);
    expect(code).toBe(0);
  });

  it("says how many workers a trace needs", async () => {
    const lines = Array.from({ length: 20 }, (_, index) => `2023-11-16 18:17:0${index % 10},900,3`);
    const text = ["TIMESTAMP,ContextTokens,GeneratedTokens", ...lines.toSorted()].join("\n");
    const trace = file("busy.csv", `${text}\n`);
    const words = ["--trace", trace, "--device", "mock", "--slo", "1:300:100", "--speed", "5"];
    const { code, out } = await simulate("cluster", ...words);
    expect(out).toMatch(/^[2-9] workers: 100.0 % within 300 ms and 100 ms per token$/mu);
    expect(code).toBe(0);
    const hopeless = await simulate("cluster", ...words, "--workers-max", "1", "--json");
    expect(JSON.parse(hopeless.out)).toMatchObject({ workers: null });
    expect(hopeless.code).not.toBe(0);
  });

  it("has Preble's experiment with its curves", async () => {
    const plots = join(folder, "plots");
    const words = [...few, "--policies", "round-robin,e2", "--plots", plots];
    const { code, out } = await simulate("preble", ...words);
    expect(out).toContain("e2, toolbench");
    expect(readFileSync(join(plots, "preble-toolbench.svg"), "utf8")).toContain("round-robin");
    expect(code).toBe(0);
  });

  it.each([
    [["--scenarios", "chess"], "none of: toolbench"],
    [["--policies", "luck"], "none of: seconds"],
    [["--workers", "0"], "no number"],
    [["--slo", "0.9:100"], "must be a number"],
    [["--slo", "0.9:100:100"], "needs a --trace"],
  ])("refuses %j", async (words, message) => {
    const { code, err } = await simulate("cluster", ...words);
    expect(err).toContain(message);
    expect(code).not.toBe(0);
  });
});

describe("the calibration", () => {
  const text = [
    "# HELP loci_kv_blocks KV blocks",
    "loci_kv_blocks 100",
    "loci_kv_block_tokens 32",
    'loci_latency_model_seconds{term="step"} 0.002',
    'loci_latency_model_seconds{term="token"} 1e-05',
    'loci_latency_model_seconds{term="attended"} 0',
    'loci_latency_model_seconds{term="sequence"} 0.0001',
    "",
  ].join("\n");

  it("is read from a server's metrics, or refused when a part is missing", () => {
    const { coefficients, kvTokens, blockTokens } = parseCalibration(text);
    expect([kvTokens, blockTokens]).toEqual([3200, 32]);
    expect(coefficients).toEqual({
      secondsPerStep: 0.002,
      secondsPerToken: 1e-5,
      secondsPerAttended: 0,
      secondsPerSequence: 0.0001,
    });
    expect(() => parseCalibration(text.replace("0.002", "NaN"))).toThrow("lack");
    expect(() => parseCalibration("")).toThrow("lack");
  });
});

describe("tables", () => {
  it("put names to the left and numbers to the right", () => {
    expect(
      textTable(
        ["", "n"],
        [
          ["one", "1"],
          ["three", "30"],
        ],
      ),
    ).toBe("        n\none     1\nthree  30\n");
    expect([0, 0.012_34, 0.5, 12.34, 1234].map((value) => shortNumber(value))).toEqual([
      "0",
      "0.012",
      "0.50",
      "12.3",
      "1234",
    ]);
  });
});
