// `bench serve`: loci and llama-server under the same conversations. Fresh processes, pinned
// cores, interleaved order; a disturbed run is void and is repeated.

import { basename } from "node:path";
import type { Command } from "commander";
import type { Clock } from "@loci/core";
import { interleave } from "../measure/abba.ts";
import { withServerOptions } from "../measure/common-options.ts";
import { positiveInteger, positiveNumber } from "../measure/flag-values.ts";
import { openOutput, type Output, type OutputOptions } from "../measure/output.ts";
import { pinSelf, planCores, type CoreSplit } from "../measure/pinning.ts";
import { shortNumber, table } from "../measure/report.ts";
import { findModel, tokenIdRange } from "../model-files/bench-models.ts";
import {
  llamaServerArm,
  lociArm,
  peerBest,
  peerCandidates,
  type ArmSettings,
  type PeerFlags,
  type ServeArm,
} from "./arms.ts";
import { findPeerBinary } from "../peer/peer-binary.ts";
import { judgeServe, serveTable, type PairedRun } from "./serve-comparison.ts";
import { servePlots } from "./serve-plots.ts";
import { serveRun, type ServeRunResult } from "./serve-run.ts";
import { chatWorkload, contextTokensNeeded, type WorkloadShape } from "./workload.ts";

interface ServeOptions extends OutputOptions {
  readonly model?: string;
  readonly peer: string;
  readonly peerBinary?: string;
  readonly only?: string;
  readonly sweepPeer?: boolean;
  readonly pairs: number;
  readonly seed: number;
  readonly conversations: number;
  readonly turns: number;
  readonly rate: number;
  readonly peerArgs?: string;
  readonly lociArgs?: string;
  readonly threads?: number;
  readonly keepNoisy?: boolean;
}

/** Runs voided in a row before the machine is called too noisy. */
const voidRunsMax = 3;

export function registerServe(program: Command, clock: Clock): void {
  const command = program
    .command("serve")
    .description("conversations against loci and llama-server, side by side")
    .option("-m, --model <file>", "GGUF file; default a generated Qwen2.5-0.5B shape in Q8_0")
    .option("--peer <name>", "llama-server, or none", "llama-server")
    .option("--peer-binary <file>", "llama-server; default the one that build-peer made")
    .option("--peer-args <words>", "further arguments for the peer, e.g. '-fa on'")
    .option("--loci-args <words>", "further arguments for loci serve")
    .option("--only <arm>", "run one arm: loci or llama-server")
    .option("--sweep-peer", "try the peer's candidate settings and print the best")
    .option("--pairs <n>", "pairs of runs", positiveInteger, 5)
    .option("--seed <n>", "seed of tokens and order", positiveInteger, 1)
    .option("--conversations <n>", "conversations", positiveInteger, chatWorkload.conversations)
    .option("--turns <n>", "turns of each", positiveInteger, chatWorkload.turns)
    .option(
      "--rate <n>",
      "conversations started per second",
      positiveNumber,
      chatWorkload.startsPerSecond,
    )
    .option("--keep-noisy", "count disturbed runs instead of repeating them");
  withServerOptions(command, "each server").action(async (options: ServeOptions) => {
    await serveBench(options, clock);
  });
}

interface Session {
  readonly options: ServeOptions;
  readonly output: Output;
  readonly cores: CoreSplit;
  readonly shape: WorkloadShape;
  readonly settings: ArmSettings;
  readonly clock: Clock;
}

async function serveBench(options: ServeOptions, clock: Clock): Promise<void> {
  const output = openOutput("serve", options, clock);
  const cores = planCores(options.threads);
  if (!pinSelf(cores.clientCores)) output.progress("the client is not pinned to a core of its own");
  const modelPath = findModel(options.model, "q8_0", output.progress);
  const planned = {
    ...chatWorkload,
    conversations: options.conversations,
    turns: options.turns,
    startsPerSecond: options.rate,
  };
  const seed = options.seed;
  const shape: WorkloadShape = { ...planned, tokenIds: tokenIdRange(modelPath), seed };
  const contextTokens = contextTokensNeeded(planned);
  const settings: ArmSettings = { modelPath, cores, contextTokens, extraArgs: [] };
  const session: Session = { options, output, cores, shape, settings, clock };
  if (options.sweepPeer === true) return sweepPeer(session);
  return compare(session);
}

function isOfficial(shape: WorkloadShape): boolean {
  const given = new Map<string, unknown>(Object.entries(shape));
  return Object.entries(chatWorkload).every(([name, value]) => given.get(name) === value);
}

function words(text: string | undefined): readonly string[] {
  return (text ?? "").split(/\s+/).filter((word) => word !== "");
}

