// Tools: the model asks for a call, this program makes it and sends the result back. It needs a model
// whose chat template knows tools (`npx loci show MODEL` tells), such as Qwen2.5 or Qwen3.
// Run with `node examples/tools.ts`.

import { OpenAI } from "openai";

const client = new OpenAI({
  baseURL: `${process.env["LOCI_URL"] ?? "http://127.0.0.1:9931"}/v1`,
  apiKey: process.env["LOCI_API_KEY"] ?? "none",
});
const [served] = (await client.models.list()).data;
const model = served?.id ?? "";

const tools: OpenAI.ChatCompletionFunctionTool[] = [
  {
    type: "function",
    function: {
      name: "temperature",
      description: "The temperature at a place, in degrees Celsius",
      // The arguments always fit this schema: it is enforced while the model writes.
      strict: true,
      parameters: {
        type: "object",
        properties: { place: { type: "string", maxLength: 40 } },
        required: ["place"],
        additionalProperties: false,
      },
    },
  },
];
const messages: OpenAI.ChatCompletionMessageParam[] = [
  { role: "user", content: "How warm is it in Bern?" },
];

const first = await client.chat.completions.create({
  model,
  messages,
  tools,
  tool_choice: "required",
  parallel_tool_calls: false,
  max_tokens: 200,
});
const asked = first.choices[0]?.message;
if (asked === undefined) throw new Error("no answer");
messages.push(asked);
for (const call of asked.tool_calls ?? []) {
  if (call.type !== "function") continue;
  const { place }: { place: string } = JSON.parse(call.function.arguments);
  console.log(`asked for the temperature at: ${place}`);
  messages.push({ role: "tool", tool_call_id: call.id, content: "21" });
}

const last = await client.chat.completions.create({
  model,
  messages,
  tools,
  tool_choice: "none",
  max_tokens: 200,
});
console.log(last.choices[0]?.message.content);
