// A router before engines that know nothing of us: it only passes texts on, and still has its page
// and shows what it knows.

import { expect, test } from "vitest";

import { LociProcess } from "../testing/loci-process.ts";

interface Look {
  readonly service: { readonly cluster: { readonly workers: readonly { readonly id: string }[] } };
}

/** The first look of a stream. */
async function firstLook(url: string): Promise<Look> {
  const leave = new AbortController();
  const answer = await fetch(`${url}/loci/live`, { signal: leave.signal });
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of answer.body ?? []) {
    text += decoder.decode(bytes, { stream: true });
    if (text.includes("\n\n")) break;
  }
  leave.abort();
  const look: Look = JSON.parse(text.slice(text.indexOf("data: ") + "data: ".length));
  return look;
}

async function json(url: string): Promise<unknown> {
  const answer = await fetch(url);
  expect(answer.status).toBe(200);
  return answer.json();
}

test("a router that only passes on has its page and shows its work", async () => {
  const words = ["--port", "0", "--kv-memory", "64MiB", "--workers", "0", "--store", "none"];
  await using engine = new LociProcess(["serve", "--no-page", ...words]);
  const engineUrl = await engine.url();
  const before = ["--worker-url", engineUrl, "--worker-engine", "vllm"];
  await using router = new LociProcess(["router", "--port", "0", ...before]);
  const url = await router.url();
  expect((await fetch(`${engineUrl}/`)).status).toBe(404);
  const page = await fetch(`${url}/`);
  expect([page.status, page.headers.get("x-content-type-options")]).toEqual([200, "nosniff"]);
  const body = JSON.stringify({ prompt: "Hello", max_tokens: 4 });
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${url}/v1/completions`, { method: "POST", headers, body });
  expect(answer.status).toBe(200);
  await answer.text();
  expect((await firstLook(url)).service.cluster.workers).toHaveLength(1);
  expect(await json(`${url}/loci/placements`)).toMatchObject({
    data: [{ workerId: expect.any(String) as unknown }],
  });
  expect(await json(`${url}/loci/prefixes`)).toMatchObject({ data: expect.any(Array) as unknown });
});
