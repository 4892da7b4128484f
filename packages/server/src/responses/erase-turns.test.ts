// What is told to the cache when turns are deleted.

import type { CacheErasure, DeletedTokens } from "@loci/core";
import { expect, test } from "vitest";
import { cacheOwner } from "../generation-requests.ts";
import { Gate } from "../testing/scripted-service.ts";
import { answerTokens, storeServer, type StoreServer } from "../testing/store-server.ts";
import { at, listAt, textAt } from "../testing/json-path.ts";

const path = "/v1/responses";
/** The tenant of requests without a key. */
const anyone = "public";

interface Erased {
  readonly owner: string;
  readonly tokens: readonly number[] | null;
  readonly sharedTokens: number;
}

class Erasures implements CacheErasure {
  readonly calls: Erased[] = [];

  eraseCached(owner: string, deleted: DeletedTokens | null): Promise<void> {
    const tokens = deleted === null ? null : Array.from(deleted.tokens);
    this.calls.push({ owner, tokens, sharedTokens: deleted?.sharedTokens ?? 0 });
    return Promise.resolve();
  }
}

interface Told {
  readonly id: string;
  readonly tokens: readonly unknown[];
}

async function turn(server: StoreServer, fields: object): Promise<Told> {
  const { body } = await server.post(path, { input: "hi", return_token_ids: true, ...fields });
  const tokens = [...listAt(body, "prompt_token_ids"), ...listAt(body, "token_ids")];
  return { id: textAt(body, "id"), tokens };
}

async function begun(server: StoreServer): Promise<string> {
  return textAt((await server.post("/v1/conversations", {})).body, "id");
}

test("a conversation's last turn stands for all before it", async () => {
  const erasure = new Erasures();
  await using server = await storeServer("hello", { erasure });
  const conversation = await begun(server);
  await turn(server, { conversation });
  const { tokens } = await turn(server, { conversation });
  expect(erasure.calls).toEqual([]);
  expect((await server.remove(`/v1/conversations/${conversation}`)).status).toBe(200);
  expect(erasure.calls).toEqual([{ owner: anyone, tokens, sharedTokens: 0 }]);
});

test("turns under a salt are erased where they were cached", async () => {
  const erasure = new Erasures();
  await using server = await storeServer("hello", { erasure });
  const conversation = await begun(server);
  const plain = await turn(server, { conversation });
  const salted = await turn(server, { conversation, cache_salt: "s" });
  // Nobody else has to know where that is.
  const shown = await server.get(`${path}/${salted.id}`);
  expect(shown.text).not.toContain("cacheOwner");
  await server.remove(`/v1/conversations/${conversation}`);
  expect(erasure.calls).toHaveLength(2);
  expect(erasure.calls).toContainEqual({ owner: anyone, tokens: plain.tokens, sharedTokens: 0 });
  const owner = cacheOwner(anyone, "s");
  expect(erasure.calls).toContainEqual({ owner, tokens: salted.tokens, sharedTokens: 0 });
});

test("of a chain only what no other response goes on from is erased", async () => {
  const erasure = new Erasures();
  await using server = await storeServer("hello", { erasure });
  const first = await turn(server, {});
  const second = await turn(server, { previous_response_id: first.id });
  await server.remove(`${path}/${first.id}`);
  const all = first.tokens.length;
  expect(erasure.calls).toEqual([{ owner: anyone, tokens: first.tokens, sharedTokens: all }]);
  await server.remove(`${path}/${second.id}`);
  expect(erasure.calls[1]).toEqual({ owner: anyone, tokens: second.tokens, sharedTokens: 0 });
});

test("a turn that was cut off is erased with its conversation", async () => {
  const erasure = new Erasures();
  const tokenGate = new Gate();
  const script = { tokens: answerTokens("hello"), tokenGate };
  await using server = await storeServer(() => script, { erasure });
  const body = { input: "a", background: true, conversation: await begun(server) };
  const id = textAt((await server.post(path, body)).body, "id");
  tokenGate.open(2);
  await server.service.until(() => server.service.generatedTokens === 2);
  await server.post(`${path}/${id}/cancel`, {});
  await server.remove(`/v1/conversations/${body.conversation}`);
  const prompt = Array.from(server.service.requests[0]?.promptTokens ?? []);
  const cut = [...prompt, ...answerTokens("hello").slice(0, 2)];
  expect(erasure.calls).toEqual([{ owner: anyone, tokens: cut, sharedTokens: 0 }]);
});

test("a turn under way is ended and erased", async () => {
  const erasure = new Erasures();
  const tokenGate = new Gate();
  const script = { tokens: answerTokens("hello"), tokenGate };
  await using server = await storeServer(() => script, { erasure });
  const conversation = await begun(server);
  const running = server.post(path, { input: "a", conversation });
  tokenGate.open(2);
  await server.service.until(() => server.service.generatedTokens === 2);
  await server.remove(`/v1/conversations/${conversation}`);
  expect(erasure.calls).toHaveLength(1);
  const prompt = Array.from(server.service.requests[0]?.promptTokens ?? []);
  expect(erasure.calls[0]?.tokens?.slice(0, prompt.length)).toEqual(prompt);
  expect(at((await running).body, "error")).toBeDefined();
  expect(server.service.live).toBe(0);
  server.checkIntegrity();
});
