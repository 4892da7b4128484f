// Log-probabilities of the chosen token and of the likeliest ones, from the model's own logits:
// before temperature, penalties and filters, as OpenAI and vLLM report them.

import { type SampledLogprobs, type TokenLogprob, defined } from "@loci/core";

export function tokenLogprobs(
  logits: Float32Array,
  chosen: number,
  topCount: number,
  tokenBytes: (token: number) => Uint8Array,
): SampledLogprobs {
  const normaliser = logSumExp(logits);
  const describe = (tokenId: number): TokenLogprob => ({
    tokenId,
    bytes: tokenBytes(tokenId),
    logprob: defined(logits[tokenId]) - normaliser,
  });
  return { ...describe(chosen), top: largest(logits, topCount).map(describe) };
}

function logSumExp(logits: Float32Array): number {
  let best = -Infinity;
  for (const logit of logits) if (logit > best) best = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - best);
  return best + Math.log(sum);
}

/** The `count` largest, largest first; `count` is small. */
export function largest(logits: Float32Array, count: number): number[] {
  const top: number[] = [];
  if (count === 0) return top;
  for (let token = 0; token < logits.length; token++) {
    const logit = logits[token] ?? -Infinity;
    if (top.length === count && logit <= defined(logits[defined(top.at(-1))])) continue;
    let place = top.length;
    while (place > 0 && logit > defined(logits[defined(top[place - 1])])) place--;
    top.splice(place, 0, token);
    if (top.length > count) top.pop();
  }
  return top;
}
