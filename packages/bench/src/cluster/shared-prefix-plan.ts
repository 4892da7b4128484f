// Generated shared prefixes (W-GSP): groups of prompts that begin with the same system prompt, each
// with a question of its own, in random order. One wave after the other brings new groups.

import { Random } from "@loci/core";
import type { ConversationPlan } from "../load/workload.ts";
import { RandomTokens, type TokenIds } from "../tiered/random-tokens.ts";

export interface SharedPrefixShape {
  readonly waves: number;
  readonly groups: number;
  readonly promptsPerGroup: number;
  readonly systemTokens: number;
  readonly questionTokens: number;
  readonly answerTokens: number;
}

/** SGLang's workload in its scaled form, four times over. */
export const sharedPrefixShape: SharedPrefixShape = {
  waves: 4,
  groups: 16,
  promptsPerGroup: 8,
  systemTokens: 256,
  questionTokens: 16,
  answerTokens: 32,
};

/** All requests at once, in the order in which they are to be sent. */
export function sharedPrefixPlan(
  shape: SharedPrefixShape,
  tokenIds: TokenIds,
  seed: number,
): readonly ConversationPlan[] {
  const tokens = new RandomTokens(tokenIds, seed);
  const random = new Random(seed + 1);
  const prompts = Array.from({ length: shape.waves }, () => {
    const wave = Array.from({ length: shape.groups }, () => {
      const system = tokens.draw(shape.systemTokens);
      return Array.from({ length: shape.promptsPerGroup }, () =>
        system.concat(tokens.draw(shape.questionTokens)),
      );
    }).flat();
    return shuffled(wave, random);
  }).flat();
  return prompts.map((prompt, index) => ({
    index,
    startMs: 0,
    messages: [prompt],
    answerTokens: shape.answerTokens,
    thinkMs: 0,
  }));
}

function shuffled<T>(values: readonly T[], random: Random): readonly T[] {
  return values
    .map((value): readonly [number, T] => [random.next(), value])
    .toSorted(([one], [other]) => one - other)
    .map(([, value]) => value);
}
