// Blocks are told apart by one number, the score of their last use (how many times likelier than
// average they return, as a logarithm), rounded to a class, so that what follows from it is
// computed once per class.

const scoreStep = 0.5;
const scoreMax = 8;

export const returnClasses: number = (2 * scoreMax) / scoreStep + 1;
/** Of score 0, and of blocks that no request is known to have used. */
export const neutralReturnClass: number = scoreMax / scoreStep;

export function returnClassOf(score: number): number {
  const rounded = Math.round(score / scoreStep) + neutralReturnClass;
  return Math.max(0, Math.min(returnClasses - 1, rounded));
}

export function scoreOfClass(returnClass: number): number {
  return (returnClass - neutralReturnClass) * scoreStep;
}
