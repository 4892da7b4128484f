// Live views for tests: as small as they can be, or as large as the contract allows, always the same
// for the same arguments.

import type {
  Happening,
  LiveView,
  MemoryPlace,
  RequestView,
  SequenceStretch,
  SequenceView,
  ServiceSnapshot,
  ServiceView,
} from "@loci/core";

export function emptySnapshot(parts: Partial<ServiceSnapshot> = {}): ServiceSnapshot {
  return {
    requestsRunning: 0,
    requestsWaiting: 0,
    kvBlocksTotal: 100,
    kvBlocksFree: 100,
    kvBlocksCached: 0,
    kvBlockTokens: 32,
    promptTokens: 0,
    cachedTokens: 0,
    computedPromptTokens: 0,
    generatedTokens: 0,
    preemptions: 0,
    steps: 0,
    waitSecondsExpected: 0,
    ...parts,
  };
}

export function emptyView(parts: Partial<ServiceView> = {}): ServiceView {
  return {
    requests: [],
    requestsOmitted: 0,
    places: [],
    blockTokens: 32,
    forecasts: [],
    sequences: [],
    sequencesOmitted: 0,
    happenings: [],
    ...parts,
  };
}

export function liveView(parts: Partial<LiveView> = {}): LiveView {
  return {
    atMs: 1_000_000,
    uptimeSeconds: 10,
    version: "0.1.0",
    model: { id: "loci-demo", contextTokens: 2048 },
    service: emptySnapshot(),
    view: emptyView(),
    rates: { generatedPerSecond: 0, promptPerSecond: 0, cachedShare: null },
    conversations: {},
    ...parts,
  };
}

export function requestView(parts: Partial<RequestView> = {}): RequestView {
  return {
    id: "chatcmpl-1-0-0",
    tenant: "public",
    session: null,
    worker: null,
    phase: "decode",
    ageSeconds: 1,
    promptTokens: 100,
    cachedTokens: 40,
    computedTokens: 110,
    generatedTokens: 10,
    maxTokens: 512,
    predicted: { low: 5, median: 40, high: 90 },
    promisedTokens: 60,
    blocksHeld: 4,
    rescues: 0,
    ...parts,
  };
}

export function sequenceView(
  stretches: readonly SequenceStretch[],
  parts: Partial<SequenceView> = {},
): SequenceView {
  return {
    key: "s1",
    tenant: "public",
    session: null,
    worker: null,
    tokens: 32 * stretches.reduce((sum, { blocks }) => sum + blocks, 0),
    idleSeconds: 1,
    inUse: false,
    stretches,
    ...parts,
  };
}

export function happening(parts: Partial<Happening> = {}): Happening {
  return {
    sequence: 1,
    worker: null,
    agoSeconds: 0,
    kind: "copied",
    tier: "host",
    blocks: 3,
    reason: "copied ahead of need (in 4 ms)",
    tenant: null,
    requestId: null,
    ...parts,
  };
}

const phases = ["decode", "prefill", "restoring", "waiting"] as const;
const tiers = ["device", "host", "disk"] as const;
const kinds = ["copied", "restored", "dropped", "recomputed", "moved_in", "extended"] as const;

/**
 * As large as views get: 64 workers, 256 requests, 64 sequences of 64 stretches, 256 happenings.
 * `tick` moves it on by a second.
 */
export function largeView(tick: number): LiveView {
  const workers = Array.from({ length: 64 }, (_, index) => `worker-${index + 1}`);
  return liveView({
    atMs: 1_000_000 + tick * 1000,
    uptimeSeconds: 3600 + tick * 60,
    service: largeSnapshot(tick, workers),
    rates: { generatedPerSecond: 5200, promptPerSecond: 18_000, cachedShare: 0.74 },
    view: {
      requests: Array.from({ length: 256 }, (_, index) => largeRequest(tick, index)),
      requestsOmitted: 44,
      places: workers.flatMap((worker, index) => largePlaces(worker, index)),
      blockTokens: 32,
      forecasts: workers.map((worker, index) => ({
        worker,
        blocksTotal: 4096,
        points: Array.from({ length: 32 }, (_, point) => ({
          secondsAhead: point * 0.5,
          blocksMedian: 1000 + 20 * point + index,
          blocksHigh: 1000 + 60 * point + index,
        })),
      })),
      sequences: Array.from({ length: 64 }, (_, index) => largeSequence(tick, index)),
      sequencesOmitted: 9936,
      happenings: Array.from({ length: 256 }, (_, index) => ({
        ...happening(),
        sequence: tick * 16 + index,
        worker: `worker-${1 + (index % 4)}`,
        agoSeconds: (256 - index) / 16,
        kind: kinds[index % kinds.length] ?? "copied",
        tier: tiers[index % 3] ?? "device",
      })),
    },
  });
}

