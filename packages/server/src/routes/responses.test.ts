import { describe, expect, test } from "vitest";
import { controlTokens } from "../testing/byte-codec.ts";
import { answerTokens, nextTurnTokens, storeServer } from "../testing/store-server.ts";
import { at, listAt, textAt } from "../testing/json-path.ts";

const path = "/v1/responses";

describe("POST /v1/responses", () => {
  test("answers a text with OpenAI's object", async () => {
    await using server = await storeServer("hello");
    const { status, body } = await server.post(path, { input: "hi", metadata: { a: "b" } });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      object: "response",
      status: "completed",
      error: null,
      incomplete_details: null,
      metadata: { a: "b" },
      output: [
        {
          type: "message",
          role: "assistant",
          status: "completed",
          content: [{ type: "output_text", text: "hello", annotations: [] }],
        },
      ],
      usage: { output_tokens: 6, input_tokens_details: { cached_tokens: 0 } },
      store: true,
      tool_choice: "auto",
      text: { format: { type: "text" } },
    });
    expect(at(body, "id")).toMatch(/^resp_/);
    expect((await server.get(`${path}/${textAt(body, "id")}`)).body).toEqual(body);
  });

  test("instructions and items of every kind become the chat that the model reads", async () => {
    await using server = await storeServer("ok");
    await server.post(path, {
      instructions: "be brief",
      input: [
        { role: "developer", content: "dev" },
        { role: "user", content: [{ type: "input_text", text: "one" }] },
        { type: "reasoning", id: "rs_1", summary: [] },
        {
          type: "message",
          role: "assistant",
          content: [{ type: "output_text", text: "two", annotations: [], logprobs: null }],
        },
        { type: "function_call", call_id: "c1", name: "add", arguments: "{}" },
        { type: "function_call_output", call_id: "c1", output: "three" },
      ],
    });
    const prompt = server.service.requests[0]?.promptTokens ?? new Int32Array();
    const text = await textOf(prompt);
    expect(text).toBe(
      "<system\nbe brief><system\ndev><user\none>" +
        '<assistant\ntwo<tool_call>\n{"name": "add", "arguments": {}}\n</tool_call>>' +
        "<tool\nthree><assistant\n",
    );
  });

  test("a turn continues the exact tokens of the one before", async () => {
    await using server = await storeServer("hello");
    const first = await server.post(path, { input: "hi there", return_token_ids: true });
    expect(at(first.body, "token_ids")).toEqual(answerTokens("hello"));
    const second = await server.post(path, {
      input: "more",
      previous_response_id: at(first.body, "id"),
      return_token_ids: true,
    });
    expect(at(second.body, "prompt_token_ids")).toEqual([
      ...listAt(first.body, "prompt_token_ids"),
      ...nextTurnTokens("hello", "more"),
    ]);
    expect(at(second.body, "fork")).toBeUndefined();
    expect(at(second.body, "previous_response_id")).toBe(at(first.body, "id"));
  });

  test("a history told differently is a fork that names its place", async () => {
    await using server = await storeServer("hello");
    const first = await server.post(path, { input: "hi", instructions: "be kind" });
    const second = await server.post(path, {
      input: "more",
      instructions: "be rude",
      previous_response_id: at(first.body, "id"),
    });
    expect(at(second.body, "fork")).toMatchObject({
      oldText: expect.stringMatching(/^kind/),
      newText: expect.stringMatching(/^rude/),
    });
    expect(at((await server.get(`${path}/${textAt(second.body, "id")}`)).body, "fork")).toEqual(
      at(second.body, "fork"),
    );
    const metrics = (await server.get("/metrics")).text;
    expect(metrics).toContain(
      'loci_prompt_histories_total{endpoint="responses",history="forked"} 1',
    );
  });

  test("the token limit makes it incomplete, and still history", async () => {
    await using server = await storeServer("hello");
    const cut = await server.post(path, { input: "hi", max_output_tokens: 2 });
    expect(cut.body).toMatchObject({
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
      output: [{ status: "incomplete", content: [{ text: "he" }] }],
    });
    const next = await server.post(path, {
      input: "go on",
      previous_response_id: at(cut.body, "id"),
    });
    expect(next.status).toBe(200);
    const prompt = await textOf(server.service.requests[1]?.promptTokens ?? new Int32Array());
    expect(prompt).toContain("<assistant\nhe>");
  });

  test("tools are called, and their outputs answered", async () => {
    const call = '<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>';
    await using server = await storeServer(call);
    const tools = [{ type: "function", name: "add", parameters: { type: "object" }, strict: null }];
    const { body } = await server.post(path, { input: "1+1", tools });
    expect(at(body, "output")).toEqual([
      {
        id: expect.stringMatching(/^fc_/),
        type: "function_call",
        status: "completed",
        call_id: expect.stringMatching(/^call_/),
        name: "add",
        arguments: '{"a": 1}',
      },
    ]);
    const output = {
      type: "function_call_output",
      call_id: at(body, "output.0.call_id"),
      output: "2",
    };
    await server.post(path, { input: [output], tools, previous_response_id: at(body, "id") });
    const [first, second] = server.service.requests;
    const told = [...(first?.promptTokens ?? []), ...answerTokens(call)];
    expect([...(second?.promptTokens ?? [])].slice(0, told.length)).toEqual(told);
  });

  test("tool_choice binds by grammar, allowed_tools hides the others", async () => {
    await using server = await storeServer("x");
    const tools = ["add", "sub"].map((name) => ({ type: "function", name }));
    const one = { type: "function", name: "sub" };
    await server.post(path, { input: "a", tools, tool_choice: one });
    await server.post(path, {
      input: "a",
      tools,
      tool_choice: { type: "allowed_tools", mode: "required", tools: [one] },
    });
    for (const request of server.service.requests) {
      expect(request.sampling.grammar).toContain("sub");
      expect(request.sampling.grammar).not.toContain("add");
    }
    const unknown = { type: "allowed_tools", mode: "auto", tools: [{ ...one, name: "mul" }] };
    const refused = await server.post(path, { input: "a", tools, tool_choice: unknown });
    expect(at(refused.body, "error")).toMatchObject({ param: "tool_choice.tools" });
  });

  test("text.format binds by grammar", async () => {
    await using server = await storeServer("{}");
    const schema = { type: "object", properties: { city: { type: "string" } } };
    const format = { type: "json_schema", name: "place", schema, strict: true };
    const { body } = await server.post(path, { input: "a", text: { format } });
    expect(at(body, "text.format")).toEqual(format);
    expect(server.service.requests[0]?.sampling.grammar).toContain("city");
    const not = { ...format, schema: { not: {} } };
    const refused = await server.post(path, { input: "a", text: { format: not } });
    expect(at(refused.body, "error")).toMatchObject({
      code: "unsupported_schema",
      param: "text.format",
    });
  });

  test("truncation leaves out the oldest turns and keeps the instructions", async () => {
    await using server = await storeServer("hello");
    const answer = { role: "assistant", content: "yes" };
    const input = [long("a"), answer, long("b"), answer, long("c"), answer, long("d")];
    const refused = await server.post(path, { instructions: "sys", input });
    expect(at(refused.body, "error.code")).toBe("context_length_exceeded");
    const kept = await server.post(path, { instructions: "sys", input, truncation: "auto" });
    expect(kept.status).toBe(200);
    const prompt = await textOf(server.service.requests[0]?.promptTokens ?? new Int32Array());
    expect(prompt.replaceAll(/(.)\1{99,}/g, "$1…")).toBe(
      "<system\nsys><user\nc…><assistant\nyes><user\nd…><assistant\n",
    );
  });

  test.each([
    [{ input: [{ type: "message", role: "user" }] }, "input[0].content"],
    [{ input: [{ type: "web_search_call" }] }, "input[0].type"],
    [{ input: [{ role: "user", content: [{ type: "input_image" }] }] }, "input[0].content"],
    [{ input: "a", tools: [{ type: "web_search" }] }, "tools[0].type"],
    [{ input: "a", tools: [tool("x"), tool("x")] }, "tools[1].name"],
    [{ input: "a", store: false, background: true }, "background"],
    [{ input: "a", store: false, conversation: "conv_1" }, "store"],
    [{ input: "a", conversation: "c", previous_response_id: "r" }, "conversation"],
    [{ input: "a", nonsense: 1 }, "nonsense"],
    [{}, "input"],
  ])("refuses %j and names the field", async (body, param) => {
    await using server = await storeServer();
    const { status, body: reply } = await server.post(path, body);
    expect(status).toBe(400);
    expect(at(reply, "error.param")).toBe(param);
    expect(server.service.requests).toHaveLength(0);
  });

  test("counts the tokens of a prompt", async () => {
    await using server = await storeServer();
    const { body } = await server.post(`${path}/input_tokens`, { input: "hi", model: "bytes" });
    await server.post(path, { input: "hi" });
    const inputTokens = server.service.requests[0]?.promptTokens.length;
    expect(body).toEqual({ object: "response.input_tokens", input_tokens: inputTokens });
  });

  test("hints reach the service", async () => {
    await using server = await storeServer();
    const key = { prompt_cache_key: "k", prompt_cache_retention: "24h" };
    const store = false;
    await server.post(path, { input: "a", store, ...key });
    await server.post(path, { input: "a", store }, { "x-session-id": "k" });
    await server.post(path, { input: "a", store });
    const [one, two, three] = server.service.requests;
    expect(one).toMatchObject({ retainSeconds: 86_400 });
    expect(two?.sessionKey).toBe(one?.sessionKey);
    expect(three).not.toHaveProperty("sessionKey");
  });

  test("all turns of a chain are one session", async () => {
    await using server = await storeServer();
    let previous = {};
    for (let turn = 0; turn < 3; turn++) {
      const id = textAt((await server.post(path, { input: "a", ...previous })).body, "id");
      previous = { previous_response_id: id };
    }
    await server.post(path, { input: "a" });
    const keys = server.service.requests.map(({ sessionKey }) => sessionKey);
    expect(new Set(keys.slice(0, 3)).size).toBe(1);
    expect(keys[3]).not.toBe(keys[0]);
  });
});

