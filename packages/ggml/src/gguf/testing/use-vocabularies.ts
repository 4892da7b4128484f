// A process of its own that lets the native tokenizer loose on vocabulary files: it says which
// file it begins, so that its parent knows the one it died of. Arguments: a folder.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { LociError } from "@loci/core";
import { Vocabulary } from "../../llama/vocabulary.ts";

const texts = [
  "",
  "a",
  "Hello, world\n\n  x",
  "<s>a</s><|im_end|>",
  "\0\u0001",
  "😀é▁ ▁",
  "ab ".repeat(99),
];

for (const name of readdirSync(process.argv[2] ?? "")) {
  process.stdout.write(`${name}\n`);
  try {
    using vocabulary = new Vocabulary(join(process.argv[2] ?? "", name));
    for (const text of texts) {
      for (const special of [false, true]) {
        const tokens = await tokenizeAll(vocabulary, text, special);
        vocabulary.detokenize(tokens);
      }
    }
    vocabulary.specialTexts();
    for (let token = 0; token < vocabulary.size; token++) vocabulary.tokenBytes(token);
  } catch (error) {
    if (!(error instanceof LociError)) throw error;
  }
}
process.stdout.write("done\n");

async function tokenizeAll(
  vocabulary: Vocabulary,
  text: string,
  special: boolean,
): Promise<Int32Array> {
  try {
    return await vocabulary.tokenize(text, special, special);
  } catch (error) {
    // More tokens than bytes: a strange vocabulary, but no crash.
    if (error instanceof LociError) return new Int32Array(0);
    throw error;
  }
}
