// One run of one arm: a fresh server, a warm-up with other tokens, the workload, the figures and
// what the machine did meanwhile. Raw records go to a file, one line per request.

import { createWriteStream, writeFileSync } from "node:fs";
import { finished } from "node:stream/promises";
import { join } from "node:path";
import { Agent, request } from "undici";
import type { Clock } from "@loci/core";
import {
  noiseBetween,
  noiseLimits,
  readMachineTimes,
  voidReason,
  type MachineTimes,
  type Noise,
} from "../measure/noise-guard.ts";
import type { TreeCost } from "../measure/process-cpu.ts";
import type { ServeArm } from "./arms.ts";
import { child, items } from "./json-value.ts";
import { firstTokensMs, runFigures, type RunFigures } from "./serve-metrics.ts";
import { freePort, startServer, type RunningServer } from "./server-process.ts";
import { complete, type StreamTarget } from "./stream-client.ts";
import { runWorkload, type RequestRecord } from "./run-workload.ts";
import { planWorkload, type ConversationPlan, type WorkloadShape } from "./workload.ts";

export interface ServeRunOptions {
  readonly arm: ServeArm;
  readonly serverCores: string | null;
  readonly shape: WorkloadShape;
  /** Instead of the plan that follows from the shape. */
  readonly plans?: readonly ConversationPlan[];
  /** See WorkloadRun. */
  readonly requestsMax?: number;
  /** Instead of the one warm-up request. */
  readonly warmUp?: (target: StreamTarget, model: string) => Promise<void>;
  /** What the server leans on: their processor time is the arm's, too. */
  readonly companions?: readonly RunningServer[];
  readonly onRequest?: (record: RequestRecord) => void;
  readonly resultFolder: string;
  /** Distinguishes the files of runs. */
  readonly label: string;
  readonly clock: Clock;
  readonly progress: (text: string) => void;
}

export interface ServeRunResult {
  readonly figures: RunFigures | null;
  /** Of the requests that succeeded; for plots. */
  readonly firstTokensMs: readonly number[];
  readonly cpuSecondsPerThousandTokens: number | null;
  readonly peakResidentBytes: number | null;
  readonly startMs: number;
  readonly noise: Noise;
  /** Why the run does not count, or null. */
  readonly voided: string | null;
  readonly firstError: string | null;
}

/** Longest run, whatever the server does. */
const runDeadlineMs = 15 * 60_000;
/** Above this the client was the bottleneck. */
const sendLagMsMax = 20;

export async function serveRun(options: ServeRunOptions): Promise<ServeRunResult> {
  const { arm, clock, label, resultFolder, shape } = options;
  const port = await freePort();
  await using server = await startServer(
    {
      command: arm.command,
      args: arm.args(port),
      cores: options.serverCores,
      port,
      logPath: join(resultFolder, `${label}.log`),
    },
    clock,
  );
  await using dispatcher = new ClosingAgent();
  const target = { baseUrl: server.baseUrl, dialect: arm.dialect, dispatcher, clock };
  const model = await modelName(server.baseUrl);
  await (options.warmUp?.(target, model) ?? warmUp(target, model, shape));
  const processes = [server, ...(options.companions ?? [])];
  const before = {
    machine: readMachineTimes(),
    server: costOfAll(processes),
    client: ownCost(),
  };
  const lines = createWriteStream(join(resultFolder, `${label}.jsonl`));
  const plans = options.plans ?? planWorkload(shape);
  const planned = plans.reduce((sum, plan) => sum + plan.messages.length, 0);
  let done = 0;
  const records = await runWorkload(target, {
    model,
    plans,
    deadlineMs: runDeadlineMs,
    ...(options.requestsMax !== undefined && { requestsMax: options.requestsMax }),
    onRequest: (record) => {
      lines.write(`${JSON.stringify(record)}\n`);
      options.onRequest?.(record);
      done++;
      if (done % 24 === 0) options.progress(`${label}: ${done} of ${planned} requests`);
    },
  });
  lines.end();
  await finished(lines);
  if (arm.name === "loci")
    await keepMetrics(server.baseUrl, join(resultFolder, `${label}.metrics`));
  return summary(records, planned, { processes, startMs: server.startMs, before });
}

interface Before {
  readonly processes: readonly RunningServer[];
  readonly startMs: number;
  readonly before: {
    readonly machine: MachineTimes | null;
    readonly server: TreeCost | null;
    readonly client: number;
  };
}

function summary(
  records: readonly RequestRecord[],
  planned: number,
  { processes, startMs, before }: Before,
): ServeRunResult {
  const cost = costOfAll(processes);
  const serverCpu =
    cost === null || before.server === null ? null : cost.cpuSeconds - before.server.cpuSeconds;
  const own = (serverCpu ?? 0) + ownCost() - before.client;
  const noise = noiseBetween(before.machine, readMachineTimes(), own);
  const figures = runFigures(records, planned);
  const lag = figures === null ? 0 : figures.sendLagMsP99;
  const late = lag > sendLagMsMax ? `the client sent ${lag.toFixed(0)} ms late` : null;
  return {
    figures,
    firstTokensMs: firstTokensMs(records),
    cpuSecondsPerThousandTokens:
      serverCpu === null || figures === null ? null : (1000 * serverCpu) / figures.outputTokens,
    peakResidentBytes: cost?.peakResidentBytes ?? null,
    startMs,
    noise,
    voided: voidReason(noise, noiseLimits) ?? late,
    firstError: records.find((record) => record.error !== null)?.error ?? null,
  };
}

/** Null when one of them is not known. */
function costOfAll(processes: readonly RunningServer[]): TreeCost | null {
  let [cpuSeconds, peakResidentBytes] = [0, 0];
  for (const process of processes) {
    const cost = process.cost();
    if (cost === null) return null;
    cpuSeconds += cost.cpuSeconds;
    peakResidentBytes += cost.peakResidentBytes;
  }
  return { cpuSeconds, peakResidentBytes };
}

/** The server's counters at the end of a run, beside its records. */
async function keepMetrics(baseUrl: string, path: string): Promise<void> {
  const response = await request(`${baseUrl}/metrics`);
  writeFileSync(path, await response.body.text());
}

/** Connections are kept and reused, as many as there are requests at the same time. */
class ClosingAgent extends Agent {
  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy();
  }
}

function ownCost(): number {
  const usage = process.cpuUsage();
  return (usage.user + usage.system) / 1e6;
}

/** The first model that the server lists. */
export async function modelName(baseUrl: string): Promise<string> {
  const response = await request(`${baseUrl}/v1/models`);
  const list = await response.body.json();
  const id = child(items(child(list, "data"))[0], "id");
  return typeof id === "string" ? id : "default";
}

const warmUpTokens = 64;
const warmUpAnswerTokens = 8;

/** Touches the weights and compiles the hot code; its tokens share no prefix with the workload. */
async function warmUp(target: StreamTarget, model: string, shape: WorkloadShape): Promise<void> {
  const { low } = shape.tokenIds;
  const promptTokens = Array.from({ length: warmUpTokens }, (_, index) => low + (index % 7));
  const ask = { model, promptTokens, answerTokens: warmUpAnswerTokens };
  await complete(target, ask, AbortSignal.timeout(runDeadlineMs));
}
