import { describe, expect, test } from "vitest";
import { byteModel, byteTokens, controlTokens } from "../testing/byte-codec.ts";
import { testServer } from "../testing/test-server.ts";
import { at, listAt } from "../testing/json-path.ts";

const path = "/v1/chat/completions";
const messages = [{ role: "user", content: "Hi" }];
const tool = {
  type: "function",
  function: { name: "add", parameters: { type: "object", properties: { a: { type: "number" } } } },
};

describe("a whole answer", () => {
  test("has OpenAI's shape, with cached tokens even when there are none", async () => {
    await using server = testServer("Hello");
    const { status, body } = await server.post(path, { messages, model: "bytes" });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      object: "chat.completion",
      model: "bytes",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: "Hello", refusal: null },
          logprobs: null,
          finish_reason: "stop",
        },
      ],
    });
    expect(at(body, "id")).toMatch(/^chatcmpl-[0-9a-f]{24}$/);
    expect(at(body, "system_fingerprint")).toMatch(/^loci_[0-9a-f]{12}$/);
    const promptTokens = server.service.requests[0]?.promptTokens.length ?? 0;
    expect(at(body, "usage")).toEqual({
      prompt_tokens: promptTokens,
      completion_tokens: 5,
      total_tokens: promptTokens + 5,
      prompt_tokens_details: { cached_tokens: 0 },
    });
    expect(at(body, "timings")).toMatchObject({
      cache_n: 0,
      prompt_n: promptTokens,
      predicted_n: 5,
    });
  });

  test("every field reaches the service", async () => {
    await using server = testServer();
    const { status } = await server.post(path, {
      messages,
      temperature: 0.5,
      top_p: 0.9,
      top_k: 40,
      min_p: 0.05,
      repetition_penalty: 1.1,
      presence_penalty: 0.2,
      frequency_penalty: -0.3,
      logit_bias: { 65: 5, "66": -100 },
      seed: 7,
      stop: ["\n\n", "###"],
      stop_token_ids: [1, 2],
      max_completion_tokens: 9,
      max_tokens: 5,
      min_tokens: 3,
      ignore_eos: true,
      logprobs: true,
      top_logprobs: 2,
    });
    expect(status).toBe(200);
    expect(server.service.requests[0]).toMatchObject({
      tenant: "public",
      maxTokens: 9,
      minTokens: 3,
      ignoreEos: true,
      stop: ["\n\n", "###"],
      stopTokenIds: [1, 2],
      sampling: {
        temperature: 0.5,
        topP: 0.9,
        topK: 40,
        minP: 0.05,
        repetitionPenalty: 1.1,
        presencePenalty: 0.2,
        frequencyPenalty: -0.3,
        logitBias: new Map([
          [65, 5],
          [66, -100],
        ]),
        seed: 7,
        logprobsTop: 2,
        grammar: null,
      },
    });
  });

  test("what is absent or null is the server's default", async () => {
    await using server = testServer("Hello", { samplingDefaults: { temperature: 0.7, topK: 20 } });
    const nothing = {
      temperature: null,
      stop: null,
      tools: null,
      seed: null,
      stream_options: null,
    };
    await server.post(path, { messages: [{ ...messages[0], name: null }], ...nothing });
    expect(server.service.requests[0]).toMatchObject({
      stop: [],
      minTokens: 0,
      sampling: { temperature: 0.7, topK: 20, topP: 1, repetitionPenalty: 1, logprobsTop: null },
    });
    const request = server.service.requests[0];
    expect(request?.maxTokens).toBe(4096 - (request?.promptTokens.length ?? 0));
  });

  test("n answers count their seeds up and their prompt once", async () => {
    await using server = testServer((request) => ({
      tokens: byteTokens(`seed ${request.sampling.seed}`),
      cachedTokens: request.id.endsWith("-0") ? 4 : 9,
    }));
    const { body } = await server.post(path, { messages, n: 3, seed: 4_294_967_295 });
    const texts = listAt(body, "choices").map((choice) => at(choice, "message.content"));
    expect(texts).toEqual(["seed 4294967295", "seed 0", "seed 1"]);
    expect(new Set(server.service.requests.map((request) => request.id)).size).toBe(3);
    expect(at(body, "usage.prompt_tokens")).toBe(server.service.requests[0]?.promptTokens.length);
    expect(at(body, "usage.completion_tokens")).toBe(15 + 6 + 6);
    expect(at(body, "usage.prompt_tokens_details")).toEqual({ cached_tokens: 4 });
    expect(at(body, "timings")).toBeUndefined();
  });

  test("without a seed every request draws another", async () => {
    await using server = testServer();
    await server.post(path, { messages });
    await server.post(path, { messages, seed: -1 });
    const seeds = server.service.requests.map((request) => request.sampling.seed);
    expect(new Set(seeds).size).toBe(2);
  });

  test("reaching max_tokens is length", async () => {
    await using server = testServer("Hello");
    const { body } = await server.post(path, { messages, max_tokens: 2 });
    expect(at(body, "choices.0")).toMatchObject({
      message: { content: "He" },
      finish_reason: "length",
    });
  });

  test("logprobs carry text, bytes and alternatives; infinity becomes a number", async () => {
    await using server = testServer({ tokens: byteTokens("ä"), logprob: -Infinity });
    const { body } = await server.post(path, { messages, logprobs: true, top_logprobs: 1 });
    expect(at(body, "choices.0.logprobs.content")).toEqual([
      {
        token: "bytes:\\xc3",
        logprob: -9999,
        bytes: [195],
        top_logprobs: [{ token: "bytes:\\xc3", logprob: -9999, bytes: [195] }],
      },
      {
        token: "bytes:\\xa4",
        logprob: -9999,
        bytes: [164],
        top_logprobs: [{ token: "bytes:\\xa4", logprob: -9999, bytes: [164] }],
      },
    ]);
  });

  test("return_token_ids", async () => {
    await using server = testServer("ab");
    const { body } = await server.post(path, { messages, return_token_ids: true });
    expect(at(body, "choices.0.token_ids")).toEqual([97, 98]);
    expect(at(body, "prompt_token_ids")).toEqual([
      ...(server.service.requests[0]?.promptTokens ?? []),
    ]);
  });

  test("text parts are joined, developer is system, and own answers may be sent back", async () => {
    await using server = testServer("ok");
    const first = await server.post(path, { messages });
    const parts = ["one", "two"].map((text) => ({ type: "text", text }));
    const { status } = await server.post(path, {
      messages: [
        { role: "developer", content: "Be kind." },
        ...messages,
        at(first.body, "choices.0.message"),
        { role: "user", content: parts },
      ],
    });
    expect(status).toBe(200);
    const prompt = Buffer.from(
      [...(server.service.requests[1]?.promptTokens ?? [])].filter((token) => token < 256),
    ).toString();
    expect(prompt).toBe("system\nBe kind.user\nHiassistant\nokuser\none\ntwo");
  });

  test("fields of OpenAI that mean nothing here are accepted", async () => {
    await using server = testServer();
    const { status } = await server.post(path, {
      messages,
      user: "u",
      metadata: { a: "b" },
      store: true,
      service_tier: "auto",
      prompt_cache_key: "k",
      safety_identifier: "s",
      reasoning_effort: "low",
      verbosity: "low",
      modalities: ["text"],
    });
    expect(status).toBe(200);
  });
});

