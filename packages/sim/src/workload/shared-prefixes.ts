// Prefixes that are shared on purpose: SGLang's generated-shared-prefix workload, and traces whose
// publishers took the content out.

import { defined, Random } from "@loci/core";
import { shuffled } from "./generators.ts";
import { partName, promptOf } from "./prompt-parts.ts";
import { ZipfRanks } from "./random-sizes.ts";
import type { SimRequest } from "./sim-request.ts";

export interface GroupedPrompts {
  readonly groups: number;
  readonly promptsPerGroup: number;
  readonly systemTokens: number;
  readonly questionTokens: number;
  readonly answerTokens: number;
}

/** SGLang's defaults: 64 system prompts of 2,048 tokens with 16 questions each. */
export const groupedPromptsDefault: GroupedPrompts = {
  groups: 64,
  promptsPerGroup: 16,
  systemTokens: 2048,
  questionTokens: 128,
  answerTokens: 256,
};

const kinds = { system: 11, question: 12, prefix: 13, own: 14 } as const;

/** Every question of every group once, in a random order; all at time 0. */
export function groupedRequests(sizes: GroupedPrompts, seed: number): SimRequest[] {
  const { groups, promptsPerGroup, systemTokens, questionTokens, answerTokens } = sizes;
  const order = shuffled(new Random(seed), groups * promptsPerGroup);
  return order.map((number): SimRequest => {
    const group = Math.floor(number / promptsPerGroup);
    const prompt = promptOf([
      { name: partName(kinds.system, group), tokens: systemTokens },
      { name: partName(kinds.question, number), tokens: questionTokens },
    ]);
    return {
      arrivalMs: 0,
      prompt,
      answerTokens,
      maxTokens: answerTokens,
      ignoresEnd: true,
      tenant: "default",
      userText: null,
      cancelAfterMs: null,
    };
  });
}

export interface SharingOptions {
  /** Things that prompts begin with: repositories, say. Popular ones more often (Zipf, 1.1). */
  readonly groups: number;
  /** Share of each prompt that it has from its group. */
  readonly sharedShare: number;
  readonly seed: number;
}

const zipfExponent = 1.1;

/** The requests of a trace without content, each beginning like others of its group. */
export function withSharedPrefixes(
  requests: readonly SimRequest[],
  { groups, sharedShare, seed }: SharingOptions,
): SimRequest[] {
  const random = new Random(seed);
  const ranks = new ZipfRanks(groups, zipfExponent);
  return requests.map((request, index): SimRequest => {
    const group = ranks.draw(random);
    const { tokens } = request.prompt;
    const shared = Math.floor(tokens * sharedShare);
    const prompt = promptOf([
      { name: partName(kinds.prefix, group), tokens: shared },
      { name: partName(kinds.own, index), tokens: Math.max(1, tokens - shared) },
    ]);
    return { ...request, prompt };
  });
}

/** Requests one after the other from `requests`, from the start again when there are no more. */
export function repeated(requests: readonly SimRequest[], count: number): SimRequest[] {
  return Array.from({ length: count }, (_, index) => defined(requests[index % requests.length]));
}
