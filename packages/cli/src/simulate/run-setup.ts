// From the flags of `run` to what the simulator takes: a workload, a cost model, a server's limits.

import { basename } from "node:path";

import { LociError } from "@loci/core";
import { admissionNames, retentionPolicyNames, schedulingNames } from "@loci/engine";
import type { EngineOptions, RunnerLimits, TierFacts } from "@loci/engine";
import {
  chatShapes,
  deviceShapes,
  FittedCost,
  fixedShapes,
  hastened,
  kvBytesPerToken,
  kvTokensOn,
  lengthShapes,
  modelShapes,
  parseAzureTrace,
  parseCoefficients,
  parseLengths,
  parseMooncakeTrace,
  plannedWorkload,
  readBoundedText,
  RooflineCost,
} from "@loci/sim";
import type { ArrivalPlan, CostModel, RooflineOptions, ShapedRequest, Workload } from "@loci/sim";
import type { Command } from "commander";

import { readCalibration } from "./read-calibration.ts";
import { requestsMax } from "./run-options.ts";
import { numberOption, oneOf, textOption } from "./simulate-flags.ts";

const requestsDefault = 1000;
const contextDefault = 32_768;
/** Blocks of a fitted device have no published size; moves are then priced by this. */
const fittedBytesPerToken = 32_768;

export interface ServerSetup {
  readonly cost: CostModel;
  readonly limits: RunnerLimits;
  readonly options: Partial<EngineOptions>;
  readonly tiers?: { readonly facts: readonly TierFacts[]; readonly blockBytes: number };
}

/** The workload that the flags describe. */
export function workloadOf(command: Command): Workload {
  const trace = textOption(command, "trace");
  if (trace !== null) return traceWorkload(command, trace);
  const seed = numberOption(command, "seed") ?? 0;
  const count = numberOption(command, "requests") ?? requestsDefault;
  const { name, shapes } = shapesOf(command, count, seed);
  return plannedWorkload(name, shapes, arrivalsOf(command), seed);
}

function traceWorkload(command: Command, path: string): Workload {
  const text = readBoundedText(path);
  const name = basename(path);
  const divisor = numberOption(command, "divide") ?? 1;
  const answerDivisor = numberOption(command, "divideAnswers") ?? divisor;
  const requests = path.endsWith(".csv")
    ? parseAzureTrace(name, text, { promptDivisor: divisor, answerDivisor })
    : parseMooncakeTrace(name, text, { promptDivisor: divisor, answerDivisor });
  const speed = numberOption(command, "speed") ?? 1;
  const kept = requests.slice(0, numberOption(command, "requests") ?? requests.length);
  return { name, requests: hastened(kept, speed), clients: numberOption(command, "clients") };
}

function shapesOf(
  command: Command,
  count: number,
  seed: number,
): { readonly name: string; readonly shapes: readonly ShapedRequest[] } {
  const lengths = textOption(command, "lengths");
  const fixed: unknown = command.opts()["fixed"];
  if (lengths !== null) {
    const samples = parseLengths(basename(lengths), readBoundedText(lengths));
    const model = textOption(command, "answersOf");
    const models = [...(samples[0]?.answerTokens.keys() ?? [])];
    if (model !== null && !models.includes(model)) {
      throw usage(`--answers-of is none of the file's models: ${models.join(", ")}.`);
    }
    const name = `${basename(lengths)}, ${model ?? "all models"}`;
    return { name, shapes: lengthShapes(samples, { count, seed, model }) };
  }
  if (Array.isArray(fixed)) {
    const [prompt, answer] = [Number(fixed[0]), Number(fixed[1])];
    return { name: `${prompt} in, ${answer} out`, shapes: fixedShapes(count, prompt, answer) };
  }
  return { name: "chat", shapes: chatShapes(count, seed) };
}

function arrivalsOf(command: Command): ArrivalPlan {
  const ratePerSecond = numberOption(command, "rate");
  const clients = numberOption(command, "clients");
  if (ratePerSecond !== null && clients !== null)
    throw usage("Give --rate or --clients, not both.");
  if (clients !== null) return { kind: "clients", clients };
  if (ratePerSecond === null) return { kind: "at-once" };
  return { kind: "rate", ratePerSecond, variation: numberOption(command, "variation") ?? 1 };
}

