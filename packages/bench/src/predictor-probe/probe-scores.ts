// How good beliefs were, for each predictor and each moment of the answers, over the same answers:
// error of the median, rank agreement, and how often the middle 90 % held the length.

import { defined } from "@loci/core";
import { mean } from "../measure/statistics.ts";
import type { AnswerRecord, Belief } from "./compared-predictors.ts";
import { kendallTau } from "./kendall-tau.ts";

export interface ProbeScore {
  readonly predictor: string;
  /** Tokens that were there. */
  readonly generated: number;
  readonly answers: number;
  /** Mean of |median - length|, in tokens. */
  readonly error: number;
  readonly tau: number;
  /** Share of answers whose length lay in the middle 90 %. */
  readonly coverage: number;
}

/** Of answers that ended by themselves; cut ones have no length. */
export function scoreBeliefs(records: readonly AnswerRecord[]): ProbeScore[] {
  const groups = new Map<string, { belief: Belief; tokens: number }[]>();
  for (const { isCensored, tokens, beliefs } of records) {
    if (isCensored) continue;
    for (const belief of beliefs) {
      const key = `${belief.generated} ${belief.predictor}`;
      const group = groups.get(key) ?? [];
      group.push({ belief, tokens });
      groups.set(key, group);
    }
  }
  return [...groups.values()]
    .map((group): ProbeScore => {
      const { predictor, generated } = defined(group[0]).belief;
      const isHeld = ({ belief, tokens }: (typeof group)[number]): boolean =>
        tokens >= belief.low && tokens <= belief.high;
      return {
        predictor,
        generated,
        answers: group.length,
        error: mean(group.map(({ belief, tokens }) => Math.abs(belief.median - tokens))),
        tau: kendallTau(
          group.map(({ belief }) => belief.median),
          group.map(({ tokens }) => tokens),
        ),
        coverage: group.filter((each) => isHeld(each)).length / group.length,
      };
    })
    .toSorted((one, other) => one.generated - other.generated);
}
