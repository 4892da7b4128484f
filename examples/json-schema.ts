// An answer of a given form. The schema is enforced while the model writes, so the answer fits it
// whatever the model. Run with `node examples/json-schema.ts`.

import { OpenAI } from "openai";

const client = new OpenAI({
  baseURL: `${process.env["LOCI_URL"] ?? "http://127.0.0.1:9931"}/v1`,
  apiKey: process.env["LOCI_API_KEY"] ?? "none",
});

const completion = await client.chat.completions.create({
  model: "loci-demo",
  messages: [{ role: "user", content: "Invent a person." }],
  response_format: {
    type: "json_schema",
    json_schema: {
      name: "person",
      strict: true,
      schema: {
        type: "object",
        properties: {
          name: { type: "string", maxLength: 30 },
          age: { type: "integer", minimum: 0, maximum: 120 },
          likes: { type: "string", enum: ["tea", "coffee"] },
        },
        required: ["name", "age", "likes"],
        additionalProperties: false,
      },
    },
  },
});
const person: { name: string; age: number; likes: string } = JSON.parse(
  completion.choices[0]?.message.content ?? "",
);
console.log(`name: ${person.name}, age: ${person.age}, likes: ${person.likes}`);
