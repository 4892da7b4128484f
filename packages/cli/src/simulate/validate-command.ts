// `loci simulate validate`: a workload on this machine beside its simulation.

import { writeFileSync } from "node:fs";

import {
  chatShapes,
  compareRuns,
  formatRun,
  parseRun,
  plannedWorkload,
  readBoundedText,
  simulateRun,
} from "@loci/sim";
import type { ComparedFigure, RecordedRun, ShapedRequest, SimRequest } from "@loci/sim";
import type { Command } from "commander";

import { exitCodes } from "../exit-codes.ts";
import { loadConfig } from "../load-config.ts";
import type { Output } from "../output.ts";
import { givenFlags } from "../setting-flags.ts";
import { isSet, numberOption, textOption } from "./simulate-flags.ts";
import { shortNumber, textTable } from "./text-table.ts";

/** Requests that teach what steps cost, as a share of those that are compared. */
const warmupShare = 1;
const requestsDefault = 100;
const tolerance = 0.1;

/** Records or reads a run, simulates it, compares; failed when a figure is more than 10 % off. */
export async function runValidateCommand(command: Command, output: Output): Promise<number> {
  const path = textOption(command, "run");
  const run = path === null ? await record(command) : parseRun(readBoundedText(path));
  const save = textOption(command, "save");
  if (save !== null) writeFileSync(save, formatRun(run));
  const figures = compareRuns(run.records, simulateRun(run));
  const isClose = figures.every(({ ratio }) => Math.abs(ratio - 1) <= tolerance);
  const report = { name: run.name, coefficients: run.coefficients, figures, isClose };
  output.out(isSet(command, "json") ? `${JSON.stringify(report)}\n` : describe(run, figures));
  return isClose ? exitCodes.ok : exitCodes.failed;
}

async function record(command: Command): Promise<RecordedRun> {
  const { config } = await loadConfig(givenFlags(command));
  const { recordRun } = await import("./real-run.ts");
  const count = numberOption(command, "requests") ?? requestsDefault;
  const seed = numberOption(command, "seed") ?? 0;
  const warmupCount = Math.ceil(count * warmupShare);
  const requests = plan(command, count, seed);
  // Other requests of the same kind; ids of their prompts that nobody else has.
  const warmup = plan(command, count + warmupCount, seed + 1).slice(count);
  return recordRun({ config, warmup: startAtZero(warmup), requests });
}

function plan(command: Command, count: number, seed: number): readonly SimRequest[] {
  const divide = numberOption(command, "divide") ?? 1;
  const ratePerSecond = numberOption(command, "rate") ?? 1;
  const shapes = chatShapes(count, seed).map((shape): ShapedRequest => {
    const promptTokens = Math.max(2, Math.round(shape.promptTokens / divide));
    const answerTokens = Math.max(2, Math.round(shape.answerTokens / divide));
    return { promptTokens, answerTokens, userText: shape.userText };
  });
  const arrivals = { kind: "rate", ratePerSecond, variation: 1 } as const;
  return plannedWorkload("chat", shapes, arrivals, seed).requests;
}

function milliseconds(seconds: number): string {
  return (seconds * 1000).toPrecision(3);
}

function startAtZero(requests: readonly SimRequest[]): readonly SimRequest[] {
  const startMs = requests[0]?.arrivalMs ?? 0;
  return requests.map(({ arrivalMs, ...rest }) => ({ arrivalMs: arrivalMs - startMs, ...rest }));
}

function describe(run: RecordedRun, figures: readonly ComparedFigure[]): string {
  const rows = figures.map(({ name, real, simulated, ratio }) => [
    name,
    shortNumber(real),
    shortNumber(simulated),
    `${ratio.toFixed(3)}${Math.abs(ratio - 1) <= tolerance ? "" : " !"}`,
  ]);
  const { secondsPerStep, secondsPerToken, secondsPerAttended, secondsPerSequence } =
    run.coefficients;
  const between = run.coefficients.secondsBetweenSteps ?? 0;
  const costs =
    `Milliseconds per step ${milliseconds(secondsPerStep)}, token ${milliseconds(secondsPerToken)}, ` +
    `attended token ${milliseconds(secondsPerAttended)}, ` +
    `sequence ${milliseconds(secondsPerSequence)}, between steps ${milliseconds(between)}.`;
  const title = `${run.name}, ${run.records.length} requests`;
  return `${title}\n${costs}\n\n${textTable(["", "real", "simulated", "ratio"], rows)}`;
}