function peerArm(session: Session, peer: PeerFlags): ServeArm {
  const extraArgs = words(session.options.peerArgs);
  const binary = findPeerBinary(session.options.peerBinary);
  return llamaServerArm(binary, { ...session.settings, extraArgs }, peer);
}

async function compare(session: Session): Promise<void> {
  const { options, output } = session;
  const ours = lociArm({ ...session.settings, extraArgs: words(options.lociArgs) });
  const hasPeer = options.peer !== "none" && options.only === undefined;
  const runs: PairedRun[] = [];
  let voids = 0;
  const pairs = options.pairs;
  const plan = hasPeer
    ? interleave([ours, peerArm(session, peerBest)], pairs, session.shape.seed)
    : Array.from({ length: pairs }, (_, pair) => ({
        arm: options.only === "llama-server" ? peerArm(session, peerBest) : ours,
        pair,
      }));
  output.begin(plan.length);
  for (const { arm, pair } of plan) {
    const run = await quietRun(session, arm, `pair${pair}-${arm.name}`);
    output.done();
    voids += run.voids;
    runs.push({ arm: arm.name, pair, result: run.result });
  }
  const { bars, figures } = judgeServe(runs, session.shape.seed, hasPeer);
  output.showFacts(serveTable(runs));
  for (const [name, svg] of servePlots(runs)) output.plot(name, svg);
  const peer = { name: peerBest.name, parallel: peerBest.parallel, flags: peerBest.flags };
  const workload = { ...session.shape, tokenIds: { ...session.shape.tokenIds } };
  output.finish({
    benchmark: "serve",
    bars,
    figures: {
      ...figures,
      // Only the whole workload against the peer answers for the bars of the project.
      official: hasPeer && isOfficial(session.shape),
      voidRuns: voids,
      disturbedRunsCounted: runs.filter((run) => run.result.voided !== null).length,
      model: basename(session.settings.modelPath),
      threads: session.cores.serverThreads,
      workload,
      peer: hasPeer ? peer : null,
    },
  });
}

/** Repeats a disturbed run a few times; the last one counts whatever it was, and says so. */
async function quietRun(
  session: Session,
  arm: ServeArm,
  label: string,
): Promise<{ readonly result: ServeRunResult; readonly voids: number }> {
  const { options, output } = session;
  for (let voids = 0; ; voids++) {
    const result = await serveRun({
      arm,
      serverCores: session.cores.serverCores,
      shape: session.shape,
      resultFolder: output.folder,
      label: voids === 0 ? label : `${label}-again${voids}`,
      clock: session.clock,
      progress: output.progress,
    });
    output.progress(`${label}: ${runLine(result)}`);
    if (result.voided === null) return { result, voids };
    output.progress(`${label} is void: ${result.voided}`);
    if (options.keepNoisy === true || voids + 1 === voidRunsMax) return { result, voids };
  }
}

function runLine(result: ServeRunResult): string {
  const { figures } = result;
  if (figures === null) return `no request succeeded (${result.firstError ?? "no reason given"})`;
  const parts = [
    `${shortNumber(figures.outputTokensPerSecond)} tok/s`,
    `TTFT p50 ${shortNumber(figures.ttftMsP50)} p90 ${shortNumber(figures.ttftMsP90)} ms`,
    `TPOT p50 ${shortNumber(figures.tpotMsP50)} ms`,
    `cached ${(100 * figures.cachedFraction).toFixed(1)} %`,
    `failed ${figures.requestsFailed}`,
  ];
  if (result.firstError !== null) parts.push(result.firstError);
  return parts.join(", ");
}

async function sweepPeer(session: Session): Promise<void> {
  const { output } = session;
  const rows: (readonly string[])[] = [];
  let best: { readonly peer: PeerFlags; readonly rate: number } | null = null;
  for (const [index, peer] of peerCandidates.entries()) {
    const arm = peerArm(session, peer);
    const { result } = await quietRun(session, arm, `sweep${index}`);
    const { figures } = result;
    const rate = figures === null || figures.requestsFailed > 0 ? 0 : figures.outputTokensPerSecond;
    if (best === null || rate > best.rate) best = { peer, rate };
    rows.push([
      peer.name,
      shortNumber(rate),
      figures === null ? "-" : shortNumber(figures.ttftMsP90),
      figures === null ? "-" : `${(100 * figures.cachedFraction).toFixed(1)} %`,
      result.voided === null ? "" : "noisy",
    ]);
  }
  output.show(table([["peer settings", "tok/s", "TTFT p90 ms", "cached", ""], ...rows]));
  output.show(`Best: ${best?.peer.name ?? "none"} (fixed as the peer: ${peerBest.name})`);
}
