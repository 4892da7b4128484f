// `loci simulate run`: one workload, one device, one choice of policies.

import { writeFileSync } from "node:fs";

import { AnswerBook, recordLines, simulate, summarise } from "@loci/sim";
import type { Percentiles, RunSummary, Workload } from "@loci/sim";
import type { Command } from "commander";

import { exitCodes } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import { predictorOf } from "./run-predictor.ts";
import { serverOf, workloadOf } from "./run-setup.ts";
import { isSet, numberOption, textOption } from "./simulate-flags.ts";
import { shortNumber, textTable } from "./text-table.ts";

/** Simulates and prints what came of it. */
export async function runRunCommand(command: Command, output: Output): Promise<number> {
  const workload = workloadOf(command);
  const server = await serverOf(command);
  const answers = new AnswerBook();
  const lengths = predictorOf(command, answers, server.limits.contextTokensMax);
  const result = simulate({ workload, ...server, answers, ...(lengths && { lengths }) });
  const summary = summarise(result, {
    ttftMs: numberOption(command, "ttftMs") ?? Infinity,
    tpotMs: numberOption(command, "tpotMs") ?? Infinity,
  });
  const raw = textOption(command, "raw");
  if (raw !== null) writeFileSync(raw, recordLines(result.records));
  const title = `${workload.name} on ${server.cost.name}`;
  const report = { workload: workload.name, device: server.cost.name, ...summary };
  output.out(
    isSet(command, "json") ? `${JSON.stringify(report)}\n` : describe(title, workload, summary),
  );
  return exitCodes.ok;
}

function describe(title: string, { requests }: Workload, summary: RunSummary): string {
  const facts: readonly (readonly [string, string])[] = [
    ["requests", `${summary.completed} of ${requests.length} completed`],
    ["refused, cancelled, failed", [summary.refused, summary.cancelled, summary.failed].join(", ")],
    ["virtual time", `${shortNumber(summary.seconds)} s`],
    ["throughput", `${shortNumber(summary.tokensPerSecond)} tokens/s`],
    ["", `${shortNumber(summary.requestsPerSecond)} requests/s`],
    ["within the limits", `${shortNumber(summary.goodPerSecond)} requests/s`],
    ["", share(summary.goodShare)],
    ["prompt tokens from the cache", share(summary.cachedShare)],
    ["preemptions", `${summary.preemptions}`],
    ["answers that outgrew their promise", `${summary.outgrown}`],
    ["memory held, mean and most", `${share(summary.memoryMean)}, ${share(summary.memoryMax)}`],
    ["device busy", share(summary.busyShare)],
    ["steps", `${summary.steps}`],
    ["digest of all events", summary.digest],
  ];
  const times = textTable(
    ["milliseconds", "mean", "p50", "p90", "p99"],
    [
      timeRow("first token", summary.ttftMs),
      timeRow("each further token", summary.tpotMs),
      timeRow("whole answer", summary.endToEndMs),
      timeRow("whole answer per token", summary.normalisedMs),
      timeRow("longest pause in an answer", summary.pauseMs),
    ],
  );
  return `${title}\n\n${textTable(["", ""], facts).trimStart()}\n${times}`;
}

function share(value: number): string {
  return `${(100 * value).toFixed(1)} %`;
}

function timeRow(name: string, values: Percentiles | null): readonly string[] {
  if (values === null) return [name, "-", "-", "-", "-"];
  const { mean, p50, p90, p99 } = values;
  return [name, ...[mean, p50, p90, p99].map((value) => shortNumber(value))];
}
