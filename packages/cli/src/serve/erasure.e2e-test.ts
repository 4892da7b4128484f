// Deleted conversations in a real server with memories below the device: after the deletion was
// acknowledged nothing of them is found, neither then nor after kill -9, nor in the files.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

import {
  blockTokens,
  ConversationCaller,
  isErased,
  sharedLength,
  whereabouts,
} from "../testing/conversation-caller.ts";
import { LociProcess } from "../testing/loci-process.ts";

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

test("a deleted conversation is in no memory and no file; others are", async () => {
  await using place = await home();
  let deleted: number[];
  let kept: number[];
  {
    await using loci = place.serve();
    const caller = new ConversationCaller(await loci.url());
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
    expect(isErased(place.kv, deleted, kept)).toBe(true);
    loci.kill("SIGKILL");
    await loci.ended;
  }
  await using loci = place.serve();
  const caller = new ConversationCaller(await loci.url());
  expect((await caller.explain(kept)).by_tier.disk).toBeGreaterThan(0);
  expect((await caller.explain(deleted)).known_tokens).toBeLessThanOrEqual(
    Math.ceil(sharedLength(deleted, kept) / blockTokens) * blockTokens,
  );
});

test("of a chain of responses the deleted end goes, what it went on from stays", async () => {
  await using place = await home();
  await using loci = place.serve();
  const caller = new ConversationCaller(await loci.url());
  const first = await caller.turn("My name is Ada and my favourite colour is green.", {});
  const second = await caller.turn(whereabouts, { previous_response_id: first.id });
  await caller.reachesDisk(place.kv, second.tokens);
  await caller.client.responses.delete(second.id);
  const known = (await caller.explain(second.tokens)).known_tokens;
  expect(known).toBeLessThanOrEqual(first.tokens.length);
  expect(known).toBeGreaterThanOrEqual(first.tokens.length - blockTokens);
  expect(isErased(place.kv, second.tokens, first.tokens)).toBe(true);
  await caller.client.responses.delete(first.id);
  expect((await caller.explain(first.tokens)).known_tokens).toBe(0);
});
