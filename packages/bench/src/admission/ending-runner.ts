// A runner whose answers have known lengths: everything is computed and sampled as always, but the
// model never ends an answer itself, and the token at an answer's length is replaced by the end.

import { assert } from "@loci/core";
import type { QuerySlice, Runner, RunnerLimits, StepBatch, StepResult } from "@loci/engine";

export interface EndingRunnerParts {
  readonly runner: Runner;
  /** A token that ends an answer. */
  readonly endTokenId: number;
  /** Tokens of a request's answer, the end included. */
  readonly answerTokens: (requestId: string) => number;
}

export class EndingRunner implements Runner {
  readonly limits: RunnerLimits;
  readonly #parts: EndingRunnerParts;

  constructor(parts: EndingRunnerParts) {
    this.limits = parts.runner.limits;
    this.#parts = parts;
  }

  async execute(batch: StepBatch): Promise<StepResult> {
    const { runner, endTokenId } = this.#parts;
    // Asked before the step: histories grow when it has ended.
    const ends = batch.slices.flatMap((slice) => this.#endsWith(slice));
    const result = await runner.execute({ ...batch, slices: batch.slices.map(endless) });
    if (result.restoreFailed === true) return result;
    assert(result.samples.length === ends.length, "each slice that asks has its sample");
    const samples = result.samples.map((sample, index) => {
      return ends[index] === true ? { ...sample, tokenId: endTokenId } : sample;
    });
    return { ...result, samples };
  }

  release(requestId: string): void {
    this.#parts.runner.release(requestId);
  }

  /** Whether the slice's sample is the last of its answer; nothing where it asks for none. */
  #endsWith({ requestId, sample }: QuerySlice): readonly boolean[] {
    if (sample === null) return [];
    const generated = sample.history.length - sample.promptLength;
    return [generated + 1 >= this.#parts.answerTokens(requestId)];
  }
}

function endless(slice: QuerySlice): QuerySlice {
  return slice.sample === null ? slice : { ...slice, sample: { ...slice.sample, eosBanned: true } };
}
