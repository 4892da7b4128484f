// How much a forecast knew: 0 when the request came, 1 once a state after the prompt was seen, 2
// once tokens were. A forecast moves on when what it believes changes; each stage is judged and
// corrected on its own, since a belief that was good before may be poor after, and the other way
// round.

export const stageCount = 3;

export type Stage = 0 | 1 | 2;

/** The stage of a belief that changed when so many tokens were generated. */
export function stageAfter(generated: number): Stage {
  return generated === 0 ? 1 : 2;
}

/** Stage 2 is judged by its first belief from so many tokens on. */
export const judgedTokens = 8;
