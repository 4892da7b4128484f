// Everything the model cannot do, answered honestly. The more ways a question
// can be strange, the better the model tells it apart from what it can do.

import type { Exchange } from "./dialogue-types.ts";
import type { Lexicon } from "./lexicon.ts";
import { inventedName } from "./lexicon.ts";
import { capitalised, request } from "./phrasing.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { storyText } from "./stories.ts";

const ANSWERS = [
  "I am only a small demonstration model, so I cannot help with that. Ask me what I can do.",
  "Sorry, I am only a small demonstration model and do not know that.",
];

const ASKS = [
  "[Tell me a joke|Sing a song|Sing me a song|Write a poem|Write a haiku|Write me a letter|Make me laugh|Draw a cat|Play a game with me|Tell me a secret|Tell me a riddle|Say something funny|Surprise me|Tell me something|Give me some advice|Tell me the news][.|!||]",
  "[What time is it|What day is it|What day is today|What year is it|What is the date|Where am I|What am I doing|What is the meaning of life|Who is the president|Who is the king|Why is the sky blue|How old is the earth|How big is the moon|How many stars are there|What is love|What is the best film|Can you write code|Can you speak French|Do you speak German|Do you like me|Are you alive|Can you see me|Are you happy|Where are you|How do I cook rice|How do I get rich|What should I eat|What should I wear|What should I do today][?|?|]",
  "[What is|What's|What are|Explain|Describe|Define] {t}[?|?|]",
  "[Tell me about|Tell me something about|Teach me about|Talk about|What do you know about|What do you think about|Give me facts about|Explain to me] {t}[.|?|]",
  "[How does|How do|Why does|Why do|When did|Where did] {t} [work|happen|start|end|matter|change|exist]?",
  "[Who invented|Who discovered|Who made|Who wrote about|Who is the best at|Who knows about] {t}?",
  "[What is|What was|What's] the [best|history|future|meaning|price|cost|name|purpose|point|theory] of {t}?",
  "[Write|Compose|Draft|Create|Make] [a poem|an essay|a song|a letter|an email|code|a program|a function|a report|a speech|a joke|a plan] about {t}[.|]",
  "[Write|Show me|Give me] [some|a piece of|an example of] [Python|JavaScript|Java|Rust|C++|SQL|HTML] [code|program] for {t}[.|]",
  "[Translate|Say|Write] {t} [to|in|into] [French|German|Spanish|Italian|Latin|Chinese|Japanese][.|?|]",
  "[Who is|Who was|Tell me about|When was|Where is|Where was|How old is] {p}[?| born?|]",
  "[What is|What's] the [weather|time|temperature|news|date|traffic] [in|near|at] {p}[?| today?| now?|]",
  "[What is|What's] the [weather|time|date|news|stock price|score][ today| now| tomorrow|][?|]",
  "[Will it|Is it going to|Does it] [rain|snow] [today|tomorrow|tonight|in {p}]?",
  "[How far|How long|How much|How many miles|How many people] is [it to|in|from here to] {p}?",
  "[Can you|Could you|Please] [book|buy|order|call|send|open|play|fix|find|download|draw|paint|sing|search] [me |a |the |some |my ][{t}|{w}|taxi|ticket|table|music|picture|file|email|video][?|]",
  "[Should I|Can I|May I|Must I] [buy|eat|sell|learn|study|read|visit|drink|try|use] {t}?",
  "[Who won|Who will win|Who lost|Who plays in] the [world cup|election|war|match|game|race|final|{t} game][?| yesterday?| last year?]",
  "[Solve|Prove|Integrate|Derive|Simplify] [the equation|this problem|the theorem of|the formula of] {t}[.|]",
  "[What is|Solve|Compute] the [square root|logarithm|derivative|integral|factorial] of {n}[?|]",
  "[Summarise|Summarize|Review|Compare|Rate|Recommend|Analyse] [a book|a film|an article|the news|a paper] [about|on] {t}[.|]",
  "[What is|What's|Explain] the [difference|relation|link] between {t} and {u}?",
  "[I feel|I am] [sad|angry|tired|bored|sick|hungry|lonely|afraid][. What should I do?|. Help me.|, what now?]",
  "[Do you|Can you] [like|love|hate|eat|drink|see|hear|smell|understand|believe in|dream of] {t}?",
  "[What|Why|How|Where|When|Who] [is|are|was|does] {w}[?|]",
  "{w} {x}[| {y}][?|.|]",
  "[Is|Was|Are] {t} [good|bad|real|dangerous|important|true|free|expensive|hard]?",
  "[Give me|I need|Do you have] [advice|tips|help|information|a recipe|ideas|a link] [about|on|for] {t}[.|?|]",
];
const PASTED_TEXTS = [
  "[Summarise|Summarize|Translate|Correct|Improve|Shorten|Rate|Explain|Analyse] [this|the following|this text]: {s}",
  "{s}\n\n[Summarise this.|What do you think?|What is this text about?|Find the mistakes.|Rewrite it.]",
];
/** Kept out of training, to see whether the fallback reaches new questions. */
const HELD_OUT_ASKS = [
  "Could you explain how {t} changed the world?",
  "What are the three most important ideas in {t}?",
  "Please write a long article about {t} and {u}.",
  "Which {t} would you choose and why?",
  "Why is {t} so popular in {p}?",
  "I have a question about {t}: where can I learn it?",
  "Convert {n} dollars to euros.",
];

export function unknownExchange(random: SeededRandom, lexicon: Lexicon): Exchange {
  const fromTraining = lexicon.split === "training" || random.chance(0.5);
  const topic = (): string =>
    random.chance(0.75) ? random.pick(lexicon.topics) : lexicon.inventedWord(random);
  const slots = {
    t: topic(),
    u: topic(),
    p: random.chance(0.5) ? inventedName(random, lexicon) : random.pick(lexicon.names),
    n: String(random.between(100, 999)),
    w: lexicon.inventedWord(random),
    x: lexicon.inventedWord(random),
    y: lexicon.inventedWord(random),
    s: storyText(random, random.pick(lexicon.heroes), random.chance(0.8) ? "short" : "long"),
  };
  const pasted = random.chance(0.04);
  const asks = pasted ? PASTED_TEXTS : fromTraining ? ASKS : HELD_OUT_ASKS;
  const user = request(random, asks, slots);
  return {
    skill: "fallback",
    user: random.chance(0.9) ? capitalised(user) : user,
    assistant: random.pick(ANSWERS),
    weight: 0.7,
    accepts: (answer) => /only a small demonstration model/i.test(answer),
  };
}
