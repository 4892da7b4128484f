// Anthropic's official client: the Messages API, streamed, over the same model and cache.
// Run with `node examples/anthropic-messages.ts`.

import { Anthropic } from "@anthropic-ai/sdk";

const client = new Anthropic({
  baseURL: process.env["LOCI_URL"] ?? "http://127.0.0.1:9931",
  apiKey: process.env["LOCI_API_KEY"] ?? "none",
});

const stream = client.messages.stream({
  model: "loci-demo",
  max_tokens: 200,
  system: [
    // Asks to keep this part's cache for an hour.
    { type: "text", text: "You are friendly.", cache_control: { type: "ephemeral", ttl: "1h" } },
  ],
  messages: [{ role: "user", content: "Hello, who are you?" }],
});
stream.on("text", (text) => process.stdout.write(text));

const { stop_reason, usage } = await stream.finalMessage();
const { input_tokens, cache_read_input_tokens, cache_creation_input_tokens } = usage;
console.log(`\nended by ${stop_reason}; prompt tokens: ${cache_read_input_tokens} from the cache,`);
console.log(`${cache_creation_input_tokens} written to it, ${input_tokens} others`);
