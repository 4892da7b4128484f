// Load and counters of a worker, as they are sent with heartbeats: over HTTP, and the load over NATS
// too.

import { kvTierNames } from "@loci/core";
import type {
  HistogramCounts,
  KvDeviceCounts,
  KvTierSnapshot,
  LatencyCoefficients,
  LengthSnapshot,
  RescueSnapshot,
  ServiceSnapshot,
  WorkerLoad,
} from "@loci/core";
import { Fields } from "./fields.ts";
import { WireError } from "./wire-error.ts";

const tiersMax = 8;
const nameCharsMax = 64;
const bucketsMax = 64;

/** No amount that a load counts is larger, and no price that it names is higher. */
const amountMax = 1e15;
const priceSecondsMax = 86_400;

const loadCounts = [
  "requestsRunning",
  "requestsWaiting",
  "prefillTokensPending",
  "contextTokens",
  "decodeTokensExpected",
  "kvBlocksTotal",
  "kvBlocksFree",
  "kvBlocksCached",
  "kvBlocksPeak",
] as const;

/** Throws WireError. A router prices requests with it: what no worker could mean is refused. */
export function decodeLoad(fields: Fields): WorkerLoad {
  const restore = fields.object("restoreSecondsPerBlock");
  const below = kvTierNames.filter((name) => name !== "device" && restore.has(name));
  const answerTokens = fields.has("answerTokensMean");
  return {
    ...fields.numbers(loadCounts, 0, amountMax),
    evictionSecondsPerBlock: fields.number("evictionSecondsPerBlock", 0, priceSecondsMax),
    latency: fields.has("latency") ? decodeLatency(fields.object("latency")) : null,
    restoreSecondsPerBlock: restore.numbers(below, 0, priceSecondsMax),
    ...(fields.has("fetchSecondsPerBlock") && {
      fetchSecondsPerBlock: fields.number("fetchSecondsPerBlock", 0, priceSecondsMax),
    }),
    answerTokensMean: answerTokens ? fields.number("answerTokensMean", 0, amountMax) : null,
  };
}

const snapshotCounts = [
  "requestsRunning",
  "requestsWaiting",
  "kvBlocksTotal",
  "kvBlocksFree",
  "kvBlocksCached",
  "kvBlockTokens",
  "promptTokens",
  "cachedTokens",
  "computedPromptTokens",
  "generatedTokens",
  "preemptions",
  "steps",
  "waitSecondsExpected",
] as const;

/** Throws WireError. */
export function decodeSnapshot(fields: Fields): ServiceSnapshot {
  const lengths = fields.has("lengths");
  const rescues = fields.has("rescues");
  const device = fields.has("kvDevice");
  const tiers = fields.has("kvTiers");
  return {
    ...fields.numbers(snapshotCounts),
    ...(fields.has("device") && { device: fields.text("device", nameCharsMax) }),
    ...(fields.has("kvBlockBytes") && { kvBlockBytes: fields.number("kvBlockBytes") }),
    ...(fields.has("latency") && { latency: decodeLatency(fields.object("latency")) }),
    ...(lengths && { lengths: decodeLengths(fields.object("lengths")) }),
    ...(rescues && { rescues: decodeRescues(fields.object("rescues")) }),
    ...(device && { kvDevice: decodeDevice(fields.object("kvDevice")) }),
    ...(tiers && {
      kvTiers: fields.list("kvTiers", tiersMax).map((item) => decodeTier(new Fields(item))),
    }),
    ...(fields.has("kvMovesUnderWay") && { kvMovesUnderWay: fields.number("kvMovesUnderWay") }),
  };
}

function decodeLatency(fields: Fields): LatencyCoefficients {
  const names = [
    "secondsPerStep",
    "secondsPerToken",
    "secondsPerAttended",
    "secondsPerSequence",
  ] as const;
  return fields.numbers(names, 0, priceSecondsMax);
}

function decodeLengths(fields: Fields): LengthSnapshot {
  const coverage = fields.has("coverage") ? fields.number("coverage", 0, 1) : null;
  return {
    coverage,
    ...fields.numbers(["answers", "drifts"] as const),
    ...decodeHistograms(fields, ["errors"] as const),
  };
}

function decodeRescues(fields: Fields): RescueSnapshot {
  return fields.numbers([
    "outgrown",
    "extended",
    "borrowed",
    "waited",
    "moved",
    "recomputed",
    "late",
  ] as const);
}

function decodeDevice(fields: Fields): KvDeviceCounts {
  const counts = fields.numbers([
    "droppedBlocks",
    "droppedWithCopy",
    "givenUpLossSeconds",
    "givenUpLossPerSecond",
    "recomputedTokens",
    "copiesAheadUsed",
    "copiesAheadWasted",
    "waitsForCopy",
  ] as const);
  const copied = fields.has("recomputedWithCopy");
  return {
    ...counts,
    ...(copied && { recomputedWithCopy: fields.number("recomputedWithCopy", 0) }),
    ...decodeHistograms(fields, ["lifetimeSeconds", "idleSeconds", "reuseGapSeconds"] as const),
  };
}

/** Those that are there. */
function decodeHistograms<Name extends string>(
  fields: Fields,
  names: readonly Name[],
): Partial<Record<Name, HistogramCounts>> {
  const found: Partial<Record<Name, HistogramCounts>> = {};
  for (const name of names) {
    if (fields.has(name)) found[name] = decodeHistogram(fields.object(name));
  }
  return found;
}

function decodeHistogram(fields: Fields): HistogramCounts {
  const bounds = fields.list("bounds", bucketsMax).map(finite);
  const counts = fields.list("counts", bucketsMax + 1).map(finite);
  if (counts.length !== bounds.length + 1) throw new WireError("a histogram counts all values");
  return { bounds, counts, sum: fields.number("sum") };
}

function finite(value: unknown): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new WireError("a histogram is made of numbers");
}

function decodeTier(fields: Fields): KvTierSnapshot {
  return {
    name: fields.text("name", nameCharsMax),
    ...fields.numbers([
      "slotsTotal",
      "slotsUsed",
      "secondsPerBlock",
      "restoredTokens",
      "restoredBlocks",
      "storedBlocks",
      "failedStores",
      "failedRestores",
      "evictedBlocks",
      "givenUpLossSeconds",
      "givenUpLossPerSecond",
    ] as const),
  };
}
