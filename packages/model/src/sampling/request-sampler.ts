// The sampling state of one request: token counts for penalties and the state of its grammar.
// Both follow `history`, so a request that was preempted and recomputed continues where it was.
//
// A grammar is asked about as few tokens as possible, because asking about a whole vocabulary is
// slow: the free choice is tried first; only when the grammar refuses it are the likeliest tokens
// asked about, in growing numbers, and the choice made among those it allows.

import type { SampleSpec, SampledToken } from "@loci/engine";
import { LociError, type SamplingParams, assert, defined, uniformAt } from "@loci/core";
import { GrammarState, type Vocabulary } from "@loci/ggml";
import { adjustLogits, hasPenalties, needsAdjustment } from "./adjust-logits.ts";
import { argmax, chooseToken } from "./choose-token.ts";
import { tokenLogprobs } from "./logprobs.ts";
import { TokenCounts } from "./token-counts.ts";

/** Candidates within this many temperatures of the best are asked about when one is drawn. */
const grammarSpread = 30;

export class RequestSampler implements Disposable {
  readonly #vocabulary: Vocabulary;
  readonly #endTokens: readonly number[];
  readonly #counts = new TokenCounts();
  readonly #grammar: GrammarState | null;
  /** Answer tokens the grammar has stepped past. */
  #accepted = 0;
  #hasSampled = false;

  constructor(vocabulary: Vocabulary, endTokens: readonly number[], params: SamplingParams) {
    this.#vocabulary = vocabulary;
    this.#endTokens = endTokens;
    this.#grammar = params.grammar === null ? null : new GrammarState(vocabulary, params.grammar);
  }

  /**
   * Chooses the next token from the model's logits, which stay as they are. LociError invalid_request
   * when the answer began elsewhere, and not as the grammar wants it.
   */
  sample(logits: Float32Array, spec: SampleSpec): SampledToken {
    const { params } = spec;
    // The embedding may have more rows than the vocabulary has tokens.
    const raw = logits.subarray(0, Math.min(logits.length, this.#vocabulary.size));
    const adjusted = this.#adjust(raw, spec);
    const uniform = params.temperature === 0 ? 0 : uniformAt(params.seed, spec.history.length);
    this.#replayGrammar(spec);
    const free = chooseToken(adjusted, params, uniform);
    const chosen = this.#grammar === null ? free : this.#constrain(adjusted, spec, uniform, free);
    const tokenId = chosen ?? defined(this.#endTokens[0], "a model has an end token");
    return {
      tokenId,
      grammarEnded: chosen === null,
      logprobs:
        params.logprobsTop === null
          ? null
          : tokenLogprobs(raw, tokenId, params.logprobsTop, (token) =>
              this.#vocabulary.tokenBytes(token),
            ),
    };
  }

  [Symbol.dispose](): void {
    this.#grammar?.[Symbol.dispose]();
  }

  #adjust(raw: Float32Array, spec: SampleSpec): Float32Array {
    if (!needsAdjustment(spec)) return raw;
    if (hasPenalties(spec)) this.#counts.update(spec);
    const adjusted = raw.slice();
    adjustLogits(adjusted, spec, this.#counts, this.#endTokens);
    return adjusted;
  }

  /** Steps the grammar past the answer tokens it has not seen yet. */
  #replayGrammar(spec: SampleSpec): void {
    if (this.#grammar === null) return;
    const wereDelivered = !this.#hasSampled;
    this.#hasSampled = true;
    for (; spec.promptLength + this.#accepted < spec.history.length; this.#accepted++) {
      const token = defined(spec.history[spec.promptLength + this.#accepted]);
      if (this.#grammar.accept(token)) continue;
      assert(wereDelivered, "what was chosen here obeys its grammar");
      const place = this.#accepted;
      const problem = `The grammar does not allow token ${place} of those that were delivered.`;
      throw new LociError("invalid_request", problem, { param: "delivered_tokens" });
    }
  }

  /** `free` where the grammar allows it, else a choice among what it allows; null = nothing. */
  #constrain(logits: Float32Array, spec: SampleSpec, uniform: number, free: number): number | null {
    const grammar = defined(this.#grammar);
    const isPossible = (token: number): boolean => logits[token] !== -Infinity;
    if (isPossible(free) && grammar.allowed([free])[0] === 1) return free;
    const best = defined(logits[argmax(logits)]);
    const near = best - grammarSpread * Math.max(spec.params.temperature, 0.1);
    for (const threshold of [near, -Infinity]) {
      const masked = new Float32Array(logits.length).fill(-Infinity);
      const candidates = tokensAbove(logits, threshold);
      const allowed = grammar.allowed(candidates);
      let count = 0;
      for (const [index, token] of candidates.entries()) {
        if (allowed[index] !== 1) continue;
        masked[token] = defined(logits[token]);
        count++;
      }
      if (count > 0) return chooseToken(masked, spec.params, uniform);
    }
    return null;
  }
}

function tokensAbove(logits: Float32Array, threshold: number): number[] {
  const tokens: number[] = [];
  for (let token = 0; token < logits.length; token++) {
    const logit = logits[token] ?? -Infinity;
    if (logit > threshold && logit !== -Infinity) tokens.push(token);
  }
  return tokens;
}
