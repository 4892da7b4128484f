// Stretches of a sequence's tokens, as they are handed to the index.

/** Tokens of a sequence; the first `end` are meant. */
export interface TokenView {
  readonly tokens: Int32Array;
  readonly end: number;
}

/** What a sequence that ends leaves to others. */
export interface KeptTokens extends TokenView {
  /** Of all its tokens, those that it was answered with; 0 when absent. */
  readonly answerTokens?: number;
}
