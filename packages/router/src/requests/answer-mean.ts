// Mean length of recent answers: what is expected of one for want of a prediction.

/** Before the first has ended; and what a new one weighs in the mean. */
const tokensBefore = 200;
const weight = 0.02;

export class AnswerMean {
  #tokens = tokensBefore;

  get tokens(): number {
    return this.#tokens;
  }

  ended(tokens: number): void {
    this.#tokens += weight * (tokens - this.#tokens);
  }
}
