// The truth about lengths, for predictors that are allowed to know it: which prompt will be answered
// with how many tokens. Prompts are known by the very array of their tokens.

/** Filled by whoever makes the requests. */
export class AnswerBook {
  readonly #lengths = new WeakMap<Int32Array, number>();

  /** Says how long the answer to a prompt will be. */
  tell(promptTokens: Int32Array, answerTokens: number): void {
    this.#lengths.set(promptTokens, answerTokens);
  }

  /** Null for a prompt that it was not told of. */
  tokensOf(promptTokens: Int32Array): number | null {
    return this.#lengths.get(promptTokens) ?? null;
  }
}
