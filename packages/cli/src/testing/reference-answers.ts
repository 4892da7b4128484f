// The greedy answers of the bundled model without server, cache or batch, with the logits behind
// every token: what answers of servers are compared with.

import { defined, greedySampling, systemClock } from "@loci/core";
import { bundledModelPath } from "@loci/host";
import { loadModel } from "@loci/model";

import { flipMargin, toleranceMax } from "../equivalence/compare-answers.ts";

export interface ReferenceAnswer {
  readonly tokens: readonly number[];
  /** Behind each token. */
  readonly logits: readonly Float32Array[];
}

const kvMemoryBytes = 16 * 1024 ** 2;
const blocksMax = 64;

export async function referenceAnswers(
  prompts: readonly (readonly number[])[],
  answerTokens: number,
): Promise<readonly ReferenceAnswer[]> {
  const path = bundledModelPath();
  const model = await loadModel({ path, clock: systemClock, threads: 1, kvMemoryBytes });
  const blockTable = Int32Array.from({ length: blocksMax }, (_, block) => block);
  const answers: ReferenceAnswer[] = [];
  for (const prompt of prompts) {
    const sample = { params: greedySampling, history: [], promptLength: 0, eosBanned: false };
    const known = [...prompt];
    const logits: Float32Array[] = [];
    for (let start = 0; logits.length < answerTokens;) {
      const tokens = Int32Array.from(known.slice(start));
      const slice = { requestId: "one", tokens, positionStart: start, blockTable, sample };
      const [row] = await model.runner.computeLogits({ copies: [], slices: [slice] });
      start = known.length;
      logits.push(defined(row));
      known.push(defined(row).indexOf(defined(row).reduce((a, b) => Math.max(a, b))));
    }
    answers.push({ tokens: known.slice(prompt.length), logits });
  }
  await model.close();
  return answers;
}

/**
 * The first token that is wrong, as a text; null when there is none. Where a batch of another shape
 * flips a token whose logit is that close to the best, what follows answers another text.
 */
export function findWrong(expected: ReferenceAnswer, tokens: readonly number[]): string | null {
  for (const [position, token] of tokens.entries()) {
    const wanted = defined(expected.tokens[position]);
    if (token === wanted) continue;
    const margin = flipMargin(defined(expected.logits[position]), wanted, token);
    if (margin <= toleranceMax) return null;
    return `token ${position} is ${token}, not ${wanted}, margin ${margin.toExponential(1)}`;
  }
  return null;
}
