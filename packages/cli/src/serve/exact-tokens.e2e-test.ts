// Sampled answers come in pieces that the tokeniser would not choose. Whatever was sampled, the next
// turn's prompt begins with exactly those tokens, by content alone or by a response's id.

import { expect, test } from "vitest";

import { LociProcess } from "../testing/loci-process.ts";

const questions = ["Hello!", "Who are you?", "Tell me a story.", "And then?"];
/** Hot enough that unusual pieces are sampled. */
const sampling = { temperature: 2, max_tokens: 40, return_token_ids: true };

interface ChatAnswer {
  readonly prompt_token_ids: readonly number[];
  readonly choices: readonly [
    {
      readonly message: { readonly role: "assistant"; readonly content: string };
      readonly token_ids: readonly number[];
    },
  ];
}

async function post<T>(url: string, path: string, body: object): Promise<T> {
  const headers = { "content-type": "application/json" };
  const reply = await fetch(`${url}${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  expect(reply.status).toBe(200);
  const json: T = JSON.parse(await reply.text());
  return json;
}

/** Control tokens have no text, so no history can tell of them. */
async function untilControl(url: string, tokens: readonly number[]): Promise<readonly number[]> {
  for (const [index, token] of tokens.entries()) {
    const { content } = await post<{ content: string }>(url, "/detokenize", { tokens: [token] });
    if (content === "") return tokens.slice(0, index);
  }
  return tokens;
}

interface Seen {
  turns: number;
  /** Turns whose history the tokeniser would have cut differently. */
  cutDifferently: number;
}

/** One chat; every prompt must begin with the last turn's own tokens, as long as it was text. */
async function chat(url: string, seed: number, seen: Seen): Promise<void> {
  const messages: object[] = [];
  let told: readonly number[] = [];
  for (const content of questions) {
    messages.push({ role: "user", content });
    const answer = await post<ChatAnswer>(url, "/v1/chat/completions", {
      messages,
      seed,
      ...sampling,
    });
    const [{ message, token_ids: tokens }] = answer.choices;
    expect(answer.prompt_token_ids.slice(0, told.length)).toEqual(told);
    const { tokens: retold } = await post<{ tokens: readonly number[] }>(url, "/tokenize", {
      messages,
    });
    if (retold.join() !== answer.prompt_token_ids.join()) seen.cutDifferently++;
    seen.turns++;
    // Half a character is no text that a client could send back.
    if (message.content.includes("\uFFFD")) return;
    told = [...answer.prompt_token_ids, ...(await untilControl(url, tokens))];
    messages.push(message);
  }
}

test("chats keep the tokens that were sampled", async () => {
  await using loci = new LociProcess(["serve", "--port", "0", "--kv-memory", "64MiB"]);
  const url = await loci.url();
  const seen: Seen = { turns: 0, cutDifferently: 0 };
  const seeds = Array.from({ length: 12 }, (_, index) => index + 1);
  await Promise.all(seeds.map((seed) => chat(url, seed, seen)));
  expect(seen.turns).toBeGreaterThan(24);
  // Otherwise this test would show nothing.
  expect(seen.cutDifferently).toBeGreaterThan(0);
});
