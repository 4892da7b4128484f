// The text side of a router that passes texts on: it has none.

import { LociError } from "@loci/core";
import type { TextCodec } from "@loci/core";

function refuse(): never {
  throw new LociError("not_supported", "This router knows no vocabulary.", {
    remedy: "Start it with --tokenizer and a GGUF file of the engines' model.",
  });
}

export const noVocabulary: TextCodec = {
  encodeChat: refuse,
  tokenize: refuse,
  detokenize: refuse,
  tokenBytes: refuse,
  grammarForSchema: refuse,
  checkGrammar: refuse,
};
