// A streamed chat with OpenAI's official client. Start a server first: `npx loci serve`.
// Run with `node examples/openai-chat.ts`.

import { OpenAI } from "openai";

const client = new OpenAI({
  baseURL: `${process.env["LOCI_URL"] ?? "http://127.0.0.1:9931"}/v1`,
  apiKey: process.env["LOCI_API_KEY"] ?? "none",
});

const stream = await client.chat.completions.create({
  model: "loci-demo",
  messages: [{ role: "user", content: "Hello, who are you?" }],
  temperature: 0,
  stream: true,
  stream_options: { include_usage: true },
});
for await (const chunk of stream) {
  process.stdout.write(chunk.choices[0]?.delta.content ?? "");
  if (chunk.usage) {
    const { prompt_tokens, completion_tokens, prompt_tokens_details } = chunk.usage;
    const cached = prompt_tokens_details?.cached_tokens ?? 0;
    console.log(`\n${prompt_tokens} tokens in, ${cached} of them cached; ${completion_tokens} out`);
  }
}