describe("stored responses", () => {
  test("are deleted, and then gone", async () => {
    await using server = await storeServer();
    const id = textAt((await server.post(path, { input: "a" })).body, "id");
    expect((await server.remove(`${path}/${id}`)).body).toEqual({
      id,
      object: "response.deleted",
      deleted: true,
    });
    expect((await server.get(`${path}/${id}`)).status).toBe(404);
    expect((await server.remove(`${path}/${id}`)).status).toBe(404);
    const next = await server.post(path, { input: "b", previous_response_id: id });
    expect(at(next.body, "error")).toMatchObject({
      code: "not_found",
      param: "previous_response_id",
    });
  });

  test("list their input items in pages", async () => {
    await using server = await storeServer();
    const input = ["a", "b", "c"].map((content) => ({ role: "user", content }));
    const id = textAt((await server.post(path, { input })).body, "id");
    const page = await server.get(`${path}/${id}/input_items?limit=2&order=asc`);
    expect(texts(listAt(page.body, "data"))).toEqual(["a", "b"]);
    expect(at(page.body, "has_more")).toBe(true);
    const after = `order=asc&after=${textAt(page.body, "last_id")}`;
    const rest = await server.get(`${path}/${id}/input_items?${after}`);
    expect(texts(listAt(rest.body, "data"))).toEqual(["c"]);
    expect(at(rest.body, "has_more")).toBe(false);
    expect((await server.get(`${path}/${id}/input_items?limit=101`)).status).toBe(400);
    expect((await server.get(`${path}/${id}/input_items?after=x`)).status).toBe(404);
  });

  test("store: false keeps nothing", async () => {
    await using server = await storeServer();
    const { body } = await server.post(path, { input: "a", store: false });
    expect(at(body, "status")).toBe("completed");
    expect((await server.get(`${path}/${textAt(body, "id")}`)).status).toBe(404);
  });
});

