// The Vercel AI SDK over its OpenAI-compatible provider: text as a stream, then an object of a
// given form. Run with `node examples/ai-sdk.ts`.

import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, jsonSchema, Output, streamText } from "ai";

const loci = createOpenAICompatible({
  name: "loci",
  baseURL: `${process.env["LOCI_URL"] ?? "http://127.0.0.1:9931"}/v1`,
  apiKey: process.env["LOCI_API_KEY"] ?? "none",
  includeUsage: true,
  // JSON schemas are enforced while the model writes.
  supportsStructuredOutputs: true,
});
const model = loci("loci-demo");

const { textStream, usage } = streamText({ model, prompt: "Tell me a short story." });
for await (const text of textStream) process.stdout.write(text);
const { inputTokens, outputTokens } = await usage;
console.log(`\n${inputTokens} tokens in, ${outputTokens} out`);

const { output } = await generateText({
  model,
  prompt: "Where do you live?",
  temperature: 0,
  output: Output.object({
    schema: jsonSchema<{ city: string; since: number }>({
      type: "object",
      properties: {
        city: { type: "string", maxLength: 20 },
        since: { type: "integer", minimum: 1900, maximum: 2100 },
      },
      required: ["city", "since"],
      additionalProperties: false,
    }),
  }),
});
console.log(`city: ${output.city}, since: ${output.since}`);
