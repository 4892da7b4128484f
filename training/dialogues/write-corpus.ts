// Command line: streams training dialogues as JSON lines to standard output.
// node training/dialogues/write-corpus.ts --seed 1 --count 1000 --from 1 --to 6 --recall 0.5 [--long-answers]

import { parseArgs } from "node:util";
import { composeDialogue } from "./compose-dialogue.ts";
import type { Lexicon } from "./lexicon.ts";
import { EVALUATION_LEXICON, TRAINING_LEXICON } from "./lexicon.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { createRandom } from "./seeded-random.ts";
import { systemText } from "./system-texts.ts";

type CorpusOptions = { recall: number; longAnswers: boolean; lexicon: Lexicon };

function dialogueLine(random: SeededRandom, exchanges: number, options: CorpusOptions): string {
  const dialogue = composeDialogue(random, options.lexicon, {
    exchanges,
    recallShare: options.recall,
    longAnswers: options.longAnswers,
  });
  const system = random.chance(0.12) ? systemText(random, options.lexicon) : undefined;
  const turns = dialogue.map((exchange) => [
    exchange.user,
    exchange.assistant,
    exchange.weight,
    exchange.skill,
  ]);
  return JSON.stringify({ system, turns });
}

function main(): void {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: "1" },
      count: { type: "string", default: "100" },
      from: { type: "string", default: "1" },
      to: { type: "string", default: "6" },
      recall: { type: "string", default: "0.5" },
      split: { type: "string", default: "training" },
      "long-answers": { type: "boolean", default: false },
    },
  });
  const random = createRandom(Number(values.seed));
  let buffer: string[] = [];
  const lexicon = values.split === "evaluation" ? EVALUATION_LEXICON : TRAINING_LEXICON;
  const options: CorpusOptions = {
    lexicon,
    recall: Number(values.recall),
    longAnswers: values["long-answers"],
  };
  for (let index = 0; index < Number(values.count); index += 1) {
    const exchanges = random.between(Number(values.from), Number(values.to));
    buffer.push(dialogueLine(random, exchanges, options));
    if (buffer.length === 1000) {
      process.stdout.write(`${buffer.join("\n")}\n`);
      buffer = [];
    }
  }
  if (buffer.length > 0) process.stdout.write(`${buffer.join("\n")}\n`);
}

main();
