// The engine inside this program: no server, no further process. Several answers at once are batched
// by one scheduler, and a conversation finds its own past in the cache. Run with
// `node examples/library.ts`; name a GGUF file to use another model than the one that comes along.

import { createEngine } from "loci";

await using engine = await createEngine({ model: process.argv[2], kvMemory: "256MiB" });
console.log(`${engine.model.id}, ${engine.model.contextTokensMax} tokens of context`);

// One answer, token by token.
const question = [{ role: "user", content: "Hello, who are you?" }];
for await (const { text } of engine.generate({ messages: question, maxTokens: 60 })) {
  process.stdout.write(text);
}
process.stdout.write("\n");

// Many at once.
const prompts = ["One day", "In the morning", "My friend said"];
const answers = await Promise.all(
  prompts.map((prompt) => engine.complete({ prompt, maxTokens: 12, temperature: 0 })),
);
for (const [index, { text }] of answers.entries()) console.log(`${prompts[index]}${text} …`);

// A conversation, and another way that it could have gone.
const chat = await engine.conversation({ system: "You are friendly." });
await chat.ask("My favourite colour is green.", { temperature: 0 });
const branch = await chat.branch();
for (const turn of [chat, branch]) {
  const { text, usage } = await turn.ask("What is my favourite colour?", { temperature: 0 });
  console.log(`${text} (${usage.cachedTokens} of ${usage.promptTokens} tokens from the cache)`);
}
