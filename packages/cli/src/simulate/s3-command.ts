// `loci simulate s3`: S³'s experiment over published device and model shapes.

import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

import { LociError } from "@loci/core";
import {
  deviceShapes,
  modelShapes,
  parseLengths,
  readBoundedText,
  runS3,
  s3ArmNames,
  s3Chart,
} from "@loci/sim";
import type { S3ArmName, S3Report } from "@loci/sim";
import type { Command } from "commander";

import { exitCodes } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import { isSet, numberOption, textOption } from "./simulate-flags.ts";
import { shortNumber, textTable } from "./text-table.ts";

/** Runs the experiment, prints its tables, writes its curves. */
export function runS3Command(command: Command, output: Output): number {
  const path = textOption(command, "lengths") ?? "";
  const samples = parseLengths(basename(path), readBoundedText(path));
  const report = runS3({
    samples,
    answersOf: answersOf(command, [...(samples[0]?.answerTokens.keys() ?? [])]),
    device: shapeOf(deviceShapes, "--device", textOption(command, "device") ?? ""),
    models: listOption(command, "models").map((name) => shapeOf(modelShapes, "--models", name)),
    arms: listOption(command, "arms").map((name) => armOf(name)),
    requests: numberOption(command, "requests") ?? 1000,
    kvTokens: numberOption(command, "kvTokens"),
    seed: numberOption(command, "seed") ?? 0,
    onArm: (model, arm) => output.err(`${model}: ${arm}\n`),
  });
  const folder = textOption(command, "plots");
  if (folder !== null) writeCharts(report, folder);
  output.out(isSet(command, "json") ? `${JSON.stringify(report)}\n` : describe(report));
  return exitCodes.ok;
}

function answersOf(command: Command, models: readonly string[]): string | null {
  const name = textOption(command, "answersOf");
  if (name === null || models.includes(name)) return name;
  throw usage(`--answers-of is none of the file's models: ${models.join(", ")}.`);
}

function listOption(command: Command, name: string): readonly string[] {
  return (textOption(command, name) ?? "").split(",").filter((word) => word !== "");
}

function armOf(name: string): S3ArmName {
  const arm = s3ArmNames.find((candidate) => candidate === name);
  if (arm !== undefined) return arm;
  throw usage(`--arms has ${name}, which is none of: ${s3ArmNames.join(", ")}.`);
}

function shapeOf<T>(shapes: Readonly<Record<string, T>>, flag: string, name: string): T {
  const shape = shapes[name];
  if (shape !== undefined) return shape;
  throw usage(`${flag} has ${name}, which is none of: ${Object.keys(shapes).join(", ")}.`);
}

function writeCharts(report: S3Report, folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const model of report.models) {
    const name = model.model.toLowerCase().replaceAll(/[^a-z0-9]+/gu, "-");
    writeFileSync(join(folder, `s3-${name}.svg`), s3Chart(model, report.device));
  }
}

function describe(report: S3Report): string {
  const parts = report.models.map(({ model, kvTokens, requests, arms }) => {
    const rows = arms.map(({ arm, offline, rateWithinMean, rateWithinP90, goodPerSecond }) => [
      arm,
      shortNumber(offline.tokensPerSecond),
      shortNumber(offline.steadyPerSecond),
      `${(100 * offline.memoryMean).toFixed(0)} %`,
      `${offline.preemptions}`,
      shortNumber(rateWithinMean),
      shortNumber(rateWithinP90),
      shortNumber(goodPerSecond),
    ]);
    const header = [
      "",
      "tokens/s offline",
      "steady",
      "memory",
      "preempted",
      "req/s, mean",
      "req/s, p90",
      "good",
    ];
    const title = `${model} on ${report.device}: room for ${kvTokens} cached tokens, ${requests} requests`;
    return `${title}\n${textTable(header, rows)}`;
  });
  const curves = report.models.flatMap(({ model, arms }) =>
    arms.map(({ arm, curve }) => {
      const points = curve.map(({ ratePerSecond, summary }) => {
        const { mean, p90 } = summary.normalisedMs ?? { mean: Number.NaN, p90: Number.NaN };
        return `${shortNumber(ratePerSecond)}: ${shortNumber(mean)} (${shortNumber(p90)})`;
      });
      return `${model}, ${arm}: ${points.join("  ")}`;
    }),
  );
  const ratios = report.ratios.map(({ model, arm, over, ...ratio }) => [
    `${model}: ${arm} over ${over}`,
    ...[ratio.offline, ratio.steady, ratio.withinMean, ratio.withinP90, ratio.good].map((one) =>
      one.toFixed(2),
    ),
  ]);
  return [
    `Answers of ${report.answersOf}; seed ${report.seed}.\n${legend}`,
    ...parts,
    textTable(["times as much", "offline", "steady", "mean", "p90", "good"], ratios),
    `Requests per second: mean (p90) milliseconds per token\n${curves.join("\n")}\n`,
  ].join("\n");
}

const legend = `Offline, all requests are there at once; steady: answered per second at reading speed, 0.1875 s per
token, and without a pause of 1.5 s once they began. Then the requests per second at which the mean and
the p90 of the whole time per token keep to the reading speed, and the most that all did.
`;

function usage(message: string): LociError {
  return new LociError("config_invalid", message);
}
