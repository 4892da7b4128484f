// Preble's E2 as the paper has it (arXiv 2407.00023, algorithms 1 and 2): cost in seconds of the
// device = history of the window + what would be given up + the prompt's missing part.

import { promptSeconds } from "../../price/work-seconds.ts";
import { E2Base, missedTokens, pathOf, type E2Decision, type E2Worker } from "./e2-base.ts";

/** Of a worker whose answers are not known yet. */
const answerTokensBefore = 45;
/**
 * IMBAL_R has no published value. A worker counts as heavy in decoding when it spent more seconds on
 * answers than on prompts, and so many times more than the whole cluster did.
 */
const imbalance = 4;

export class E2 extends E2Base {
  readonly name = "e2";

  protected override exploited({ match, names, workers }: E2Decision): readonly number[] | null {
    for (const node of pathOf(match)) {
      const holders: number[] = [];
      for (const [index, { worker }] of workers.entries()) {
        if (node.isCachedOn(worker.slot)) holders.push(index);
      }
      if (holders.length === 0) continue;
      const cached = Math.min(match.blocks, node.blocksAbove + node.names.length);
      return names.length - cached < cached ? holders : null;
    }
    return null;
  }

  protected override loadSeconds(one: E2Worker, decision: E2Decision): number {
    return one.window.prefillSeconds + decodeSeconds(one, decision);
  }

  protected override addedSeconds(one: E2Worker, decision: E2Decision): number {
    const missed = missedTokens(one, decision);
    const prompt = promptSeconds(one.price, missed, decision.view.tokens.length);
    return prompt + this.#givenUpSeconds(one, missed, decision);
  }

  protected override wantsPrompts(decision: E2Decision): number | null {
    const { workers } = decision;
    let [prefill, decode] = [0, 0];
    for (const one of workers) {
      prefill += one.window.prefillSeconds;
      decode += decodeSeconds(one, decision);
    }
    if (prefill <= 0 || decode <= 0) return null;
    let heaviest: number | null = null;
    let ratioMax = Math.max(1, imbalance * (decode / prefill));
    for (const [index, one] of workers.entries()) {
      if (one.window.prefillSeconds <= 0) continue;
      const ratio = decodeSeconds(one, decision) / one.window.prefillSeconds;
      if (ratio <= ratioMax) continue;
      heaviest = index;
      ratioMax = ratio;
    }
    return heaviest;
  }

  /** M_i: what LRU would give up for the missing tokens, memory being full, by how often it is used. */
  #givenUpSeconds(
    { worker, window, price }: E2Worker,
    missed: number,
    decision: E2Decision,
  ): number {
    if (window.requests === 0) return 0;
    const used = new Set(pathOf(decision.match));
    const { blockTokens } = worker.facts;
    let left = missed;
    let seconds = 0;
    for (const node of this.forest.coldest(worker.slot)) {
      if (left <= 0) break;
      if (used.has(node)) continue;
      const tokens = Math.min(left, node.names.length * blockTokens);
      const above = node.blocksAbove * blockTokens;
      const share = node.requestsOn(worker.slot) / window.requests;
      seconds += share * promptSeconds(price, tokens, above + tokens);
      left -= tokens;
    }
    return seconds;
  }
}

/** DECODE(mean answer of the window), for every request of it. */
function decodeSeconds({ window }: E2Worker, decision: E2Decision): number {
  const tokens = window.answerTokensMean ?? answerTokensBefore;
  return window.requests * tokens * decision.decodeTokenSeconds;
}
