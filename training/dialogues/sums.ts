// Small sums: plus, minus and times, with numbers a small model can know.

import type { Exchange } from "./dialogue-types.ts";
import { request, writtenNumber } from "./phrasing.ts";
import type { SeededRandom } from "./seeded-random.ts";

type Operation = { sign: string; words: string; name: string; apply(a: number, b: number): number };

const PLUS: Operation = { sign: "+", words: "plus", name: "plus", apply: (a, b) => a + b };
const MINUS: Operation = { sign: "-", words: "minus", name: "minus", apply: (a, b) => a - b };
const TIMES: Operation = { sign: "[*|x]", words: "times", name: "times", apply: (a, b) => a * b };

const ASKS = [
  "[What is|What's|Whats|How much is|Calculate|Compute|Tell me|Work out] {a} {o} {b}[?|?|]",
  "[|What is |How much is ]{a} {s} {b}[?|| =]",
  "{a}{s}{b}[?|=|]",
  "[Can you tell me|Do you know] what {a} {o} {b} is?",
];

function operands(random: SeededRandom, operation: Operation): [number, number] {
  if (operation === TIMES) return [random.between(0, 5), random.between(0, 5)];
  const first = random.between(0, 10);
  const second = random.between(0, 10);
  return operation === MINUS ? [Math.max(first, second), Math.min(first, second)] : [first, second];
}

export function sumExchange(random: SeededRandom): Exchange {
  const operation = random.pick([PLUS, PLUS, MINUS, TIMES]);
  const [first, second] = operands(random, operation);
  const result = String(operation.apply(first, second));
  const asks = ASKS.map((ask) =>
    ask.replace("{o}", operation.words).replace("{s}", operation.sign),
  );
  const inWords = random.chance(0.12) ? 1 : 0;
  const a = writtenNumber(random, first, inWords);
  const b = writtenNumber(random, second, inWords);
  return {
    skill: "sums",
    user: request(random, asks, { a, b }),
    assistant: `${String(first)} ${operation.name} ${String(second)} is ${result}.`,
    weight: 2,
    accepts: (answer) => (answer.match(/\d+/g) ?? []).at(-1) === result,
  };
}
