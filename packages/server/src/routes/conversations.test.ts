import { describe, expect, test } from "vitest";
import { Gate } from "../testing/scripted-service.ts";
import { answerTokens, storeServer, type StoreServer } from "../testing/store-server.ts";
import { RawConnection } from "../testing/raw-connection.ts";
import { at, listAt, textAt } from "../testing/json-path.ts";

const path = "/v1/conversations";
const user = (content: string): object => ({ role: "user", content });

async function begin(server: StoreServer, body: object = {}): Promise<string> {
  return textAt((await server.post(path, body)).body, "id");
}

async function texts(server: StoreServer, id: string): Promise<string[]> {
  const { body } = await server.get(`${path}/${id}/items?order=asc`);
  return listAt(body, "data").map((item) => textAt(item, "content.0.text"));
}

describe("/v1/conversations", () => {
  test("are created, read, changed and deleted", async () => {
    await using server = await storeServer();
    const { body } = await server.post(path, { metadata: { a: "1" }, items: [user("hi")] });
    expect(body).toMatchObject({ object: "conversation", metadata: { a: "1" } });
    expect(at(body, "id")).toMatch(/^conv_/);
    const one = `${path}/${textAt(body, "id")}`;
    expect((await server.get(one)).body).toEqual({
      ...Object(body),
      updated_at: at(body, "created_at"),
      title: "hi",
      items_count: 1,
      last_response: null,
    });
    const changed = await server.post(one, { metadata: { b: "2" } });
    expect(changed.body).toEqual({ ...Object(body), metadata: { b: "2" } });
    expect(at((await server.post(one, { metadata: null })).body, "metadata")).toEqual({});
    expect((await server.remove(one)).body).toEqual({
      id: at(body, "id"),
      object: "conversation.deleted",
      deleted: true,
    });
    expect((await server.get(one)).status).toBe(404);
    expect((await server.remove(one)).status).toBe(404);
    expect((await server.post(one, { metadata: {} })).status).toBe(404);
  });

  test("items are appended, listed in pages, read and deleted", async () => {
    await using server = await storeServer();
    const id = await begin(server, { items: [user("one")] });
    const items = `${path}/${id}/items`;
    const added = await server.post(items, { items: [user("two"), user("three")] });
    expect(at(added.body, "data")).toHaveLength(2);
    expect(await texts(server, id)).toEqual(["one", "two", "three"]);
    const page = await server.get(`${items}?limit=1&after=${textAt(added.body, "last_id")}`);
    expect(at(page.body, "data.0.id")).toBe(at(added.body, "first_id"));
    expect(at(page.body, "has_more")).toBe(true);
    const first = `${items}/${textAt(added.body, "first_id")}`;
    expect((await server.get(first)).body).toMatchObject({ content: [{ text: "two" }] });
    expect((await server.remove(first)).body).toMatchObject({ id, object: "conversation" });
    expect((await server.get(first)).status).toBe(404);
    expect((await server.remove(first)).status).toBe(404);
    expect(await texts(server, id)).toEqual(["one", "three"]);
    expect(at((await server.get(`${items}?after=nothing`)).body, "error.param")).toBe("after");
    expect((await server.get(`${path}/conv_0/items`)).status).toBe(404);
    expect((await server.post(`${path}/conv_0/items`, { items: [user("x")] })).status).toBe(404);
    expect((await server.get(`${items}?limit=0`)).status).toBe(400);
    expect((await server.get(`${items}?order=up`)).status).toBe(400);
    const refused = await server.post(items, { items: [{ type: "message", role: "wizard" }] });
    expect(at(refused.body, "error.param")).toBe("items[0].role");
  });

  test("a turn adds what was said, and the next one continues it token by token", async () => {
    await using server = await storeServer("hello");
    const id = await begin(server, { items: [{ role: "system", content: "sys" }] });
    const first = await server.post("/v1/responses", { conversation: id, input: "hi" });
    expect(at(first.body, "conversation")).toEqual({ id });
    await server.post("/v1/responses", { conversation: { id }, input: "more" });
    expect(await texts(server, id)).toEqual(["sys", "hi", "hello", "more", "hello"]);
    const [one, two] = server.service.requests;
    const told = [...(one?.promptTokens ?? []), ...answerTokens("hello")];
    expect([...(two?.promptTokens ?? [])].slice(0, told.length)).toEqual(told);
    expect(two?.sessionKey).toBe(one?.sessionKey);
  });

  test("a deleted item makes the next turn fork there", async () => {
    await using server = await storeServer("hello");
    const id = await begin(server, { items: [user("first"), user("second")] });
    await server.post("/v1/responses", { conversation: id, input: "hi" });
    const { body } = await server.get(`${path}/${id}/items?order=asc&limit=1`);
    await server.remove(`${path}/${id}/items/${textAt(body, "first_id")}`);
    const next = await server.post("/v1/responses", { conversation: id, input: "more" });
    expect(at(next.body, "fork.oldText")).toMatch(/^first/);
    expect(at(next.body, "fork.newText")).toMatch(/^second/);
  });

  test("without a store every route says what to do", async () => {
    await using server = await storeServer();
    const bare = await import("../testing/test-server.ts");
    await using none = bare.testServer();
    for (const url of [path, "/v1/responses"]) {
      const { status, body } = await none.post(url, url === path ? {} : { input: "a" });
      expect(status).toBe(501);
      expect(at(body, "error")).toMatchObject({ code: "not_supported" });
      expect(at(body, "error.message")).toContain("--store");
    }
    const stateless = await none.post("/v1/responses", { input: "a", store: false });
    expect(stateless.status).toBe(200);
    server.checkIntegrity();
  });
});

