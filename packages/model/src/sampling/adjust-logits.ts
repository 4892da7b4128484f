// What changes logits before a token is chosen: bias, penalties and bans.

import type { SampleSpec } from "@loci/engine";
import { defined } from "@loci/core";
import type { TokenCounts } from "./token-counts.ts";

/** True when `adjustLogits` would change something. */
export function needsAdjustment(spec: SampleSpec): boolean {
  return spec.eosBanned || spec.params.logitBias.size > 0 || hasPenalties(spec);
}

export function hasPenalties({ params }: SampleSpec): boolean {
  return (
    params.repetitionPenalty !== 1 || params.presencePenalty !== 0 || params.frequencyPenalty !== 0
  );
}

/** Changes `logits` in place. `counts` must be up to date when the spec has penalties. */
export function adjustLogits(
  logits: Float32Array,
  spec: SampleSpec,
  counts: TokenCounts,
  endTokens: readonly number[],
): void {
  const { params } = spec;
  if (params.repetitionPenalty !== 1) {
    for (const token of counts.seen) {
      const logit = defined(logits[token]);
      logits[token] =
        logit > 0 ? logit / params.repetitionPenalty : logit * params.repetitionPenalty;
    }
  }
  if (params.presencePenalty !== 0 || params.frequencyPenalty !== 0) {
    for (const [token, count] of counts.answered) {
      logits[token] =
        defined(logits[token]) - params.presencePenalty - params.frequencyPenalty * count;
    }
  }
  for (const [token, bias] of params.logitBias) {
    if (token < logits.length) logits[token] = defined(logits[token]) + bias;
  }
  if (spec.eosBanned) for (const token of endTokens) logits[token] = -Infinity;
}
