// Every bound on grammars in one place. llama.cpp's matcher keeps a list of stacks and copies
// them for each character, so what is bounded here is what it would otherwise do without end.
import { assert } from "@loci/core";

export const gbnfLimits = {
  /** Text of a client's grammar, UTF-16 units. */
  textUnitsMax: 65_536,
  /** Text of a grammar made here from a schema. */
  madeTextUnitsMax: 4_194_304,
  /** Rules after repetitions are written out. */
  rulesMax: 20_000,
  /** Elements after repetitions are written out, as llama.cpp stores them. */
  elementsMax: 65_536,
  /** The most repetitions of one element, and the product over nested ones: llama.cpp's bound. */
  repetitionsMax: 2000,
  /** Parentheses inside parentheses. */
  nestingMax: 64,
  nameUnitsMax: 128,
  /** Steps of llama.cpp's search for left recursion, which walks shared rules again and again. */
  leftmostStepsMax: 8_000_000,
  /** Rules that start with each other, one inside the next: that search recurses. */
  leftmostDepthMax: 4000,
  /** Positions in the grammar that one text may have reached at the same time. */
  stacksMax: 256,
  /** Paths through one token's characters to these positions. */
  pathsMax: 4096,
} as const;

assert(
  gbnfLimits.repetitionsMax < gbnfLimits.leftmostDepthMax,
  "a written-out repetition is no deep nesting",
);
