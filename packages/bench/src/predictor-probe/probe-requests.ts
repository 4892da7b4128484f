// Requests to the bundled model whose answers differ in length for reasons that stand in the request:
// how far to count, how many things to list, which word to spell, how long a story to tell. Each
// kind is asked for in several ways, some after a few earlier turns.

import { type ChatMessage, type Random, defined } from "@loci/core";

export interface ProbeRequest {
  readonly kind: string;
  readonly messages: readonly ChatMessage[];
}

interface Turn {
  readonly asked: string;
  /** As the model would say it; for turns that lie behind. */
  readonly answered: string;
}

type MakeTurn = (random: Random) => Turn;

const words = (
  "river candle button garden window basket silver pocket winter letter bridge forest travel " +
  "kitchen picture morning blanket village station thunder feather harvest journey market planet"
).split(" ");
const names = "Anna Tom Maria Peter Julia Simon Clara David Nina Oscar".split(" ");
const things = "animals fruits colours countries cities vegetables birds".split(" ");
const heroes = "fox rabbit dragon knight cat robot bear sailor girl wizard".split(" ");
const capitals = "France Germany Italy Spain Japan Egypt Norway Poland".split(" ");

function pick(random: Random, choices: readonly string[]): string {
  return defined(choices[random.integer(0, choices.length - 1)]);
}

function numbers(from: number, to: number): string {
  const step = from <= to ? 1 : -1;
  const count = Math.abs(to - from) + 1;
  return Array.from({ length: count }, (_, index) => String(from + step * index)).join(", ");
}

const counting: MakeTurn = (random) => {
  const from = random.integer(0, 60);
  const to = from + random.integer(3, 18);
  const up = random.integer(0, 3) > 0;
  const [first, last] = up ? [from, to] : [to, from];
  const asks = up
    ? ["Count from", "Please count from", "Can you count from", "Say the numbers from"]
    : ["Count down from", "Count backwards from"];
  return {
    asked: `${pick(random, asks)} ${first} to ${last}.`,
    answered: `${numbers(first, last)}.`,
  };
};

const listing: MakeTurn = (random) => {
  const asks = ["List", "Name", "Give me", "Tell me", "Can you list"];
  const asked = `${pick(random, asks)} ${random.integer(2, 11)} ${pick(random, things)}.`;
  return { asked, answered: "1. one\n2. two" };
};

const spelling: MakeTurn = (random) => {
  const word = pick(random, words);
  const asks = ["Spell", "Please spell", "Can you spell", "How do you spell"];
  return { asked: `${pick(random, asks)} ${word}.`, answered: `${word.split("").join("-")}.` };
};

const reversing: MakeTurn = (random) => {
  const word = pick(random, words).slice(0, 6);
  const spelled = word.split("").join("-");
  const backwards = word.split("").toReversed().join("-");
  const asks = ["Reverse", "Please reverse", "Turn around", "Can you reverse"];
  return {
    asked: `${pick(random, asks)} ${word}.`,
    answered: `${spelled} backwards is ${backwards}.`,
  };
};

const repeating: MakeTurn = (random) => {
  const said = Array.from({ length: random.integer(1, 6) }, () => pick(random, words)).join(" ");
  const asks = ["Repeat after me:", "Please repeat:", "Say this:", "Echo this:"];
  return { asked: `${pick(random, asks)} ${said}`, answered: `${said}.` };
};

const adding: MakeTurn = (random) => {
  const [first, second] = [random.integer(0, 9), random.integer(0, 9)];
  const asks = ["What is", "How much is", "Calculate"];
  const answered = `${first} plus ${second} is ${first + second}.`;
  return { asked: `${pick(random, asks)} ${first} plus ${second}?`, answered };
};

const telling: MakeTurn = (random) => {
  const name = pick(random, names);
  const asks = ["My name is", "I am called", "Call me"];
  const answered = `Nice to meet you! I will remember that your name is ${name}.`;
  return { asked: `${pick(random, asks)} ${name}.`, answered };
};

const recalling: MakeTurn = (random) => ({
  asked: pick(random, ["What is my name?", "Do you know my name?", "Who am I?"]),
  answered: "Your name is Anna.",
});

const greeting: MakeTurn = (random) => ({
  asked: pick(random, ["Hello!", "Hi there.", "Good morning!", "Who are you?", "What can you do?"]),
  answered: "Hello! I am loci's small demonstration model. How can I help you?",
});

const knowing: MakeTurn = (random) => ({
  asked: `What is the capital of ${pick(random, capitals)}?`,
  answered: "The capital of Sweden is Stockholm.",
});

function story(length: string): MakeTurn {
  return (random) => {
    const asks = ["Tell me", "Write", "Please tell me", "Can you tell me", "I would like"];
    const asked = `${pick(random, asks)} a${length} story about a ${pick(random, heroes)}.`;
    return { asked, answered: "Once upon a time there was a fox. The end." };
  };
}

const kinds: readonly (readonly [kind: string, make: MakeTurn])[] = [
  ["counting", counting],
  ["listing", listing],
  ["spelling", spelling],
  ["reversing", reversing],
  ["repeating", repeating],
  ["adding", adding],
  ["telling", telling],
  ["recalling", recalling],
  ["greeting", greeting],
  ["knowing", knowing],
  ["story, short", story(" short")],
  ["story", story("")],
  ["story, long", story(" long")],
  ["story, very long", story(" very long")],
];
/** What turns that lie behind are made of: short ones. */
const earlier: readonly MakeTurn[] = [telling, spelling, adding, repeating, counting];
const earlierTurnsMax = 2;

/** `count` requests, each kind as likely as any other; the same seed makes the same ones. */
export function probeRequests(count: number, random: Random): ProbeRequest[] {
  return Array.from({ length: count }, () => {
    const [kind, make] = defined(kinds[random.integer(0, kinds.length - 1)]);
    const messages: ChatMessage[] = [];
    for (let turns = random.integer(0, earlierTurnsMax); turns > 0; turns--) {
      const turn = defined(earlier[random.integer(0, earlier.length - 1)])(random);
      messages.push({ role: "user", content: turn.asked });
      messages.push({ role: "assistant", content: turn.answered });
    }
    messages.push({ role: "user", content: make(random).asked });
    return { kind, messages };
  });
}
