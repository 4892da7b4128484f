// A conversation with the bundled model over kill -9: what was acknowledged is there, what was cut
// off is told as incomplete and is no history, and the next turn goes on as if nothing had been.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { assert } from "@loci/core";
import { OpenAI } from "openai";
import { expect, test } from "vitest";

import { LociProcess } from "../testing/loci-process.ts";

const model = "loci-demo";

interface Home extends AsyncDisposable {
  serve(): LociProcess;
}

async function home(): Promise<Home> {
  const folder = await mkdtemp(join(tmpdir(), "loci-durable-"));
  const store = `sqlite:${join(folder, "conversations.sqlite")}`;
  return {
    serve: () =>
      new LociProcess(["serve", "--port", "0", "--kv-memory", "64MiB", "--store", store]),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

async function clientOf(loci: LociProcess): Promise<OpenAI> {
  return new OpenAI({ baseURL: `${await loci.url()}/v1`, apiKey: "none", maxRetries: 0 });
}

async function kill(loci: LociProcess): Promise<void> {
  loci.kill("SIGKILL");
  await loci.ended;
}

/** What an extension of ours adds to a response. */
interface WithTokens {
  readonly prompt_token_ids: readonly number[];
  readonly token_ids: readonly number[];
  readonly fork?: object;
}

const tokenFields = { return_token_ids: true, temperature: 0, max_output_tokens: 24 } as const;

async function turn(
  client: OpenAI,
  fields: { readonly conversation?: string; readonly previous_response_id?: string },
  input: string,
): Promise<OpenAI.Responses.Response & WithTokens> {
  const body = { model, input, ...fields, ...tokenFields };
  const response = await client.responses.create(body);
  assert(hasTokens(response), "the server shows the tokens it is asked for");
  return response;
}

function hasTokens(
  response: OpenAI.Responses.Response,
): response is OpenAI.Responses.Response & WithTokens {
  return "prompt_token_ids" in response && "token_ids" in response;
}

function toldBy(response: WithTokens): readonly number[] {
  return [...response.prompt_token_ids, ...response.token_ids];
}

test("a conversation outlives kill -9, its half turn does not", async () => {
  await using place = await home();
  let conversation: string;
  let answer: OpenAI.Responses.Response & WithTokens;
  let halfId = "";
  {
    await using loci = place.serve();
    const client = await clientOf(loci);
    conversation = (await client.conversations.create({ metadata: { topic: "test" } })).id;
    await turn(client, { conversation }, "Hello!");
    answer = await turn(client, { conversation }, "Who are you?");
    const endless = { ignore_eos: true, max_output_tokens: 1500, stream: true } as const;
    const body = { model, conversation, input: "Never told", ...endless };
    const half = await client.responses.create(body);
    for await (const event of half) {
      if (event.type === "response.created") halfId = event.response.id;
      if (event.type === "response.output_text.delta") break;
    }
    await kill(loci);
  }
  await using loci = place.serve();
  const client = await clientOf(loci);
  expect((await client.conversations.retrieve(conversation)).metadata).toEqual({ topic: "test" });
  const half = await client.responses.retrieve(halfId);
  expect(half.status).toBe("incomplete");
  const texts: string[] = [];
  for await (const item of client.conversations.items.list(conversation, { order: "asc" })) {
    texts.push(item.type === "message" && "text" in item.content[0]! ? item.content[0].text : "");
  }
  expect(texts).toHaveLength(4);
  expect(texts).not.toContain("Never told");
  expect(texts[3]).toBe(answer.output_text);
  const next = await turn(client, { conversation }, "And what is this?");
  expect(next.prompt_token_ids.slice(0, toldBy(answer).length - 1)).toEqual(
    toldBy(answer).slice(0, -1),
  );
  expect(next.fork).toBeUndefined();
});

test("a chain of responses goes on after kill -9, token by token", async () => {
  await using place = await home();
  let first: OpenAI.Responses.Response & WithTokens;
  {
    await using loci = place.serve();
    first = await turn(await clientOf(loci), {}, "Hello!");
    await kill(loci);
  }
  await using loci = place.serve();
  const client = await clientOf(loci);
  const kept = await client.responses.retrieve(first.id);
  expect(kept.output_text).toBe(first.output_text);
  const next = await turn(client, { previous_response_id: first.id }, "Who are you?");
  const told = toldBy(first).slice(0, -1);
  expect(next.prompt_token_ids.slice(0, told.length)).toEqual(told);
});

test("a request under a key is answered again after kill -9, not executed again", async () => {
  await using place = await home();
  const body = { model, messages: [{ role: "user" as const, content: "Hello!" }], max_tokens: 8 };
  const options = { headers: { "idempotency-key": "k1" } };
  let first: OpenAI.Chat.ChatCompletion;
  {
    await using loci = place.serve();
    first = await (await clientOf(loci)).chat.completions.create(body, options);
    await kill(loci);
  }
  await using loci = place.serve();
  const again = await (await clientOf(loci)).chat.completions.create(body, options);
  expect(again.id).toBe(first.id);
  expect(again.choices).toEqual(first.choices);
});

test("a server with a store stops in order right after a request, every time", async () => {
  await using place = await home();
  for (let round = 0; round < 10; round++) {
    await using loci = place.serve();
    await turn(await clientOf(loci), {}, "Hello!");
    loci.kill("SIGTERM");
    expect(await loci.ended).toEqual({ code: 0, signal: null });
  }
});
