// `bench multiturn`: many conversations at once whose histories are three times the device pool.
// Throughput at equal p90 normalised latency of a server that remembers, of the same server without
// memory, with its device pool as an LRU cache alone, and of llama-server with the same bytes.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { LociError, type Clock } from "@loci/core";
import { serveRun } from "../load/serve-run.ts";
import { chatWorkload, contextTokensNeeded, type WorkloadShape } from "../load/workload.ts";
import { positiveInteger, positiveNumber } from "../measure/flag-values.ts";
import { openOutput, type Output } from "../measure/output.ts";
import { pinSelf, planCores } from "../measure/pinning.ts";
import { shortNumber } from "../measure/report.ts";
import { tokenIdRange } from "../model-files/bench-models.ts";
import { findPeerBinary } from "../peer/peer-binary.ts";
import { findTieredModel, kvBytesPerToken } from "../tiered/tiered-model.ts";
import { withTieredOptions, type TieredOptions } from "../tiered/tiered-options.ts";
import { interleavedPlan } from "./interleaved-plan.ts";
import { multiturnArm, type ArmMemory, type MultiturnArm } from "./multiturn-arms.ts";
import { reportMultiturn, type ArmResult } from "./multiturn-report.ts";
import { crossing, findBracket, type Bracket, type LoadPoint } from "./throughput-at-latency.ts";

interface MultiturnOptions extends TieredOptions {
  readonly tier: string;
  readonly peer: string;
  readonly peerBinary?: string;
  readonly peerArgs?: string;
  readonly only?: string;
  readonly conversations: number;
  readonly latencyFactor: number;
}

const workload = { turns: 8, messageTokens: 112, answerTokens: 24 };
const quickWorkload = { turns: 3, messageTokens: 48, answerTokens: 4 };
/** Histories at their ends over the device pool. */
const workingSetToPool = 3;
const ownArms: readonly MultiturnArm[] = ["stateful", "device lru", "stateless"];

export function registerMultiturn(program: Command, clock: Clock): void {
  const command = program
    .command("multiturn")
    .description("64 conversations of 8 turns, three times the device pool, at equal latency")
    .option("--tier <name>", "what holds the histories: host, disk or both", "host")
    .option("--peer <name>", "llama-server, or none", "llama-server")
    .option("--peer-binary <file>", "llama-server; default the one that build-peer made")
    .option("--peer-args <words>", "further arguments for the peer")
    .option("--only <arms>", "only these arms, separated by commas")
    .option("--conversations <n>", "conversations", positiveInteger, 64)
    .option(
      "--latency-factor <n>",
      "target of p90 normalised latency, over that of a stateless server without load",
      positiveNumber,
      2,
    );
  withTieredOptions(command, 3).action(async (options: MultiturnOptions) => {
    await multiturnBench(options, clock);
  });
}

interface Session {
  readonly options: MultiturnOptions;
  readonly output: Output;
  readonly shape: WorkloadShape;
  readonly memory: ArmMemory;
  readonly clock: Clock;
  /** Runs so far; names their files. */
  runs: number;
}

async function multiturnBench(options: MultiturnOptions, clock: Clock): Promise<void> {
  const session = openSession(options, clock);
  const { output } = session;
  const arms = chosenArms(options);
  const alone = { ...session.shape, conversations: 1 };
  const unloaded = await measure(session, "stateless", { shape: alone, load: Infinity });
  // The quick form looks at one load only.
  const factor = options.quick === true ? Infinity : options.latencyFactor;
  const targetMs = factor * unloaded.point.normalisedMsP90;
  output.progress(
    `without load ${shortNumber(unloaded.point.normalisedMsP90)} ms per token; ` +
      `the target is ${shortNumber(targetMs)} ms`,
  );
  const results = new Map<MultiturnArm, ArmResult>();
  for (const name of arms) {
    const result: ArmResult = { name, points: [], atTarget: [], computedToUnseen: [] };
    results.set(name, result);
    const bracket = await findBracket(
      (load) => measureArm(session, result, load),
      session.shape.answerTokens,
      targetMs,
    );
    const rate = bracket === null ? 0 : crossing(bracket.below, bracket.above, targetMs);
    result.atTarget.push(rate);
    result.bracket = bracket;
  }
  const pairs = options.quick === true ? 1 : options.pairs;
  for (let pair = 1; pair < pairs; pair++) {
    // Forward and backward in turn, so that a drift of the machine touches all arms alike.
    const order = pair % 2 === 1 ? arms.toReversed() : arms;
    for (const name of order) {
      const result = results.get(name);
      if (result !== undefined) await repeat(session, result, targetMs);
    }
  }
  reportMultiturn(output, [...results.values()], {
    targetMs,
    unloadedMs: unloaded.point.normalisedMsP90,
    seed: options.seed,
    hasPeer: arms.includes("llama-server"),
    quick: options.quick === true,
    memory: session.memory,
    shape: session.shape,
  });
}

