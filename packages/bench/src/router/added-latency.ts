// What a router adds to a stream: the time from asking until the worker has the request, and from a
// worker's token until the client has it. Workers are stand-ins in processes of their own; router and
// clients share one core.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { openCluster, StaticDirectory, type Cluster } from "@loci/cluster";
import { greedySampling, LociError, Random, sleep, type Clock } from "@loci/core";
import { defaultPredictor } from "@loci/predict";
import { Router } from "@loci/router";
import { killAtExit } from "../load/server-process.ts";
import { pinned } from "../measure/pinning.ts";
import { percentile } from "../measure/statistics.ts";
import { GcPauses } from "./gc-pauses.ts";
import { tenant } from "./router-load.ts";
import { msSince, stampNow } from "./shared-time.ts";

export interface LatencyPlan {
  readonly requestsPerSecond: number;
  readonly seconds: number;
  /** Requests of so many seconds come before those that count. */
  readonly warmUpSeconds: number;
  /** Where the workers run; null: anywhere. This process is to have a core of its own. */
  readonly workerCores: string | null;
}

export type LatencyResult = {
  readonly requests: number;
  readonly tokens: number;
  readonly failures: number;
  /** From asking to the first token, less what the worker took. */
  readonly firstTokenMs: Quantiles;
  /** From a later token's being there to its coming. */
  readonly tokenMs: Quantiles;
  /** Of one core, by router and clients. */
  readonly coreShare: number;
  /** Of the time, spent collecting garbage; and the longest pause for it. */
  readonly gcShare: number;
  readonly gcMsMax: number;
};

type Quantiles = { readonly p50: number; readonly p99: number; readonly max: number };

const workerProcesses = 2;
const workersOfProcess = 2;
const tokenEveryMs = 20;
const answerTokens = 32;
const promptLength = 512;

interface Samples {
  readonly firstMs: number[];
  readonly laterMs: number[];
  failures: number;
}

export async function addedLatency(plan: LatencyPlan, clock: Clock): Promise<LatencyResult> {
  const processes = await Promise.all(
    Array.from({ length: workerProcesses }, (_, index) => startWorkers(index, plan.workerCores)),
  );
  const cluster = openCluster({
    router: new Router({}, { lengths: defaultPredictor({ seed: 1 }), seed: 1 }),
    clock,
    seed: 1,
    key: null,
    directories: [new StaticDirectory(processes.flatMap(({ urls }) => urls))],
  });
  while (cluster.table.size < workerProcesses * workersOfProcess) await sleep(clock, 10);
  await play(cluster, { ...plan, seconds: plan.warmUpSeconds }, clock);
  const cpuBefore = process.cpuUsage();
  const startMs = clock.nowMs();
  const pauses = new GcPauses();
  const samples = await play(cluster, plan, clock);
  const cpu = process.cpuUsage(cpuBefore);
  const seconds = (clock.nowMs() - startMs) / 1000;
  const gcMs = pauses.end();
  await cluster.close();
  for (const { end } of processes) end();
  return {
    requests: samples.firstMs.length,
    tokens: samples.laterMs.length + samples.firstMs.length,
    failures: samples.failures,
    firstTokenMs: quantiles(samples.firstMs),
    tokenMs: quantiles(samples.laterMs),
    coreShare: (cpu.user + cpu.system) / 1e6 / seconds,
    gcShare: gcMs.reduce((sum, each) => sum + each, 0) / 1000 / seconds,
    gcMsMax: Math.max(0, ...gcMs),
  };
}

/** Requests at random times, whatever becomes of those before; resolves when all have ended. */
async function play(cluster: Cluster, plan: LatencyPlan, clock: Clock): Promise<Samples> {
  const random = new Random(1);
  const samples: Samples = { firstMs: [], laterMs: [], failures: 0 };
  const streams: Promise<void>[] = [];
  const startMs = clock.nowMs();
  const endMs = startMs + 1000 * plan.seconds;
  let dueMs = startMs;
  for (let count = 0; dueMs < endMs; count++) {
    const waitMs = dueMs - clock.nowMs();
    if (waitMs > 0) await sleep(clock, waitMs);
    streams.push(readStream(cluster, `${plan.seconds}-${count}`, random, samples));
    dueMs += (-1000 * Math.log(1 - random.next())) / plan.requestsPerSecond;
  }
  await Promise.all(streams);
  return samples;
}

async function readStream(
  cluster: Cluster,
  id: string,
  random: Random,
  samples: Samples,
): Promise<void> {
  const promptTokens = Int32Array.from({ length: promptLength }, () => random.integer(0, 32_000));
  promptTokens[promptLength - 1] = stampNow();
  const request = {
    id,
    tenant,
    promptTokens,
    maxTokens: answerTokens,
    minTokens: 0,
    ignoreEos: false,
    stop: [],
    stopTokenIds: [],
    sampling: greedySampling,
  };
  try {
    let isFirst = true;
    for await (const event of cluster.service.generate(request, new AbortController().signal)) {
      if (event.type !== "token") continue;
      const behindMs = msSince(event.tokenId);
      if (isFirst) samples.firstMs.push(behindMs + Number(event.text));
      else samples.laterMs.push(behindMs);
      isFirst = false;
    }
  } catch (error) {
    if (!(error instanceof LociError)) throw error;
    samples.failures++;
  }
}

interface WorkerProcess {
  readonly urls: readonly string[];
  readonly end: () => void;
}

async function startWorkers(index: number, cores: string | null): Promise<WorkerProcess> {
  const entry = fileURLToPath(new URL("stamp-worker.ts", import.meta.url));
  const numbers = [index * workersOfProcess, workersOfProcess, tokenEveryMs].map(String);
  const [program, args] = pinned(cores, process.execPath, [entry, ...numbers]);
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  killAtExit(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = await lines.next();
  if (line.done === true) throw new LociError("unavailable", "The workers' process ended.");
  const urls: unknown = JSON.parse(line.value);
  if (!Array.isArray(urls)) throw new LociError("unavailable", "The workers said nothing.");
  return { urls: urls.map(String), end: () => child.stdin.end() };
}

function quantiles(values: readonly number[]): Quantiles {
  return {
    p50: percentile(values, 0.5),
    p99: percentile(values, 0.99),
    max: percentile(values, 1),
  };
}
