// The bundled model answers as its card says, asked with the official client over the API of a
// served process. The card's figures stand in models/scores.json as score.ts wrote them, over more
// cases than are asked here.

import { OpenAI } from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import recorded from "../models/scores.json" with { type: "json" };
import { LociProcess } from "../packages/cli/src/testing/loci-process.ts";
import { type EvaluationCase, evaluationCases } from "./dialogues/evaluation.ts";

/** Cases of each skill, and how far their share may lie below the recorded one by chance. */
const casesPerSkill = 20;
const slackPercent = 20;

let loci: LociProcess;
let client: OpenAI;
const cases = Map.groupBy(evaluationCases(901, casesPerSkill), ({ skill }) => skill);

beforeAll(async () => {
  loci = new LociProcess(["serve", "--port", "0", "--kv-memory", "256MiB"]);
  client = new OpenAI({ baseURL: `${await loci.url()}/v1`, apiKey: "none", maxRetries: 0 });
});
afterAll(() => loci[Symbol.asyncDispose]());

type ChatMessage = OpenAI.ChatCompletionMessageParam;

function asParam({ role, content }: EvaluationCase["messages"][number]): ChatMessage {
  if (role === "user") return { role, content };
  return role === "assistant" ? { role, content } : { role: "system", content };
}

async function answer({ messages }: EvaluationCase): Promise<string> {
  const completion = await client.chat.completions.create({
    model: "loci-demo",
    messages: messages.map(asParam),
    temperature: 0,
    max_tokens: 700,
  });
  return completion.choices[0]?.message.content ?? "";
}

describe("the bundled model", () => {
  test.each(recorded.scores)("$skill: $percent % on its card", async ({ skill, percent }) => {
    const asked = cases.get(skill) ?? [];
    expect(asked).toHaveLength(casesPerSkill);
    const answers = await Promise.all(asked.map((each) => answer(each)));
    const right = asked.filter((each, index) => each.accepts(answers[index] ?? "")).length;
    expect((100 * right) / asked.length).toBeGreaterThanOrEqual(percent - slackPercent);
  });
});