describe("forms of answers", () => {
  const schema = { type: "object", properties: { a: { type: "string" } } };
  test.each([
    ["json_object", { response_format: { type: "json_object" } }, "# null"],
    [
      "json_schema",
      {
        response_format: { type: "json_schema", json_schema: { name: "x", strict: true, schema } },
      },
      '"properties"',
    ],
    ["guided_json", { guided_json: schema }, '"properties"'],
    ["structured_outputs", { structured_outputs: { json: schema } }, '"properties"'],
    ["grammar", { grammar: 'root ::= "yes"' }, 'root ::= "yes"'],
  ])("%s becomes the grammar", async (_name, fields, expected) => {
    await using server = testServer("{}");
    expect((await server.post(path, { messages, ...fields })).status).toBe(200);
    expect(server.service.requests[0]?.sampling.grammar).toContain(expected);
  });

  test("text is no form", async () => {
    await using server = testServer();
    await server.post(path, { messages, response_format: { type: "text" } });
    expect(server.service.requests[0]?.sampling.grammar).toBeNull();
  });

  test("what cannot be enforced is refused", async () => {
    await using server = testServer();
    const format = { type: "json_schema", json_schema: { name: "x", schema: { not: {} } } };
    const { status, body } = await server.post(path, { messages, response_format: format });
    expect(status).toBe(400);
    expect(at(body, "error")).toMatchObject({
      code: "unsupported_schema",
      param: "response_format",
    });
    expect(server.service.requests).toEqual([]);
  });
});

