// Snapshots of many workers as one: what is held and running is summed over those who are here,
// counters also over those who are gone.

import { addHistograms } from "@loci/core";
import type {
  HistogramCounts,
  KvDeviceCounts,
  KvTierSnapshot,
  LengthSnapshot,
  RescueSnapshot,
  ServiceSnapshot,
} from "@loci/core";

/** `past`: workers that are gone, of which only counters remain. */
export function addSnapshots(
  past: readonly ServiceSnapshot[],
  present: readonly ServiceSnapshot[],
): ServiceSnapshot {
  const all = [...past, ...present];
  const now = (value: (snapshot: ServiceSnapshot) => number): number => sum(present.map(value));
  const ever = (value: (snapshot: ServiceSnapshot) => number): number => sum(all.map(value));
  const lengths = listOf(all, ({ lengths: part }) => part);
  const rescues = listOf(all, ({ rescues: part }) => part);
  const devices = listOf(all, ({ kvDevice }) => kvDevice);
  const tiers = listOf(present, ({ kvTiers }) => kvTiers).flat();
  const [only] = present;
  const names = new Set(listOf(present, ({ device }) => device));
  return {
    ...(names.size > 0 && { device: [...names].toSorted().join(", ") }),
    requestsRunning: now((one) => one.requestsRunning),
    requestsWaiting: now((one) => one.requestsWaiting),
    kvBlocksTotal: now((one) => one.kvBlocksTotal),
    kvBlocksFree: now((one) => one.kvBlocksFree),
    kvBlocksCached: now((one) => one.kvBlocksCached),
    kvBlockTokens: all[0]?.kvBlockTokens ?? 0,
    promptTokens: ever((one) => one.promptTokens),
    cachedTokens: ever((one) => one.cachedTokens),
    computedPromptTokens: ever((one) => one.computedPromptTokens),
    generatedTokens: ever((one) => one.generatedTokens),
    preemptions: ever((one) => one.preemptions),
    steps: ever((one) => one.steps),
    // A new request goes to whoever takes it first.
    waitSecondsExpected: least(present.map((one) => one.waitSecondsExpected)),
    ...(only?.kvBlockBytes !== undefined && { kvBlockBytes: only.kvBlockBytes }),
    // One worker's steps cost what they cost; of several there is no one price.
    ...(present.length === 1 && only?.latency && { latency: only.latency }),
    ...(lengths.length > 0 && { lengths: addLengths(lengths) }),
    ...(rescues.length > 0 && { rescues: addRescues(rescues) }),
    ...(devices.length > 0 && { kvDevice: addDevices(devices) }),
    ...(tiers.length > 0 && { kvTiers: addTiers(tiers) }),
    ...(present.some((one) => one.kvMovesUnderWay !== undefined) && {
      kvMovesUnderWay: now((one) => one.kvMovesUnderWay ?? 0),
    }),
  };
}

function addLengths(parts: readonly LengthSnapshot[]): LengthSnapshot {
  const judged = parts.filter(({ coverage, answers }) => coverage !== null && answers > 0);
  const weight = sum(judged.map(({ answers }) => answers));
  const errors = sumOf(parts, (part) => part.errors);
  const covered = sum(judged.map(({ coverage, answers }) => (coverage ?? 0) * answers));
  return {
    coverage: weight === 0 ? null : covered / weight,
    answers: sum(parts.map(({ answers }) => answers)),
    drifts: sum(parts.map(({ drifts }) => drifts)),
    ...(errors !== null && { errors }),
  };
}

function addRescues(parts: readonly RescueSnapshot[]): RescueSnapshot {
  const total = (value: (part: RescueSnapshot) => number): number => sum(parts.map(value));
  return {
    outgrown: total((part) => part.outgrown),
    extended: total((part) => part.extended),
    borrowed: total((part) => part.borrowed),
    waited: total((part) => part.waited),
    moved: total((part) => part.moved),
    recomputed: total((part) => part.recomputed),
    late: total((part) => part.late),
  };
}

function addDevices(parts: readonly KvDeviceCounts[]): KvDeviceCounts {
  const total = (value: (part: KvDeviceCounts) => number): number => sum(parts.map(value));
  const lifetimeSeconds = sumOf(parts, (part) => part.lifetimeSeconds);
  const idleSeconds = sumOf(parts, (part) => part.idleSeconds);
  const reuseGapSeconds = sumOf(parts, (part) => part.reuseGapSeconds);
  return {
    droppedBlocks: total((part) => part.droppedBlocks),
    droppedWithCopy: total((part) => part.droppedWithCopy),
    givenUpLossSeconds: total((part) => part.givenUpLossSeconds),
    givenUpLossPerSecond: total((part) => part.givenUpLossPerSecond),
    recomputedTokens: total((part) => part.recomputedTokens),
    recomputedWithCopy: total((part) => part.recomputedWithCopy ?? 0),
    copiesAheadUsed: total((part) => part.copiesAheadUsed),
    copiesAheadWasted: total((part) => part.copiesAheadWasted),
    waitsForCopy: total((part) => part.waitsForCopy),
    ...(lifetimeSeconds !== null && { lifetimeSeconds }),
    ...(idleSeconds !== null && { idleSeconds }),
    ...(reuseGapSeconds !== null && { reuseGapSeconds }),
  };
}

/** Memories of one name count as one; what a block costs there is their mean. */
function addTiers(parts: readonly KvTierSnapshot[]): readonly KvTierSnapshot[] {
  const names = [...new Set(parts.map(({ name }) => name))];
  return names.map((name) => {
    const same = parts.filter((part) => part.name === name);
    const total = (value: (part: KvTierSnapshot) => number): number => sum(same.map(value));
    return {
      name,
      slotsTotal: total((part) => part.slotsTotal),
      slotsUsed: total((part) => part.slotsUsed),
      secondsPerBlock: total((part) => part.secondsPerBlock) / same.length,
      restoredTokens: total((part) => part.restoredTokens),
      restoredBlocks: total((part) => part.restoredBlocks),
      storedBlocks: total((part) => part.storedBlocks),
      failedStores: total((part) => part.failedStores),
      failedRestores: total((part) => part.failedRestores),
      evictedBlocks: total((part) => part.evictedBlocks),
      givenUpLossSeconds: total((part) => part.givenUpLossSeconds),
      givenUpLossPerSecond: total((part) => part.givenUpLossPerSecond),
    };
  });
}

/** Over those who count it; null when nobody does, or not alike. */
function sumOf<T>(
  parts: readonly T[],
  histogram: (part: T) => HistogramCounts | undefined,
): HistogramCounts | null {
  return addHistograms(parts.map(histogram).filter((each) => each !== undefined));
}

function listOf<T>(
  snapshots: readonly ServiceSnapshot[],
  part: (snapshot: ServiceSnapshot) => T | undefined,
): readonly T[] {
  return snapshots.flatMap((snapshot) => {
    const value = part(snapshot);
    return value === undefined ? [] : [value];
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function least(values: readonly number[]): number {
  return values.length === 0 ? 0 : Math.min(...values);
}
