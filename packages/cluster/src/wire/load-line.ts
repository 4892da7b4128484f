// Load and counters of a worker, as they are sent with heartbeats.

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
  "evictionSecondsPerBlock",
] as const;

/** Throws WireError. What a worker says of itself is not believed beyond being numbers. */
export function decodeLoad(fields: Fields): WorkerLoad {
  const numbers = fields.numbers(loadCounts);
  for (const name of loadCounts) numbers[name] = Math.max(0, numbers[name]);
  const restore = fields.object("restoreSecondsPerBlock");
  const answerTokens = fields.has("answerTokensMean");
  return {
    ...numbers,
    latency: fields.has("latency") ? decodeLatency(fields.object("latency")) : null,
    restoreSecondsPerBlock: {
      ...(restore.has("host") && { host: restore.number("host", 0) }),
      ...(restore.has("disk") && { disk: restore.number("disk", 0) }),
    },
    answerTokensMean: answerTokens ? fields.number("answerTokensMean", 0) : null,
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
  return {
    secondsPerStep: fields.number("secondsPerStep", 0),
    secondsPerToken: fields.number("secondsPerToken", 0),
    secondsPerAttended: fields.number("secondsPerAttended", 0),
    secondsPerSequence: fields.number("secondsPerSequence", 0),
  };
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
