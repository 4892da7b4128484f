// LangChain.js over its OpenAI model: whole, streamed, and as an object of a given form.
// Run with `node examples/langchain.ts`.

import { ChatOpenAI } from "@langchain/openai";

const model = new ChatOpenAI({
  model: "loci-demo",
  temperature: 0,
  apiKey: process.env["LOCI_API_KEY"] ?? "none",
  configuration: { baseURL: `${process.env["LOCI_URL"] ?? "http://127.0.0.1:9931"}/v1` },
});

const answer = await model.invoke("Hello, who are you?");
console.log(answer.text);

for await (const chunk of await model.stream("Tell me a short story.")) {
  process.stdout.write(chunk.text);
}

const place = model.withStructuredOutput<{ city: string }>(
  {
    title: "place",
    type: "object",
    properties: { city: { type: "string", maxLength: 20 } },
    required: ["city"],
    additionalProperties: false,
  },
  { method: "jsonSchema", strict: true },
);
const { city } = await place.invoke("Where do you live?");
console.log(`\ncity: ${city}`);
