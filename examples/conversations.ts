// A conversation that the server keeps: each turn sends only what is new, and the prompt's cache is
// found again, also after a restart. Run with `node examples/conversations.ts`.

import { OpenAI } from "openai";

const client = new OpenAI({
  baseURL: `${process.env["LOCI_URL"] ?? "http://127.0.0.1:9931"}/v1`,
  apiKey: process.env["LOCI_API_KEY"] ?? "none",
});

const conversation = await client.conversations.create({ metadata: { title: "Colours" } });
for (const input of ["My favourite colour is green.", "What is my favourite colour?"]) {
  const response = await client.responses.create({
    model: "loci-demo",
    conversation: conversation.id,
    input,
    temperature: 0,
  });
  const cached = response.usage?.input_tokens_details.cached_tokens ?? 0;
  console.log(`> ${input}\n${response.output_text} (${cached} tokens from the cache)`);
}

let items = 0;
for await (const item of client.conversations.items.list(conversation.id)) {
  if (item.type === "message") items++;
}
console.log(`${items} messages are kept`);
await client.conversations.delete(conversation.id);
