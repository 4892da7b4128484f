// How much of the prompt work at a worker belongs to short prompts: tokens still to be computed, by
// the size of what each prompt lacks, in classes of half an octave.

import { assert } from "@loci/core";

const classesPerOctave = 2;
/** The last class takes all that is longer: 2^20 tokens and more. */
const classes = 20 * classesPerOctave + 1;

export class PromptSizes {
  readonly #tokens = new Float64Array(classes);

  /** A prompt that lacks so many tokens came (1) or is no longer so (-1). */
  count(tokens: number, sign: 1 | -1): void {
    if (tokens <= 0) return;
    const index = classOf(tokens);
    this.#tokens[index] = (this.#tokens[index] ?? 0) + sign * tokens;
  }

  /** Tokens that prompts lack which lack no more than so many each, or about as many. */
  tokensUpTo(tokens: number): number {
    const last = classOf(tokens);
    let sum = 0;
    for (let index = 0; index <= last; index++) sum += this.#tokens[index] ?? 0;
    return sum;
  }

  /** Of prompts that lack `sizes`, these are the counts. */
  checkIntegrity(sizes: readonly number[]): void {
    const naive = new Float64Array(classes);
    for (const tokens of sizes) {
      if (tokens <= 0) continue;
      const index = classOf(tokens);
      naive[index] = (naive[index] ?? 0) + tokens;
    }
    assert(
      naive.every((sum, index) => sum === this.#tokens[index]),
      "sizes are those of pending prompts",
    );
  }
}

function classOf(tokens: number): number {
  return Math.min(classes - 1, Math.floor(classesPerOctave * Math.log2(Math.max(1, tokens))));
}
