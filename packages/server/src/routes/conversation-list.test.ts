import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { at, listAt, textAt } from "../testing/json-path.ts";
import { storeServer, type StoreServer } from "../testing/store-server.ts";

const path = "/v1/conversations";
const keys = ["first-key", "second-key"];
const [first, second] = keys.map((key) => ({ authorization: `Bearer ${key}` }));

async function begin(
  server: StoreServer,
  text: string,
  headers: Record<string, string> = {},
): Promise<string> {
  const items = [{ role: "user", content: text }];
  return textAt((await server.post(path, { items }, headers)).body, "id");
}

async function idsOf(
  server: StoreServer,
  query: string,
  headers: Record<string, string> = {},
): Promise<readonly string[]> {
  const { body } = await server.get(`${path}?${query}`, headers);
  return listAt(body, "data").map((one) => textAt(one, "id"));
}

async function itemIds(server: StoreServer, id: string): Promise<readonly string[]> {
  const { body } = await server.get(`${path}/${id}/items?order=asc`);
  return listAt(body, "data").map((one) => textAt(one, "id"));
}

describe("the list of conversations", () => {
  test("is told in pages and searched", async () => {
    await using server = await storeServer("hello there");
    const made = [];
    for (const text of ["oak", "elm", "yew"]) made.push(await begin(server, text));
    const all = await idsOf(server, "limit=100");
    expect(all.toSorted()).toEqual(made.toSorted());
    const [head = ""] = all;
    const page = await server.get(`${path}?limit=1`);
    expect(page.body).toMatchObject({
      object: "list",
      data: [{ id: head, object: "conversation", items_count: 1 }],
      first_id: head,
      last_id: head,
      has_more: true,
    });
    expect(await idsOf(server, `after=${head}`)).toEqual(all.slice(1));
    expect(await idsOf(server, "order=asc")).toEqual(all.toReversed());
    expect(await idsOf(server, "query=ELM")).toEqual([made[1]]);
    await server.post("/v1/responses", { input: "Hi", conversation: made[0] });
    expect(await idsOf(server, "query=there+oak")).toEqual([made[0]]);
    const found = await server.get(`${path}/${made[0]}`);
    expect(found.body).toMatchObject({
      title: "oak",
      items_count: 3,
      last_response: { status: "completed" },
    });
  });

  test("is each tenant's own", async () => {
    await using server = await storeServer("hi", { apiKeys: keys });
    const own = await begin(server, "oak", first);
    expect(await idsOf(server, "query=oak", second)).toEqual([]);
    expect(await idsOf(server, "query=oak", first)).toEqual([own]);
    expect((await server.get(`${path}?after=${own}`, second)).status).toBe(404);
    const branch = { after_item_id: null };
    expect((await server.post(`${path}/${own}/branch`, branch, second)).status).toBe(404);
    expect((await server.get(path)).status).toBe(401);
  });

  test("answers whatever is asked", async () => {
    await using server = await storeServer();
    await begin(server, "100% _oak_!");
    await fc.assert(
      fc.asyncProperty(
        fc.record(
          {
            query: fc.oneof(
              fc.string({ maxLength: 300 }),
              fc.string({
                unit: fc.constantFrom("%", "_", "!", "o", "a", "\0", " "),
                maxLength: 9,
              }),
            ),
            limit: fc.oneof(fc.integer().map(String), fc.string({ maxLength: 4 })),
            order: fc.constantFrom("asc", "desc", "up", ""),
            after: fc.string({ maxLength: 12 }),
          },
          { requiredKeys: [] },
        ),
        async (asked) => {
          const { status, body } = await server.get(
            `${path}?${new URLSearchParams(asked).toString()}`,
          );
          expect([200, 400, 404]).toContain(status);
          expect(typeof at(body, status === 200 ? "has_more" : "error.message")).not.toBe(
            "undefined",
          );
        },
      ),
      { numRuns: 150, seed: 65 },
    );
  });
});

describe("a branch", () => {
  test("goes on from the midst of a conversation with its exact tokens", async () => {
    await using server = await storeServer("hello");
    const id = await begin(server, "Be kind.");
    await server.post("/v1/responses", { input: "one", conversation: id });
    await server.post("/v1/responses", { input: "two", conversation: id });
    const items = await itemIds(server, id);
    const after_item_id = items[2];
    const { body } = await server.post(`${path}/${id}/branch`, { after_item_id });
    const branch = textAt(body, "id");
    expect(body).toMatchObject({ object: "conversation", metadata: { parent: id } });
    expect(await itemIds(server, branch)).toEqual(items.slice(0, 3));
    await server.post("/v1/responses", { input: "else", conversation: branch });
    const [one, , three] = server.service.requests;
    const firstTurn = [...(one?.promptTokens ?? [])];
    const common = [...(three?.promptTokens ?? [])].slice(0, firstTurn.length);
    expect(common).toEqual(firstTurn);
    // What the model had answered follows as it was sampled: byte by byte.
    const answer = [...(three?.promptTokens ?? [])].slice(firstTurn.length, firstTurn.length + 5);
    expect(answer).toEqual([...Buffer.from("hello")]);
    expect(await itemIds(server, id)).toEqual(items);
  });

  test("says what it cannot begin with", async () => {
    await using server = await storeServer("hello");
    const id = await begin(server, "oak");
    const to = `${path}/${id}/branch`;
    expect((await server.post(to, { after_item_id: 3 })).status).toBe(400);
    const none = await server.post(to, { after_item_id: "msg_none" });
    expect([none.status, at(none.body, "error.param")]).toEqual([404, "after_item_id"]);
    const full = Object.fromEntries(Array.from({ length: 16 }, (_, key) => [`k${key}`, "v"]));
    const refused = await server.post(to, { after_item_id: null, metadata: full });
    expect([refused.status, at(refused.body, "error.param")]).toEqual([400, "metadata"]);
    const named = { after_item_id: null, metadata: { title: "New" } };
    const made = await server.post(to, named);
    expect(at(made.body, "metadata")).toEqual({ title: "New", parent: id });
  });
});