/** The two loads around the target once more. */
async function repeat(session: Session, result: ArmResult, targetMs: number): Promise<void> {
  const { bracket } = result;
  if (bracket === null || bracket === undefined) {
    result.atTarget.push(0);
    return;
  }
  const again = async (point: LoadPoint): Promise<LoadPoint> =>
    measureArm(session, result, point.requestsPerSecondOffered);
  const below = await again(bracket.below);
  const above = bracket.above === bracket.below ? below : await again(bracket.above);
  result.atTarget.push(rateAt({ below, above }, targetMs));
}

/** This time the lower load may miss the target, too: then the line through both goes on. */
function rateAt({ below, above }: Bracket, targetMs: number): number {
  if (below.normalisedMsP90 <= targetMs) return crossing(below, above, targetMs);
  return below.tokensPerSecond * (targetMs / below.normalisedMsP90);
}

function openSession(options: MultiturnOptions, clock: Clock): Session {
  const output = openOutput("multiturn", options, clock);
  const cores = planCores(options.threads);
  const quick = options.quick === true;
  if (!quick) pinSelf(cores.clientCores);
  const modelPath = findTieredModel(options.model, output.progress);
  const planned = {
    ...chatWorkload,
    ...(quick ? quickWorkload : workload),
    systemTokens: 0,
    conversations: quick ? 6 : options.conversations,
  };
  const { seed } = options;
  const shape: WorkloadShape = { ...planned, tokenIds: tokenIdRange(modelPath), seed };
  const contextTokens = contextTokensNeeded(planned);
  const workingTokens = contextTokens * planned.conversations;
  const memory: ArmMemory = {
    modelPath,
    cores,
    bytesPerToken: kvBytesPerToken(modelPath),
    contextTokens,
    poolTokens: Math.floor(workingTokens / workingSetToPool),
    workingTokens,
    tier: options.tier,
    peerBinary: needsPeer(options) ? findPeerBinary(options.peerBinary) : null,
    peerArgs: (options.peerArgs ?? "").split(/\s+/).filter((word) => word !== ""),
  };
  return { options, output, shape, memory, clock, runs: 0 };
}

function needsPeer({ peer, only, quick }: MultiturnOptions): boolean {
  if (only !== undefined) return only.includes("llama-server");
  return peer !== "none" && quick !== true;
}

function chosenArms(options: MultiturnOptions): readonly MultiturnArm[] {
  const all: readonly MultiturnArm[] = needsPeer(options) ? [...ownArms, "llama-server"] : ownArms;
  if (options.only === undefined) return all;
  const wanted = new Set(options.only.split(",").map((name) => name.trim()));
  const chosen = all.filter((name) => wanted.has(name));
  if (chosen.length > 0) return chosen;
  throw new LociError("config_invalid", `There is no arm ${options.only}.`, {
    remedy: `Arms: ${ownArms.join(", ")}, llama-server.`,
  });
}

async function measureArm(session: Session, result: ArmResult, load: number): Promise<LoadPoint> {
  const { shape } = session;
  const { point, computedToUnseen } = await measure(session, result.name, { shape, load });
  result.points.push(point);
  result.computedToUnseen.push(computedToUnseen);
  return point;
}

interface Measured {
  readonly point: LoadPoint;
  readonly computedToUnseen: number;
}

/** One run of one arm at one load; throws when a request failed, for the work would differ. */
async function measure(
  session: Session,
  name: MultiturnArm,
  { shape, load }: { readonly shape: WorkloadShape; readonly load: number },
): Promise<Measured> {
  const { output, memory, clock } = session;
  const label = `${String(session.runs++).padStart(2, "0")}-${name.replaceAll(" ", "-")}`;
  const runFolder = mkdtempSync(join(tmpdir(), "bench-multiturn-"));
  try {
    const { figures, voided, firstError } = await serveRun({
      arm: multiturnArm(name, memory, runFolder),
      serverCores: memory.cores.serverCores,
      shape,
      plans: interleavedPlan(shape, load),
      resultFolder: output.folder,
      label,
      clock,
      progress: () => {},
    });
    if (figures === null || figures.requestsFailed > 0) {
      throw new LociError("unavailable", `${label}: requests failed: ${firstError ?? "all"}.`);
    }
    const point: LoadPoint = {
      requestsPerSecondOffered: load,
      tokensPerSecond: figures.outputTokensPerSecond,
      normalisedMsP90: figures.normalisedMsP90,
    };
    output.progress(
      `${label}: offered ${shortNumber(load)} requests/s, ${shortNumber(point.tokensPerSecond)} ` +
        `tok/s, p90 ${shortNumber(point.normalisedMsP90)} ms per token, ` +
        `computed : new ${shortNumber(figures.computedToUnseen)}, ` +
        `${shortNumber(figures.durationSeconds)} s${voided === null ? "" : ` (noisy: ${voided})`}`,
    );
    return { point, computedToUnseen: figures.computedToUnseen };
  } finally {
    rmSync(runFolder, { recursive: true, force: true });
  }
}