function largeRequest(tick: number, index: number): RequestView {
  const phase = phases[index % phases.length] ?? "decode";
  const generated = phase === "decode" ? (tick * 7 + index * 13) % 400 : 0;
  return requestView({
    id: `chatcmpl-${index}-0-0`,
    worker: `worker-${1 + (index % 64)}`,
    phase,
    ageSeconds: 1 + index / 10,
    promptTokens: 200 + index * 10,
    cachedTokens: 100 + index * 5,
    computedTokens: 150 + index * 8,
    generatedTokens: generated,
    predicted: { low: generated + 10, median: generated + 80, high: generated + 300 },
    promisedTokens: generated + 120,
    rescues: index % 50 === 0 ? 1 : 0,
  });
}

function largePlaces(worker: string, index: number): readonly MemoryPlace[] {
  return tiers.map((tier, level) => ({
    worker,
    tier,
    blocksTotal: 4096 * 2 ** level,
    blocksUsed: 1000 + index * 30,
    blocksHeld: level === 0 ? 500 + index * 10 : 0,
  }));
}

function largeSequence(tick: number, index: number): SequenceView {
  const places = ["device", "host", "disk", "missing"] as const;
  const stretches = Array.from({ length: 64 }, (_, at) => ({
    place: places[(at + index + (at % 8 === 0 ? tick : 0)) % places.length] ?? "device",
    blocks: 1 + (at % 5),
    shared: at < 8,
  }));
  return sequenceView(stretches, {
    key: `sequence-${index}`,
    session: `session${index}`,
    worker: `worker-${1 + (index % 64)}`,
    idleSeconds: index * 20,
    inUse: index < 6,
  });
}

function largeSnapshot(tick: number, workers: readonly string[]): ServiceSnapshot {
  return emptySnapshot({
    requestsRunning: 192,
    requestsWaiting: 64 + (tick % 7),
    kvBlocksTotal: 64 * 4096,
    kvBlocksFree: 64 * 1000,
    kvBlocksCached: 64 * 2000,
    promptTokens: 1_000_000 + tick * 50_000,
    cachedTokens: 700_000 + tick * 37_000,
    generatedTokens: 200_000 + tick * 5200,
    waitSecondsExpected: 1.4,
    lengths: { coverage: 0.91, answers: 48_211, drifts: 2 },
    rescues: {
      outgrown: 812,
      extended: 640,
      borrowed: 90,
      waited: 210,
      moved: 60,
      recomputed: 22,
      late: 3,
    },
    cluster: {
      workers: workers.map((id, index) => ({
        id,
        health: index === 13 ? "suspect" : "alive",
        requests: 4,
        requestsRunning: 3,
        requestsWaiting: 1,
        kvBlocksTotal: 4096,
        kvBlocksFree: 1000 + index * 20,
        loadSeconds: (index % 9) * 0.4,
        engine: index > 60 ? "vllm" : "loci",
      })),
      workersWanted: 58,
      placements: { cheapest: 9000, session_home: 22_000, rebalanced: 120 },
      retries: 4,
      moves: 11,
      quarantined: 0,
      workerDeaths: 2,
      promptTokens: 1_000_000 + tick * 50_000,
      hitTokens: {
        device: 500_000 + tick * 25_000,
        host: 150_000 + tick * 9000,
        disk: 50_000 + tick * 3000,
      },
    },
  });
}
