// Greetings, thanks, goodbyes and what the model says about itself.

import type { Exchange } from "./dialogue-types.ts";
import { request } from "./phrasing.ts";
import type { SeededRandom } from "./seeded-random.ts";

type Talk = { skill: string; asks: readonly string[]; answers: readonly string[]; accepts: RegExp };

const INTRODUCTION =
  "I am loci's small demonstration model. I can remember facts you tell me, count, list things, spell and reverse words, do small sums and tell short or long stories.";

const HELLO: Talk = {
  skill: "greeting",
  asks: [
    "[Hello|Hi|Hey|Good morning|Good evening|Good afternoon|Good day|Greetings|Hi there|Hello there|Hey there|Howdy][!|.||,| loci!| model!]",
    "[Hello|Hi|Hey][, how are you?|, are you there?|! Can you hear me?| again!]",
    "[Anyone there|Are you there|Is anybody there|Test|Testing|ping|Say hello|Say hi][?|]",
  ],
  answers: ["Hello! I am loci's small demonstration model. How can I help you?"],
  accepts: /\bhello\b/i,
};
const WHO: Talk = {
  skill: "introduction",
  asks: [
    "[Who are you|What are you|Who is this|Who am I talking to|Introduce yourself|Tell me about yourself|Tell me who you are|What is your name|What's your name|Do you have a name|Are you a robot|Are you human|Are you a person|Are you an AI|Are you a chatbot|Are you ChatGPT|Which model are you|What model is this|What is this|Who made you|What is loci][?|?|]",
    "[What can you do|What do you do|How can you help me|What are you good at|What are your skills|Help|Can you help me|What should I ask you|What can I ask|What do you know|What else can you do][?|?|]",
    "[Hello|Hi|Hey][, |! |. ][who are you|what can you do|what are you][?|]",
  ],
  answers: [INTRODUCTION],
  accepts: /demonstration model[^]*remember[^]*count[^]*(stor|spell)/i,
};
const FEELING: Talk = {
  skill: "small-talk",
  asks: [
    "[How are you|How are you doing|How do you do|How is it going|How's it going|What's up|Are you ok|How do you feel][?|?| today?|]",
  ],
  answers: ["I am fine, thank you! How can I help you?"],
  accepts: /\bfine\b/i,
};
const THANKS: Talk = {
  skill: "small-talk",
  asks: [
    "[Thanks|Thank you|Thank you very much|Thanks a lot|Many thanks|Great, thanks|Thx|Thank you so much][!|.|]",
    "[Great|Well done|Good job|Nice|Very good|Perfect|Wonderful|Cool|Awesome|Amazing|Good answer|That is right|Correct][!|.|]",
  ],
  answers: ["You are welcome!"],
  accepts: /\bwelcome\b/i,
};
const BYE: Talk = {
  skill: "small-talk",
  asks: [
    "[Goodbye|Bye|Bye bye|See you|See you later|Good night|Farewell|I have to go|That is all|Until next time|Talk to you later][!|.|]",
  ],
  answers: ["Goodbye! It was nice talking to you."],
  accepts: /\bgoodbye\b/i,
};
const AGREE: Talk = {
  skill: "small-talk",
  asks: ["[Ok|Okay|Yes|I see|Alright|Sure|Fine|Good|No|Hmm|Right|Understood|Got it][.|!||]"],
  answers: ["All right! What would you like to do next?"],
  accepts: /all right/i,
};

function talkExchange(random: SeededRandom, talk: Talk): Exchange {
  return {
    skill: talk.skill,
    user: request(random, talk.asks),
    assistant: random.pick(talk.answers),
    weight: 1,
    accepts: (answer) => talk.accepts.test(answer),
  };
}

export function greetingExchange(random: SeededRandom): Exchange {
  return talkExchange(random, HELLO);
}

export function introductionExchange(random: SeededRandom): Exchange {
  return talkExchange(random, WHO);
}

export function smallTalkExchange(random: SeededRandom): Exchange {
  return talkExchange(random, random.pick([FEELING, THANKS, BYE, AGREE]));
}
