// Deleted conversations in a real server with memories below the device: after the deletion was
// acknowledged nothing of them is found, neither then nor after kill -9, nor in the files.

import { readFileSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { OpenAI } from "openai";
import { expect, test } from "vitest";

import type { CacheExplanation } from "../cache/cache-client.ts";
import { LociProcess } from "../testing/loci-process.ts";

const model = "loci-demo";
const instructions = "You are the keeper of a lighthouse, patient and exact in all you say.";
const whereabouts =
  "I live in a small house at the end of the long road that leads from the harbour to the hill, " +
  "where the old mill stands, and I keep two goats and a cat. Where do I live, and with whom?";
const blockTokens = 32;

interface Home extends AsyncDisposable {
  readonly kv: string;
  serve(): LociProcess;
}

async function home(...words: readonly string[]): Promise<Home> {
  const folder = await mkdtemp(join(tmpdir(), "loci-erasure-"));
  const kv = join(folder, "kv");
  const store = ["--store", `sqlite:${join(folder, "conversations.sqlite")}`];
  const disk = ["--kv-disk-path", kv, "--kv-disk-free-floor", "0"];
  const memory = ["--kv-memory", "16MiB", "--kv-host-memory", "16MiB", "--threads", "1"];
  return {
    kv,
    serve: () => new LociProcess(["serve", "--port", "0", ...store, ...disk, ...memory, ...words]),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

class Caller {
  readonly #url: string;
  readonly #client: OpenAI;

  constructor(url: string) {
    this.#url = url;
    this.#client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
  }

  get client(): OpenAI {
    return this.#client;
  }

  /** One turn; returns its id and all of its tokens. */
  async turn(
    input: string,
    fields: { readonly conversation?: string; readonly previous_response_id?: string },
  ): Promise<{ readonly id: string; readonly tokens: number[] }> {
    const extension = { return_token_ids: true };
    const body = { model, instructions, input, temperature: 0, max_output_tokens: 40, ...fields };
    const response = await this.#client.responses.create({ ...body, ...extension });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an extension of ours
    const told = response as unknown as Record<"prompt_token_ids" | "token_ids", number[]>;
    return { id: response.id, tokens: [...told.prompt_token_ids, ...told.token_ids] };
  }

  async explain(tokens: readonly number[]): Promise<CacheExplanation> {
    const reply = await fetch(`${this.#url}/v1/cache/explain`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ tokens }),
    });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of the server's schemas
    return (await reply.json()) as CacheExplanation;
  }

  /** Resolves when all but the unfinished last block of `tokens` lie on disk. */
  async reachesDisk(kv: string, tokens: readonly number[]): Promise<void> {
    for (;;) {
      await this.explain(tokens);
      if (wholeBlocks(tokens).every((block) => onDisk(kv, block))) return;
    }
  }
}

function wholeBlocks(tokens: readonly number[]): number[][] {
  const count = Math.floor((tokens.length - 1) / blockTokens);
  return Array.from({ length: count }, (_, index) =>
    tokens.slice(index * blockTokens, (index + 1) * blockTokens),
  );
}

/** Whether the files name these tokens as a block's. */
function onDisk(kv: string, tokens: readonly number[]): boolean {
  const wanted = Buffer.from(Int32Array.from(tokens).buffer);
  const entries = readdirSync(kv, { recursive: true, withFileTypes: true });
  return entries.some((entry) => {
    if (!entry.name.endsWith(".kv")) return false;
    return readFileSync(join(entry.parentPath, entry.name)).includes(wanted);
  });
}

test("a deleted conversation is in no memory and no file; others are", async () => {
  await using place = await home();
  let deleted: number[];
  let kept: number[];
  {
    await using loci = place.serve();
    const caller = new Caller(await loci.url());
    const { conversations } = caller.client;
    const one = (await conversations.create({})).id;
    const two = (await conversations.create({})).id;
    await caller.turn("My name is Ada and my favourite colour is green.", { conversation: one });
    deleted = (await caller.turn(whereabouts, { conversation: one })).tokens;
    kept = (await caller.turn("Tell me of the storm last night.", { conversation: two })).tokens;
    for (const tokens of [deleted, kept]) await caller.reachesDisk(place.kv, tokens);
    await conversations.delete(one);
    const known = (await caller.explain(deleted)).known_tokens;
    // What both begin with stays.
    expect(known).toBeLessThanOrEqual(
      Math.ceil(sharedLength(deleted, kept) / blockTokens) * blockTokens,
    );
    expect((await caller.explain(kept)).known_tokens).toBeGreaterThanOrEqual(kept.length - 1);
    expectErased(place.kv, deleted, kept);
    loci.kill("SIGKILL");
    await loci.ended;
  }
  await using loci = place.serve();
  const caller = new Caller(await loci.url());
  expect((await caller.explain(kept)).by_tier.disk).toBeGreaterThan(0);
  expect((await caller.explain(deleted)).known_tokens).toBeLessThanOrEqual(
    Math.ceil(sharedLength(deleted, kept) / blockTokens) * blockTokens,
  );
});

test("of a chain of responses the deleted end goes, what it went on from stays", async () => {
  await using place = await home();
  await using loci = place.serve();
  const caller = new Caller(await loci.url());
  const first = await caller.turn("My name is Ada and my favourite colour is green.", {});
  const second = await caller.turn(whereabouts, { previous_response_id: first.id });
  await caller.reachesDisk(place.kv, second.tokens);
  await caller.client.responses.delete(second.id);
  const known = (await caller.explain(second.tokens)).known_tokens;
  expect(known).toBeLessThanOrEqual(first.tokens.length);
  expect(known).toBeGreaterThanOrEqual(first.tokens.length - blockTokens);
  expectErased(place.kv, second.tokens, first.tokens);
  await caller.client.responses.delete(first.id);
  expect((await caller.explain(first.tokens)).known_tokens).toBe(0);
});

/** No block with tokens of `deleted` that `kept` does not have, too. */
function expectErased(kv: string, deleted: readonly number[], kept: readonly number[]): void {
  const shared = Math.floor(sharedLength(deleted, kept) / blockTokens);
  const blocks = wholeBlocks(deleted);
  expect(blocks.length).toBeGreaterThan(shared);
  for (const block of blocks.slice(shared)) expect(onDisk(kv, block)).toBe(false);
}

function sharedLength(one: readonly number[], other: readonly number[]): number {
  const differs = one.findIndex((token, index) => token !== other[index]);
  return differs === -1 ? one.length : differs;
}
