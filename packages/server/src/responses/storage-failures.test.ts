// A store that has no room, or is not there for a moment: nothing is acknowledged that was not kept,
// and all is well again once the store is.

import { LociError } from "@loci/core";
import { openStore, type Store, type TurnStore } from "@loci/store";
import { expect, test } from "vitest";
import { namedEvents } from "../testing/sse-data.ts";
import { storeServer } from "../testing/store-server.ts";
import { at, listAt, textAt } from "../testing/json-path.ts";

const path = "/v1/responses";

class FailingTurns implements TurnStore {
  readonly #turns: TurnStore;
  /** Calls of these methods are refused. */
  readonly refused = new Set<keyof TurnStore>();
  /** The next call of these is carried out, and its answer lost. */
  readonly lost = new Set<keyof TurnStore>();

  constructor(turns: TurnStore) {
    this.#turns = turns;
  }

  begin(...given: Parameters<TurnStore["begin"]>): ReturnType<TurnStore["begin"]> {
    return this.#try("begin", () => this.#turns.begin(...given));
  }

  start(...given: Parameters<TurnStore["start"]>): ReturnType<TurnStore["start"]> {
    return this.#try("start", () => this.#turns.start(...given));
  }

  commit(...given: Parameters<TurnStore["commit"]>): ReturnType<TurnStore["commit"]> {
    return this.#try("commit", () => this.#turns.commit(...given));
  }

  async #try<T>(name: keyof TurnStore, run: () => Promise<T>): Promise<T> {
    if (this.lost.delete(name)) {
      await run();
      throw new LociError("storage_unavailable", "The connection was lost.");
    }
    if (!this.refused.has(name)) return run();
    throw new LociError("storage_full", "There is no room.");
  }
}

async function failingStore(): Promise<{ readonly store: Store; readonly turns: FailingTurns }> {
  const real = await openStore(":memory:");
  const turns = new FailingTurns(real.turns);
  const { conversations, items, responses, chatTurns, idempotency, erasures } = real;
  const store = {
    conversations,
    items,
    responses,
    chatTurns,
    idempotency,
    erasures,
    turns,
    purge: (...given: Parameters<Store["purge"]>) => real.purge(...given),
    checkIntegrity: () => real.checkIntegrity(),
    close: () => real.close(),
  };
  return { store, turns };
}

test("without room a turn is refused before anything is generated", async () => {
  const { store, turns } = await failingStore();
  await using server = await storeServer("hello", { store });
  turns.refused.add("begin");
  const { status, body } = await server.post(path, { input: "a" });
  expect(status).toBe(507);
  expect(at(body, "error.code")).toBe("storage_full");
  expect(server.service.requests).toHaveLength(0);
  expect((await server.post(path, { input: "a", store: false })).status).toBe(200);
  turns.refused.clear();
  expect((await server.post(path, { input: "a" })).status).toBe(200);
});

test.each([true, false])("an answer that cannot be kept fails (stream: %s)", async (stream) => {
  const { store, turns } = await failingStore();
  await using server = await storeServer("hello", { store });
  const conversation = textAt((await server.post("/v1/conversations", {})).body, "id");
  turns.refused.add("commit");
  const reply = await server.post(path, { input: "a", conversation, stream });
  const last = stream ? namedEvents(reply.text).at(-1) : null;
  expect(reply.status).toBe(stream ? 200 : 507);
  expect(last?.name).toBe(stream ? "response.failed" : undefined);
  server.checkIntegrity();
  // It is still open in the store, so the conversation is busy until that can be changed.
  const busy = await server.post(path, { input: "b", conversation });
  expect(at(busy.body, "error.code")).toBe("conversation_busy");
  turns.refused.clear();
  const next = await server.post(path, { input: "c", conversation });
  expect(next.status).toBe(200);
  const list = await server.get(`/v1/conversations/${conversation}/items?order=asc`);
  expect(listAt(list.body, "data").map((item) => at(item, "content.0.text"))).toEqual([
    "c",
    "hello",
  ]);
  server.checkIntegrity();
});

test.each(["begin", "commit"] as const)(
  "when the answer of %s is lost, the conversation goes on",
  async (name) => {
    const { store, turns } = await failingStore();
    await using server = await storeServer("hello", { store });
    const conversation = textAt((await server.post("/v1/conversations", {})).body, "id");
    turns.lost.add(name);
    const failed = await server.post(path, { input: "a", conversation });
    expect(failed.status).toBe(503);
    const next = await server.post(path, { input: "b", conversation });
    expect(next.status).toBe(200);
    server.checkIntegrity();
  },
);