describe("tools", () => {
  const call = '<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>';

  test("calls are parsed, their arguments are JSON text", async () => {
    await using server = testServer(`Adding. ${call}`);
    const { body } = await server.post(path, { messages, tools: [tool] });
    expect(at(body, "choices.0")).toMatchObject({
      finish_reason: "tool_calls",
      message: {
        content: "Adding.",
        tool_calls: [{ type: "function", function: { name: "add", arguments: '{"a": 1}' } }],
      },
    });
    expect(at(body, "choices.0.message.tool_calls.0.id")).toMatch(/^call_[0-9a-f]{24}$/);
  });

  test("content is null when there is nothing but calls", async () => {
    await using server = testServer(call);
    const { body } = await server.post(path, { messages, tools: [tool] });
    expect(at(body, "choices.0.message.content")).toBeNull();
  });

  test("without tools, or with tool_choice none, a call is text", async () => {
    await using server = testServer(call);
    for (const fields of [{}, { tools: [tool], tool_choice: "none" }]) {
      const { body } = await server.post(path, { messages, ...fields });
      expect(at(body, "choices.0")).toMatchObject({
        message: { content: call },
        finish_reason: "stop",
      });
    }
    const [, second] = server.service.requests;
    expect(Buffer.from(second?.promptTokens ?? []).toString()).not.toContain("add");
  });

  test("parallel_tool_calls false delivers one call", async () => {
    await using server = testServer(`${call}\n${call} and text`);
    const fields = { tools: [tool], parallel_tool_calls: false };
    const { body } = await server.post(path, { messages, ...fields });
    expect(at(body, "choices.0.message.tool_calls")).toHaveLength(1);
    expect(at(body, "choices.0.message.content")).toBeNull();
  });

  test("required and named calls are bound by a grammar; auto is not", async () => {
    await using server = testServer(call);
    const other = { type: "function", function: { name: "other" } };
    const named = { type: "function", function: { name: "add" } };
    const tools = [tool, other];
    for (const tool_choice of ["auto", "required", named]) {
      expect((await server.post(path, { messages, tools, tool_choice })).status).toBe(200);
    }
    const grammars = server.service.requests.map((request) => request.sampling.grammar);
    expect(grammars[0]).toBeNull();
    expect(grammars[1]).toContain("call ::= call-0 | call-1");
    expect(grammars[2]).toContain("call ::= call-0\n");
    expect(grammars[2]).not.toContain("other");
  });

  test("a control token that stands for the mark is read as the mark", async () => {
    const tokens = [controlTokens.toolCalls, ...byteTokens('[{"name": "add", "arguments": {}}]')];
    const model = byteModel({ toolCallFormat: "mistral" });
    await using server = testServer({ tokens }, { model });
    const { body } = await server.post(path, { messages, tools: [tool] });
    expect(at(body, "choices.0.message.tool_calls")).toMatchObject([{ function: { name: "add" } }]);
    expect(at(body, "choices.0.message.tool_calls.0.id")).toMatch(/^[0-9a-f]{9}$/);
  });

  test("calls and results may be sent back", async () => {
    await using server = testServer(call);
    const first = await server.post(path, { messages, tools: [tool] });
    const message = at(first.body, "choices.0.message");
    const result = { role: "tool", tool_call_id: at(message, "tool_calls.0.id"), content: "2" };
    const all = [...messages, message, result];
    expect((await server.post(path, { messages: all, tools: [tool] })).status).toBe(200);
  });

  test.each([
    [
      "a named function that is not there",
      { tools: [tool], tool_choice: { type: "function", function: { name: "x" } } },
    ],
    ["a choice without tools", { tool_choice: "required" }],
    ["two tools of one name", { tools: [tool, tool] }],
    ["tools and a form", { tools: [tool], response_format: { type: "json_object" } }],
    [
      "a schema that cannot be enforced",
      {
        tools: [{ type: "function", function: { name: "x", parameters: { not: {} } } }],
        tool_choice: "required",
      },
    ],
  ])("refused: %s", async (_name, fields) => {
    await using server = testServer();
    expect((await server.post(path, { messages, ...fields })).status).toBe(400);
    expect(server.service.requests).toEqual([]);
  });

  test("a model without tools says so, one without a template too", async () => {
    await using noTools = testServer("x", { model: byteModel({ toolCallFormat: "none" }) });
    const refused = await noTools.post(path, { messages, tools: [tool] });
    expect(at(refused.body, "error")).toMatchObject({ param: "tools", code: "invalid_request" });
    expect((await noTools.post(path, { messages })).status).toBe(200);
    await using noTemplate = testServer("x", { model: byteModel({ toolCallFormat: null }) });
    expect((await noTemplate.post(path, { messages })).status).toBe(400);
  });
});
