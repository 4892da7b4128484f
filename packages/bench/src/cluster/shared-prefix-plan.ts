// Generated shared prefixes (W-GSP): groups of prompts that begin with the same system prompt, each
// with a question of its own, in random order. Groups come and go, so many of them in use at a time:
// a run has no start at which nothing is known of any of them.

import { Random } from "@loci/core";
import type { ConversationPlan } from "../load/workload.ts";
import { RandomTokens, type TokenIds } from "../tiered/random-tokens.ts";

export interface SharedPrefixShape {
  readonly groups: number;
  /** In use at the same time, about. */
  readonly groupsAtOnce: number;
  readonly promptsPerGroup: number;
  readonly systemTokens: number;
  readonly questionTokens: number;
  readonly answerTokens: number;
}

/** SGLang's workload in its scaled form, 16 groups of 8 prompts, going on for four times as long. */
export const sharedPrefixShape: SharedPrefixShape = {
  groups: 64,
  groupsAtOnce: 16,
  promptsPerGroup: 8,
  systemTokens: 256,
  questionTokens: 16,
  answerTokens: 32,
};

/** The form that ends in seconds. */
export const quickSharedPrefixShape: SharedPrefixShape = {
  ...sharedPrefixShape,
  groups: 8,
  groupsAtOnce: 6,
  promptsPerGroup: 4,
  answerTokens: 4,
};

interface Placed {
  readonly place: number;
  readonly prompt: readonly number[];
}

/** All requests at once, in the order in which they are to be sent. */
export function sharedPrefixPlan(
  shape: SharedPrefixShape,
  tokenIds: TokenIds,
  seed: number,
): readonly ConversationPlan[] {
  const tokens = new RandomTokens(tokenIds, seed);
  const random = new Random(seed + 1);
  const prompts = Array.from({ length: shape.groups }, (_group, group): readonly Placed[] => {
    const system = tokens.draw(shape.systemTokens);
    return Array.from({ length: shape.promptsPerGroup }, () => ({
      place: group + shape.groupsAtOnce * random.next(),
      prompt: system.concat(tokens.draw(shape.questionTokens)),
    }));
  });
  return prompts
    .flat()
    .toSorted((one, other) => one.place - other.place)
    .map(({ prompt }, index) => ({
      index,
      startMs: 0,
      messages: [prompt],
      answerTokens: shape.answerTokens,
      thinkMs: 0,
    }));
}
