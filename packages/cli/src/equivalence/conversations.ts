// What is asked: conversations of two turns each. The first turn puts the history into the cache,
// the second is measured. All of one set share their beginning, as a system message would.

import { Random, defined } from "@loci/core";
import type { ChatMessage } from "@loci/core";
import type { LoadedModel } from "@loci/model";

export interface Conversation {
  readonly history: Int32Array;
  /** Begins with `history`. */
  readonly prompt: Int32Array;
}

const system = "You are a small, friendly demonstration model. Answer briefly and honestly.";
const names = ["Ada", "Ben", "Clara", "David", "Emma", "Felix", "Grace", "Hugo", "Ida", "Jonas"];
const things = ["colour", "number", "city", "animal", "fruit", "song", "book", "season"];
const values = ["green", "seven", "Lisbon", "fox", "plum", "river", "winter", "amber", "north"];
const requests = [
  "What is my name?",
  "Count from one to nine.",
  "Tell me a short story.",
  "Spell the word planet.",
  "What is 4 plus 5?",
  "List three fruits.",
  "Who are you?",
  "Reverse the word lamp.",
];
const replies = [
  "Good to know! I will remember that.",
  "All right, thank you for telling me.",
  "Noted. What else would you like to talk about?",
  "Nice! Ask me about it whenever you like.",
];

/** Chats as the bundled model was made for: facts are told, something is asked. */
export async function chatConversations(
  { codec }: LoadedModel,
  count: number,
  seed: number,
): Promise<Conversation[]> {
  const random = new Random(seed);
  const conversations: Conversation[] = [];
  for (let index = 0; index < count; index++) {
    const told = chatMessages(random, index);
    const asked = [...told, { role: "user", content: pick(random, requests) }];
    const render = (messages: readonly ChatMessage[], addGenerationPrompt: boolean) =>
      codec.encodeChat({ messages, tools: null, templateVariables: {}, addGenerationPrompt });
    const history = await render(told, false);
    conversations.push({ history, prompt: await render(asked, true) });
  }
  return conversations;
}

/** Random tokens below `tokenEnd`, for models that know no language. */
export function randomConversations(tokenEnd: number, count: number, seed: number): Conversation[] {
  const random = new Random(seed);
  const draw = (length: number): number[] =>
    Array.from({ length }, () => random.integer(0, tokenEnd - 1));
  const shared = draw(20);
  return Array.from({ length: count }, () => {
    const history = [...shared, ...draw(random.integer(40, 200))];
    const prompt = [...history, ...draw(random.integer(1, 40))];
    return { history: Int32Array.from(history), prompt: Int32Array.from(prompt) };
  });
}

function chatMessages(random: Random, index: number): ChatMessage[] {
  const messages: ChatMessage[] = [{ role: "system", content: system }];
  const name = `${pick(random, names)} ${pick(random, names)}`;
  messages.push({ role: "user", content: `Hello, my name is ${name} and I am guest ${index}.` });
  messages.push({ role: "assistant", content: pick(random, replies) });
  for (let turn = random.integer(0, 4); turn > 0; turn--) {
    const fact = `My favourite ${pick(random, things)} is ${pick(random, values)}.`;
    messages.push({ role: "user", content: fact });
    messages.push({ role: "assistant", content: pick(random, replies) });
  }
  return messages;
}

function pick<T>(random: Random, choices: readonly T[]): T {
  return defined(choices[random.integer(0, choices.length - 1)]);
}
