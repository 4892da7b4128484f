// `bench probe`: does the event loop stay free? /health is asked 20 times a second while chat
// requests with long prompts are computed one after the other.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import type { Clock } from "@loci/core";
import { Agent } from "undici";
import { lociArm } from "../load/arms.ts";
import { modelName } from "../load/serve-run.ts";
import { freePort, startServer } from "../load/server-process.ts";
import { withServerOptions } from "../measure/common-options.ts";
import { positiveInteger } from "../measure/flag-values.ts";
import { openOutput, type Output, type OutputOptions } from "../measure/output.ts";
import { pinSelf, planCores } from "../measure/pinning.ts";
import { atLeast, atMost, shortNumber, table } from "../measure/report.ts";
import { percentile } from "../measure/statistics.ts";
import { findModel } from "../model-files/bench-models.ts";
import { probeUntil, type ProbePlan, type ProbeRecord } from "./health-probe.ts";
import { chat, fillerText, wordsForTokens } from "./long-chat.ts";

interface ProbeOptions extends OutputOptions {
  readonly model?: string;
  readonly promptTokens: number;
  readonly probes: number;
  readonly rate: number;
  readonly threads?: number;
}

const latencyBarMs = 50;

export function registerProbe(program: Command, clock: Clock): void {
  const command = program
    .command("probe")
    .description("latency of /health while long prompts are computed")
    .option("-m, --model <file>", "GGUF file; default a generated Qwen2.5-0.5B shape in Q8_0")
    .option("--prompt-tokens <n>", "tokens of each prompt", positiveInteger, 8192)
    // With this many, "p99 within the bar" holds with 99 % confidence when no probe misses.
    .option("--probes <n>", "probes at least", positiveInteger, 459)
    .option("--rate <n>", "probes per second", positiveInteger, 20);
  withServerOptions(command, "the server").action(async (options: ProbeOptions) => {
    await probeBench(options, clock);
  });
}

async function probeBench(options: ProbeOptions, clock: Clock): Promise<void> {
  const output = openOutput("probe", options, clock);
  const cores = planCores(options.threads);
  pinSelf(cores.clientCores);
  const promptTokens = options.promptTokens;
  const modelPath = findModel(options.model, "q8_0", output.progress);
  // Room for the prompt, which is a little longer than asked for.
  const contextTokens = Math.ceil(1.1 * promptTokens) + 256;
  const extraArgs = ["--ctx-size", String(contextTokens)];
  const arm = lociArm({ modelPath, cores, contextTokens, extraArgs });
  const port = await freePort();
  await using server = await startServer(
    {
      command: arm.command,
      args: arm.args(port),
      cores: cores.serverCores,
      port,
      logPath: join(output.folder, "server.log"),
    },
    clock,
  );
  const dispatcher = new Agent();
  const plan = { url: `${server.baseUrl}/health`, perSecond: options.rate, dispatcher };
  const idle = await probeIdle(plan, clock);
  const probed = await probePrompts(server.baseUrl, { plan, options, output }, clock);
  await dispatcher.destroy();
  report(output, { ...probed, idle, promptTokens });
}

interface Probed {
  readonly records: readonly ProbeRecord[];
  /** Tokens of each prompt that was computed meanwhile. */
  readonly prompts: readonly number[];
}

interface Probing {
  readonly plan: ProbePlan;
  readonly options: ProbeOptions;
  readonly output: Output;
}

/** Computes one long prompt after the other until there are enough probes. */
async function probePrompts(
  baseUrl: string,
  { plan, options, output }: Probing,
  clock: Clock,
): Promise<Probed> {
  const model = await modelName(baseUrl);
  const words = await wordsForTokens(baseUrl, model, options.promptTokens);
  output.progress(`${words} words make a prompt of ${options.promptTokens} tokens`);
  const records: ProbeRecord[] = [];
  const prompts: number[] = [];
  while (records.length < options.probes) {
    const stop = new AbortController();
    const probing = probeUntil(plan, stop.signal, clock);
    prompts.push(await chat(baseUrl, model, fillerText(words, 100 + prompts.length)));
    stop.abort();
    records.push(...(await probing));
    output.progress(`${records.length} probes during ${prompts.length} prompts`);
  }
  return { records, prompts };
}

interface ProbeResult extends Probed {
  readonly idle: readonly number[];
  readonly promptTokens: number;
}

function report(output: Output, { records, prompts, idle, promptTokens }: ProbeResult): void {
  writeFileSync(
    join(output.folder, "probes.jsonl"),
    records.map((record) => `${JSON.stringify(record)}\n`).join(""),
  );
  const latencies = records.map((record) => record.endMs - record.scheduledMs);
  const failed = records.filter((record) => record.error !== null).length;
  const figures = {
    probes: records.length,
    latencyMsP50: percentile(latencies, 0.5),
    latencyMsP90: percentile(latencies, 0.9),
    latencyMsP99: percentile(latencies, 0.99),
    latencyMsMax: Math.max(...latencies),
    idleLatencyMsP50: percentile(idle, 0.5),
    prompts: prompts.length,
    promptTokensMin: Math.min(...prompts),
  };
  const rows = Object.entries(figures).map(([name, value]) => [name, shortNumber(value)]);
  output.showFacts(table([["figure", "value"], ...rows]));
  output.finish({
    benchmark: "probe",
    bars: [
      atMost("/health p99 while prefilling", figures.latencyMsP99, latencyBarMs, "ms"),
      atMost("failed probes", failed, 0, "probes"),
      atLeast("shortest prompt", figures.promptTokensMin, promptTokens, "tokens"),
    ],
    figures,
  });
}

const idleProbingMs = 2_000;

/** Latencies without load, to compare with. */
async function probeIdle(plan: ProbePlan, clock: Clock): Promise<readonly number[]> {
  const stop = new AbortController();
  clock.after(idleProbingMs, () => stop.abort());
  const records = await probeUntil(plan, stop.signal, clock);
  return records.map((record) => record.endMs - record.scheduledMs);
}