test("another tenant's ids are as unknown as any", async () => {
  await using server = await storeServer("x", { apiKeys: ["one", "two"] });
  const id = textAt((await server.post(path, { input: "a" }, as("one"))).body, "id");
  const own = textAt((await server.post("/v1/conversations", {}, as("one"))).body, "id");
  const same = async (foreign: string, unknown: string): Promise<void> => {
    const [one, other] = [
      await server.get(foreign, as("two")),
      await server.get(unknown, as("two")),
    ];
    expect(one.status).toBe(404);
    expect(one.body).toEqual(other.body);
  };
  await same(`${path}/${id}`, `${path}/resp_0`);
  await same(`${path}/${id}/input_items`, `${path}/resp_0/input_items`);
  await same(`/v1/conversations/${own}`, "/v1/conversations/conv_0");
  await same(`/v1/conversations/${own}/items`, "/v1/conversations/conv_0/items");
  const turn = async (field: object): Promise<unknown> =>
    (await server.post(path, { input: "b", ...field }, as("two"))).body;
  const previous = await turn({ previous_response_id: id });
  expect(previous).toEqual(await turn({ previous_response_id: "resp_0" }));
  expect(await turn({ conversation: own })).toEqual(await turn({ conversation: "conv_0" }));
  expect((await server.remove(`${path}/${id}`, as("two"))).status).toBe(404);
  expect((await server.post(`${path}/${id}/cancel`, {}, as("two"))).status).toBe(404);
  expect((await server.get(`${path}/${id}`, as("one"))).status).toBe(200);
});

function long(letter: string): object {
  return { role: "user", content: letter.repeat(3000) };
}

function texts(list: readonly unknown[]): string[] {
  return list.map((item) => textAt(item, "content.0.text"));
}

function as(key: string): Record<string, string> {
  return { authorization: `Bearer ${key}` };
}

function tool(name: string): object {
  return { type: "function", name, parameters: { type: "object" } };
}

/** Control tokens as brackets. */
async function textOf(tokens: Int32Array): Promise<string> {
  const { pairCodec } = await import("../testing/pair-codec.ts");
  const { start, end } = controlTokens;
  const bytes = [...tokens].map((token) => {
    if (token === start) return "<";
    return token === end ? ">" : Buffer.from(pairCodec.tokenBytes(token)).toString("latin1");
  });
  return bytes.join("");
}
