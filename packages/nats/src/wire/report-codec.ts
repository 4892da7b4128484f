// Heartbeats and load reports as JSON that is checked field by field: what a router believes of a
// worker is bounded, whoever says it.

import { kvTierNames } from "@loci/core";
import type { KvTierName, LatencyCoefficients, WorkerLoad } from "@loci/core";

/** Longest heartbeat or report. */
export const reportBytesMax = 8192;

/** What a worker says of itself in every heartbeat. */
export interface MemberRecord {
  /** Where routers reach it; see `parseWorkerAddress`. */
  readonly url: string;
  /** `leaving`: the last thing it says. */
  readonly state: "up" | "draining" | "leaving";
  /** Of the last batch of block events it told. */
  readonly sequence: number;
}

type Fields = Readonly<Record<string, unknown>>;

/** Nothing that is counted or measured here is larger. */
const numberMax = 1e15;
const secondsMax = 86_400;
const urlCharsMax = 512;

export function encodeReport(report: MemberRecord | WorkerLoad): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(report));
}

/** @returns null for bytes that are no heartbeat */
export function decodeMember(bytes: Uint8Array): MemberRecord | null {
  const fields = readFields(bytes);
  if (fields === null) return null;
  const { url, state, sequence } = fields;
  if (typeof url !== "string" || url.length > urlCharsMax) return null;
  if (state !== "up" && state !== "draining" && state !== "leaving") return null;
  return isCount(sequence) ? { url, state, sequence } : null;
}

const amountNames = [
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

const coefficientNames = [
  "secondsPerStep",
  "secondsPerToken",
  "secondsPerAttended",
  "secondsPerSequence",
] as const;

/** @returns null for bytes that are no report */
export function decodeLoad(bytes: Uint8Array): WorkerLoad | null {
  const fields = readFields(bytes);
  const amounts = fields && readAmounts(fields, amountNames, numberMax);
  if (fields === null || amounts === null) return null;
  const latency = readLatency(fields["latency"]);
  const restoreSecondsPerBlock = readRestore(fields["restoreSecondsPerBlock"]);
  const evictionSecondsPerBlock = amount(fields["evictionSecondsPerBlock"], secondsMax);
  const mean = fields["answerTokensMean"];
  const answerTokensMean = mean === null ? null : amount(mean, numberMax);
  if (latency === undefined || restoreSecondsPerBlock === null) return null;
  if (evictionSecondsPerBlock === undefined || answerTokensMean === undefined) return null;
  return { ...amounts, evictionSecondsPerBlock, latency, restoreSecondsPerBlock, answerTokensMean };
}

/** Undefined for what is none. */
function readLatency(value: unknown): LatencyCoefficients | null | undefined {
  if (value === null) return null;
  if (!isFields(value)) return undefined;
  return readAmounts(value, coefficientNames, secondsMax) ?? undefined;
}

function readRestore(value: unknown): WorkerLoad["restoreSecondsPerBlock"] | null {
  if (!isFields(value)) return null;
  const restore: Partial<Record<Exclude<KvTierName, "device">, number>> = {};
  for (const tier of kvTierNames) {
    if (tier === "device" || value[tier] === undefined) continue;
    const seconds = amount(value[tier], secondsMax);
    if (seconds === undefined) return null;
    restore[tier] = seconds;
  }
  return restore;
}

function readFields(bytes: Uint8Array): Fields | null {
  if (bytes.length > reportBytesMax) return null;
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return isFields(value) ? value : null;
  } catch {
    // Not JSON: what it is instead does not matter to anybody.
    return null;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** All of these, each within [0, max]; null when one is not. */
function readAmounts<Name extends string>(
  fields: Fields,
  names: readonly Name[],
  max: number,
): Record<Name, number> | null {
  const read: Partial<Record<Name, number>> = {};
  for (const name of names) {
    const value = amount(fields[name], max);
    if (value === undefined) return null;
    read[name] = value;
  }
  return hasAll(read, names) ? read : null;
}

function hasAll<Name extends string>(
  read: Partial<Record<Name, number>>,
  names: readonly Name[],
): read is Record<Name, number> {
  return names.every((name) => read[name] !== undefined);
}

/** Undefined for what is no number within [0, max]. */
function amount(value: unknown, max: number): number | undefined {
  return typeof value === "number" && value >= 0 && value <= max ? value : undefined;
}
