// A runner that keeps the logits behind every token of the requests it watches. The durations it
// reports are made up from the work of each step, so that the engine plans the same steps on every
// machine and finds any restore cheaper than computing.

import { assert } from "@loci/core";
import type {
  QuerySlice,
  Runner,
  RunnerLimits,
  SampledToken,
  StepBatch,
  StepResult,
} from "@loci/engine";
import type { LoadedModel } from "@loci/model";

/** A device slow enough that memory of any kind is faster. */
const stepMs = 1;
const tokenMs = 2;
/** So that a token at the end of a long sequence costs more than one at its beginning. */
const attendedMs = 0.02;

export class RecordingRunner implements Runner {
  readonly limits: RunnerLimits;
  readonly #model: LoadedModel;
  readonly #watched = new Map<string, Float32Array[]>();

  /** @param blockCount of the model's block pool, as many as the engine shall know of */
  constructor(model: LoadedModel, blockCount: number) {
    const { limits } = model.runner;
    assert(blockCount <= limits.blockCount, "no more blocks than there are");
    this.limits = { ...limits, blockCount };
    this.#model = model;
  }

  /** Keeps the logits of a request's answer tokens, in their order, in the array returned. */
  watch(requestId: string): readonly Float32Array[] {
    const logits: Float32Array[] = [];
    this.#watched.set(requestId, logits);
    return logits;
  }

  async execute(batch: StepBatch): Promise<StepResult> {
    const { runner, kvPool } = this.#model;
    const logits = await runner.computeLogits(batch);
    const durationMs = batch.slices.reduce((sum, slice) => sum + sliceMs(slice), stepMs);
    if (batch.gates?.some((gate) => kvPool.gates.hasFailed(gate)) === true) {
      return { samples: [], durationMs, restoreFailed: true };
    }
    const sampling = batch.slices.filter(({ sample }) => sample !== null);
    const samples = sampling.map(({ requestId }, index): SampledToken => {
      const row = logits[index];
      assert(row !== undefined, "every sampling slice has logits");
      this.#watched.get(requestId)?.push(row);
      return { tokenId: largest(row), logprobs: null, grammarEnded: false };
    });
    return { samples, durationMs };
  }

  release(requestId: string): void {
    this.#watched.delete(requestId);
    this.#model.runner.release(requestId);
  }
}

function sliceMs({ tokens: { length }, positionStart }: QuerySlice): number {
  return tokenMs * length + attendedMs * length * (positionStart + length / 2);
}

function largest(logits: Float32Array): number {
  let best = 0;
  for (let token = 1; token < logits.length; token++) {
    if ((logits[token] ?? -Infinity) > (logits[best] ?? -Infinity)) best = token;
  }
  return best;
}
