// Answers that are cut off and continued are, token for token, what they would have been at one
// stretch: with the real model, sampling, workers and store, also over a restart.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

import { LociProcess } from "../testing/loci-process.ts";

const sampling = { temperature: 1.5, seed: 7, return_token_ids: true };

interface Answer {
  readonly id: string;
  readonly status: string;
  readonly prompt_token_ids: readonly number[];
  readonly token_ids: readonly number[];
  readonly usage: { readonly input_tokens_details: { readonly cached_tokens: number } };
}

async function call<T>(url: string, path: string, body?: object): Promise<T> {
  const headers = { "content-type": "application/json" };
  const init = body && { method: "POST", headers, body: JSON.stringify(body) };
  const reply = await fetch(`${url}${path}`, init);
  const text = await reply.text();
  expect([reply.status, text]).toEqual([200, expect.any(String)]);
  const json: T = JSON.parse(text);
  return json;
}

async function conversation(url: string): Promise<string> {
  return (await call<{ id: string }>(url, "/v1/conversations", {})).id;
}

async function texts(url: string, id: string): Promise<readonly string[]> {
  const path = `/v1/conversations/${id}/items?order=asc`;
  const page = await call<{ data: readonly { content: readonly { text: string }[] }[] }>(url, path);
  return page.data.map(({ content }) => content.map(({ text }) => text).join(""));
}

test("what was cut off goes on as if it had not been", async () => {
  const folder = await mkdtemp(join(tmpdir(), "loci-resume-"));
  const words = ["serve", "--port", "0", "--kv-memory", "64MiB"];
  const store = ["--store", `sqlite:${join(folder, "store.db")}`];
  try {
    const whole = { input: "Tell me a story.", max_output_tokens: 40, ...sampling };
    let told: Answer;
    let cut: { readonly id: string; readonly conversation: string };
    {
      await using loci = new LociProcess([...words, ...store]);
      const url = await loci.url();
      const uncut = await conversation(url);
      told = await call<Answer>(url, "/v1/responses", { ...whole, conversation: uncut });
      const id = await conversation(url);
      const ask = { ...whole, conversation: id, max_output_tokens: 9 };
      const first = await call<Answer>(url, "/v1/responses", ask);
      expect(first.token_ids).toEqual(told.token_ids.slice(0, 9));
      const goOn = { continue_response: first.id, max_output_tokens: 13, ...sampling };
      const second = await call<Answer>(url, "/v1/responses", goOn);
      expect(second.token_ids).toEqual(told.token_ids.slice(0, 22));
      cut = { id: second.id, conversation: id };
    }
    await using loci = new LociProcess([...words, ...store]);
    const url = await loci.url();
    const goOn = { continue_response: cut.id, max_output_tokens: 18, ...sampling };
    const last = await call<Answer>(url, "/v1/responses", goOn);
    expect(last.prompt_token_ids).toEqual(told.prompt_token_ids);
    expect(last.token_ids).toEqual(told.token_ids);
    const [, answer] = await texts(url, cut.conversation);
    expect(answer).not.toBe("");
    const listed = await call<{ data: readonly { id: string; title: string }[] }>(
      url,
      "/v1/conversations?query=STORY",
    );
    expect(listed.data).toHaveLength(2);
    expect(listed.data.map(({ title }) => title)).toContain("Tell me a story.");
    const story = await call<{ id: string; phases: readonly object[] }>(
      url,
      `/loci/requests/${last.id}`,
    );
    expect(story.phases.length).toBeGreaterThan(0);
    const page = await fetch(`${url}/`);
    expect([page.status, page.headers.get("x-content-type-options")]).toEqual([200, "nosniff"]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