/** The device and the server on it that the flags describe. */
export async function serverOf(command: Command): Promise<ServerSetup> {
  const device = await deviceOf(command);
  const blockTokens = numberOption(command, "blockTokens") ?? device.blockTokens ?? 32;
  const kvTokens = numberOption(command, "kvTokens") ?? device.kvTokens;
  if (kvTokens === null) throw usage("Give --kv-tokens: the coefficients say nothing of memory.");
  const blockCount = Math.floor(kvTokens / blockTokens);
  if (blockCount < 1) throw usage("There is no memory for a single block of the cache.");
  const sequencesMax = numberOption(command, "sequences") ?? 256;
  const stepTokensMax = Math.max(sequencesMax, numberOption(command, "stepTokens") ?? 2048);
  const limits: RunnerLimits = {
    blockTokens,
    blockCount,
    contextTokensMax: numberOption(command, "context") ?? device.contextTokensMax,
    vocabularySize: device.vocabularySize,
    stepTokensMax,
    // Gaps in cached prompts need slices of their own.
    stepSlicesMax: 2 * sequencesMax,
  };
  const hostBytes = (numberOption(command, "hostGib") ?? 0) * 1024 ** 3;
  const blockBytes = blockTokens * device.bytesPerToken;
  const slotCount = Math.floor(hostBytes / blockBytes);
  const host: TierFacts = { name: "host", slotCount, isDurable: false };
  return {
    cost: device.cost,
    limits,
    options: optionsOf(command, sequencesMax),
    ...(slotCount > 0 && { tiers: { facts: [host], blockBytes } }),
  };
}

function optionsOf(command: Command, sequencesMax: number): Partial<EngineOptions> {
  const eviction = oneOf(retentionPolicyNames)(textOption(command, "eviction") ?? "");
  const admission = oneOf(admissionNames)(textOption(command, "admission") ?? "");
  const scheduling = oneOf(schedulingNames)(textOption(command, "scheduling") ?? "");
  return {
    eviction,
    admission,
    scheduling,
    sequencesMax,
    queueRequestsMax: numberOption(command, "queue") ?? requestsMax,
    queueTokensMax: Number.MAX_SAFE_INTEGER,
  };
}

interface DeviceSetup {
  readonly cost: CostModel;
  readonly kvTokens: number | null;
  readonly blockTokens: number | null;
  readonly contextTokensMax: number;
  readonly vocabularySize: number;
  readonly bytesPerToken: number;
}

async function deviceOf(command: Command): Promise<DeviceSetup> {
  const url = textOption(command, "calibrate");
  const path = textOption(command, "coefficients");
  if (url !== null && path !== null) throw usage("Give --calibrate or --coefficients, not both.");
  const fitted = {
    contextTokensMax: contextDefault,
    vocabularySize: 32_000,
    bytesPerToken: fittedBytesPerToken,
  };
  if (url !== null) {
    const { coefficients, kvTokens, blockTokens } = await readCalibration(url);
    return { ...fitted, cost: new FittedCost(url, coefficients), kvTokens, blockTokens };
  }
  if (path !== null) {
    const coefficients = parseCoefficients(readBoundedText(path));
    const cost = new FittedCost(basename(path), coefficients);
    return { ...fitted, cost, kvTokens: null, blockTokens: null };
  }
  return publishedDevice(command);
}

function publishedDevice(command: Command): DeviceSetup {
  const deviceName = textOption(command, "device") ?? "";
  const modelName = textOption(command, "model") ?? "";
  const device = deviceShapes[deviceName];
  if (device === undefined) throw usage(`--device is none of: ${keys(deviceShapes)}.`);
  const model = modelShapes[modelName];
  if (model === undefined) throw usage(`--model is none of: ${keys(modelShapes)}.`);
  const deviceCount = numberOption(command, "devices") ?? 1;
  const shape: RooflineOptions = { device, model, deviceCount };
  const kvTokens = kvTokensOn(shape);
  if (kvTokens === 0) throw usage(`${model.name} does not fit on ${deviceCount} ${device.name}.`);
  return {
    cost: new RooflineCost(shape),
    kvTokens,
    blockTokens: null,
    contextTokensMax: model.contextTokensMax,
    vocabularySize: model.vocabularySize,
    bytesPerToken: kvBytesPerToken(model),
  };
}

function keys(shapes: Readonly<Record<string, unknown>>): string {
  return Object.keys(shapes).join(", ");
}

function usage(message: string): LociError {
  return new LociError("config_invalid", message);
}
