// Requests of a random world: prompts that share prefixes in every way, and every way to end.

import { defined, greedySampling } from "@loci/core";
import type { GenerationRequest, Random } from "@loci/core";

export interface RequestSource {
  readonly random: Random;
  /** Prompts and conversations so far; the new prompt joins them. */
  readonly histories: number[][];
  readonly contextTokensMax: number;
  readonly vocabularySize: number;
}

/** Earlier prompts that are remembered. */
const historiesMax = 64;

export function makeRequest(id: string, source: RequestSource): GenerationRequest {
  const { random, histories } = source;
  const prompt = makePrompt(source);
  histories.push(prompt);
  if (histories.length > historiesMax) histories.shift();
  const isOften = (): boolean => random.integer(0, 4) === 0;
  // A minimum with stop strings is tested where text is; here it would need a second text stream.
  const minTokens = isOften() ? random.integer(1, 3) : 0;
  const maxTokens = Math.max(minTokens, random.integer(1, 30));
  return {
    id,
    tenant: `tenant ${random.integer(0, 1)}`,
    promptTokens: Int32Array.from(prompt),
    maxTokens,
    minTokens,
    ignoreEos: isOften(),
    stop: minTokens === 0 && isOften() ? [`${random.integer(0, 9)}`] : [],
    stopTokenIds: isOften() ? [random.integer(0, source.vocabularySize - 1)] : [],
    sampling: { ...greedySampling, temperature: random.integer(0, 1), seed: random.integer(0, 3) },
    ...(isOften() && { sessionKey: `session ${random.integer(0, 3)}` }),
    ...(isOften() && { userText: "x".repeat(random.integer(0, 40)) }),
    ...(isOften() && { priority: random.integer(-1, 1) }),
    ...(isOften() && { firstTokenSecondsMax: random.next() }),
    ...(isOften() && { retainSeconds: random.integer(0, 2) }),
  };
}

/** A new prompt, or an earlier one cut, extended, or repeated. */
function makePrompt(source: RequestSource): number[] {
  const { random, histories, contextTokensMax, vocabularySize } = source;
  const isNew = histories.length === 0 || random.integer(0, 3) === 0;
  const base = isNew ? [] : defined(histories[random.integer(0, histories.length - 1)]);
  const kept = base.slice(0, random.integer(0, 1) === 0 ? base.length : random.integer(0, 40));
  const added = random.integer(kept.length === 0 ? 1 : 0, 12);
  const tokens = Array.from({ length: added }, () => random.integer(0, vocabularySize - 1));
  return [...kept, ...tokens].slice(0, contextTokensMax - 1);
}