describe("two turns at once", () => {
  test("the second is refused while the first goes on", async () => {
    const tokenGate = new Gate();
    await using server = await storeServer(() => ({ tokens: answerTokens("hello"), tokenGate }));
    const id = await begin(server);
    const first = server.post("/v1/responses", { conversation: id, input: "one" });
    await server.service.until(() => server.service.live === 1);
    const second = await server.post("/v1/responses", { conversation: id, input: "two" });
    expect(second.status).toBe(409);
    expect(at(second.body, "error")).toMatchObject({
      code: "conversation_busy",
      param: "conversation",
    });
    const item = await server.post(`${path}/${id}/items`, { items: [user("three")] });
    expect(at(item.body, "error.code")).toBe("conversation_busy");
    tokenGate.open(100);
    expect((await first).status).toBe(200);
    expect(await texts(server, id)).toEqual(["one", "hello"]);
    expect((await server.post("/v1/responses", { conversation: id, input: "two" })).status).toBe(
      200,
    );
    server.checkIntegrity();
  });

  test("a chain may be continued twice at once: each is a branch of its own", async () => {
    await using server = await storeServer("hello");
    const id = textAt((await server.post("/v1/responses", { input: "root" })).body, "id");
    const branches = await Promise.all(
      ["a", "b", "c"].map((input) =>
        server.post("/v1/responses", { input, previous_response_id: id }),
      ),
    );
    expect(branches.map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  test.each([true, false])("who hangs up (stream: %s) can speak again at once", async (stream) => {
    const tokenGate = new Gate();
    await using server = await storeServer("hello");
    const { port } = await server.listenAnywhere();
    const id = await begin(server);
    await server.post("/v1/responses", { conversation: id, input: "one" });
    server.service.script = () => ({ tokens: answerTokens("never told"), tokenGate });
    const connection = await RawConnection.open(port);
    connection.post("/v1/responses", { conversation: id, input: "two", stream });
    tokenGate.open(3);
    await server.service.until(() => server.service.generatedTokens >= 9);
    connection.socket.destroy();
    server.service.script = () => ({ tokens: answerTokens("again") });
    const next = await server.post("/v1/responses", { conversation: id, input: "three" });
    expect(next.status).toBe(200);
    expect(await texts(server, id)).toEqual(["one", "hello", "three", "again"]);
    const prompt = [...(server.service.requests.at(-1)?.promptTokens ?? [])];
    const told = [...(server.service.requests[0]?.promptTokens ?? []), ...answerTokens("hello")];
    expect(prompt.slice(0, told.length)).toEqual(told);
    expect(server.service.live).toBe(0);
    server.checkIntegrity();
  });

  test("a turn that was cut off is told as incomplete and is no history", async () => {
    const tokenGate = new Gate();
    await using server = await storeServer(() => ({ tokens: answerTokens("half"), tokenGate }));
    const { port } = await server.listenAnywhere();
    await using connection = await RawConnection.open(port);
    connection.post("/v1/responses", { input: "one", stream: true });
    tokenGate.open(2);
    await connection.until((text) => text.includes('"delta":"a"'));
    const id = /"id":"(resp_[^"]+)"/.exec(connection.text)?.[1] ?? "";
    expect(at((await server.get(`/v1/responses/${id}`)).body, "status")).toBe("in_progress");
    const early = await server.post("/v1/responses", { input: "x", previous_response_id: id });
    expect(at(early.body, "error.code")).toBe("conversation_busy");
    connection.socket.destroy();
    await server.service.until(() => server.service.live === 0);
    const kept = await ended(server, id);
    expect(kept).toMatchObject({
      status: "incomplete",
      incomplete_details: { reason: "interrupted" },
      output: [{ status: "incomplete", content: [{ text: "ha" }] }],
    });
    const next = await server.post("/v1/responses", { input: "x", previous_response_id: id });
    expect(next.status).toBe(400);
    expect(at(next.body, "error.param")).toBe("previous_response_id");
  });
});

test("deleting a conversation ends its turn", async () => {
  const tokenGate = new Gate();
  await using server = await storeServer(() => ({ tokens: answerTokens("hello"), tokenGate }));
  const id = await begin(server);
  const turn = server.post("/v1/responses", { conversation: id, input: "one" });
  await server.service.until(() => server.service.live === 1);
  expect((await server.remove(`${path}/${id}`)).status).toBe(200);
  expect((await turn).status).toBeGreaterThanOrEqual(400);
  expect(server.service.live).toBe(0);
  server.checkIntegrity();
});

async function ended(server: StoreServer, id: string): Promise<unknown> {
  for (;;) {
    const { body } = await server.get(`/v1/responses/${id}`);
    if (at(body, "status") !== "in_progress" && at(body, "status") !== "queued") return body;
  }
}
