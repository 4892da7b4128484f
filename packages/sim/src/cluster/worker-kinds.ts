// The workers of the experiments: published devices with published models.

import { assert, defined } from "@loci/core";
import type { EngineOptions } from "@loci/engine";
import { defaultPredictor } from "@loci/predict";
import type { CostModel } from "../cost/cost-model.ts";
import { deviceShapes } from "../cost/devices.ts";
import { mockEngineCost, mockEngineSizes } from "../cost/mock-engine-cost.ts";
import { modelShapes } from "../cost/model-shapes.ts";
import { prebleContextTokens, PrebleCost, prebleKvTokens } from "../cost/preble-cost.ts";
import { kvTokensOn, RooflineCost } from "../cost/roofline-cost.ts";
import type { ServerParts } from "../run/sim-server.ts";
import type { SimRequest } from "../workload/sim-request.ts";

export interface WorkerKind {
  readonly cost: CostModel;
  readonly kvTokens: number;
  readonly blockTokens: number;
  readonly contextTokensMax: number;
  readonly stepTokensMax: number;
  readonly sequencesMax: number;
  /** A token's keys and values; and how fast they go from worker to worker. */
  readonly tokenBytes: number;
  readonly linkBytesPerSecond: number;
}

export const workerKindNames = ["a6000", "a100", "mock"] as const;

export type WorkerKindName = (typeof workerKindNames)[number];

/** Nothing is refused for the length of a queue: what waits too long shows in its time. */
const unbounded = Number.MAX_SAFE_INTEGER;
const vocabularySize = 32_000;
/** Both models: 32 layers with keys and values of 1,024 numbers in 16 bits. */
const tokenBytes = 131_072;
/** Ethernet at 25 and at 100 Gbit/s, at nine tenths of what it says. */
const [slowLink, fastLink] = [0.9 * 3.125e9, 0.9 * 12.5e9];

/** Mistral 7B on an A6000 as Preble has it, Llama 3.1 8B on an A100-80GB, the router projects' mock. */
export function workerKind(name: WorkerKindName): WorkerKind {
  const usual = {
    stepTokensMax: 2048,
    sequencesMax: 256,
    tokenBytes,
    linkBytesPerSecond: name === "a100" ? fastLink : slowLink,
  };
  if (name === "mock") {
    return { ...usual, ...mockEngineSizes, cost: mockEngineCost, contextTokensMax: 131_072 };
  }
  if (name === "a6000") {
    return {
      ...usual,
      cost: new PrebleCost(),
      kvTokens: prebleKvTokens,
      blockTokens: 64,
      contextTokensMax: prebleContextTokens,
    };
  }
  const shape = {
    device: defined(deviceShapes["a100-80"]),
    model: defined(modelShapes["llama3-8b"]),
  };
  return {
    ...usual,
    cost: new RooflineCost(shape),
    kvTokens: kvTokensOn(shape),
    blockTokens: 64,
    contextTokensMax: shape.model.contextTokensMax,
  };
}

/** What one server of a kind is made of. */
export function serverOf(kind: WorkerKind, options: Partial<EngineOptions> = {}): ServerParts {
  const { cost, kvTokens, blockTokens, contextTokensMax, stepTokensMax, sequencesMax } = kind;
  const blockCount = Math.floor(kvTokens / blockTokens);
  assert(blockCount >= 1, "there is room for a block");
  return {
    cost,
    limits: {
      blockTokens,
      blockCount,
      contextTokensMax,
      vocabularySize,
      stepTokensMax,
      // Gaps in cached prompts need slices of their own.
      stepSlicesMax: 2 * sequencesMax,
    },
    options: {
      sequencesMax,
      queueRequestsMax: unbounded,
      queueTokensMax: unbounded,
      ...options,
    },
  };
}

/** So many of them, each learning how long answers are, as a worker's process does. */
export function serversOf(server: ServerParts, count: number, seed: number): ServerParts[] {
  return Array.from({ length: count }, (_, index) => ({
    ...server,
    lengths: defaultPredictor({ seed: seed + index }),
  }));
}

/** What a block takes from worker to worker. */
export function blockSeconds({ blockTokens, tokenBytes: bytes, ...kind }: WorkerKind): number {
  return (blockTokens * bytes) / kind.linkBytesPerSecond;
}

/** Requests that decode together, for the price of a token. */
const usualBatch = 16;

/**
 * Seconds of a device that a request takes when nothing of it is cached: its prompt in steps of their
 * own, and of each step of decoding the share of one among sixteen.
 */
export function uncachedSeconds(kind: WorkerKind, { prompt, answerTokens }: SimRequest): number {
  const { cost, stepTokensMax } = kind;
  let seconds = 0;
  for (let start = 0; start < prompt.tokens; start += stepTokensMax) {
    const tokens = Math.min(stepTokensMax, prompt.tokens - start);
    const attended = tokens * (start + tokens / 2);
    seconds += cost.stepSeconds({ tokens, attended, kvTokens: start + tokens, sequences: 1 });
  }
  const step = cost.stepSeconds({
    tokens: usualBatch,
    attended: usualBatch * prompt.tokens,
    kvTokens: usualBatch * prompt.tokens,
    sequences: usualBatch,
  });
  return seconds + (answerTokens * step) / usualBatch;
}
