// A device without a model: it answers every request with the tokens that its workload says, and
// says how long that would have taken.

import { assert, defined, prefillLoad } from "@loci/core";
import type {
  Runner,
  RunnerLimits,
  SampledToken,
  StepBatch,
  StepResult,
  TokenText,
} from "@loci/engine";
import type { CostModel, StepWork } from "../cost/cost-model.ts";
import { answerToken, endTokenId } from "../workload/prompt-tokens.ts";

/** What the model would answer to one request. */
export interface PlannedAnswer {
  /** Tokens, the end token included. */
  readonly tokens: number;
  readonly seed: number;
}

const noBytes = new Uint8Array(0);

export class CostRunner implements Runner, TokenText {
  readonly limits: RunnerLimits;
  readonly #cost: CostModel;
  readonly #answers = new Map<string, PlannedAnswer>();

  constructor(limits: RunnerLimits, cost: CostModel) {
    this.limits = limits;
    this.#cost = cost;
  }

  /** Says how a request will be answered; before it is submitted. */
  plan(requestId: string, answer: PlannedAnswer): void {
    assert(answer.tokens >= 1, "an answer has its end");
    this.#answers.set(requestId, answer);
  }

  /** See Runner. */
  execute(batch: StepBatch): Promise<StepResult> {
    return Promise.resolve(this.run(batch));
  }

  /** `execute` without the promise. */
  run(batch: StepBatch): StepResult {
    const samples: SampledToken[] = [];
    for (const { sample, requestId, positionStart, tokens } of batch.slices) {
      if (sample === null) continue;
      const answered = positionStart + tokens.length - sample.promptLength;
      const tokenId = this.#answerOf(requestId, answered, sample.eosBanned);
      samples.push({ tokenId, logprobs: null, grammarEnded: false });
    }
    return { samples, durationMs: 1000 * this.#cost.stepSeconds(workOf(batch)) };
  }

  /** See Runner. */
  release(requestId: string): void {
    this.#answers.delete(requestId);
  }

  /** See TokenText: simulated tokens have no text. */
  tokenBytes(): Uint8Array {
    return noBytes;
  }

  /** See TokenText. */
  isEndOfGeneration(tokenId: number): boolean {
    return tokenId === endTokenId;
  }

  #answerOf(requestId: string, answered: number, isEndBanned: boolean): number {
    const answer = defined(this.#answers.get(requestId), "every request's answer is planned");
    if (answered + 1 >= answer.tokens && !isEndBanned) return endTokenId;
    return answerToken(answer.seed, answered, this.limits.vocabularySize);
  }
}

/** What a batch asks of the device. */
export function workOf(batch: StepBatch): StepWork {
  let [tokens, attended, kvTokens] = [0, 0, 0];
  for (const slice of batch.slices) {
    const { length } = slice.tokens;
    tokens += length;
    attended +=
      length === 1 ? slice.positionStart + 1 : prefillLoad(length, slice.positionStart).attended;
    kvTokens += slice.positionStart + length;
  }
  return { tokens, attended, kvTokens, sequences: batch.slices.length };
}
