import { describe, expect, test } from "vitest";
import { byteModel, byteTokens, controlTokens } from "../testing/byte-codec.ts";
import { sseData } from "../testing/sse-data.ts";
import { testServer, type TestServer } from "../testing/test-server.ts";
import { at, listAt, textAt } from "../testing/json-path.ts";

const path = "/v1/completions";
const promptsOf = (server: TestServer): number[][] =>
  server.service.requests.map((request) => Array.from(request.promptTokens));
const { bos } = controlTokens;

describe("prompts", () => {
  test.each([
    ["a text", "ab", [[bos, 97, 98]]],
    ["token ids", [5, 6], [[5, 6]]],
    [
      "texts",
      ["a", "b"],
      [
        [bos, 97],
        [bos, 98],
      ],
    ],
    ["lists of token ids", [[1], [2, 3]], [[1], [2, 3]]],
  ])("%s", async (_name, prompt, expected) => {
    await using server = testServer();
    const { status, body } = await server.post(path, { prompt });
    expect(status).toBe(200);
    expect(promptsOf(server)).toEqual(expected);
    expect(at(body, "choices")).toHaveLength(expected.length);
    expect(at(body, "usage.prompt_tokens")).toBe(expected.flat().length);
  });

  test("special tokens in a text are text unless the client says otherwise", async () => {
    await using server = testServer();
    const prompt = "<|start|>";
    await server.post(path, { prompt });
    await server.post(path, { prompt, parse_special: true, add_special_tokens: false });
    const [text, special] = promptsOf(server);
    expect(text).toEqual([bos, ...byteTokens(prompt)]);
    expect(special).toEqual([controlTokens.start]);
  });

  test.each([
    ["33 of them", { prompt: Array.from({ length: 33 }, () => "a") }],
    ["5 of them 8 times", { prompt: ["a", "b", "c", "d", "e"], n: 8 }],
    ["no tokens", { prompt: [] }],
    ["an empty list among others", { prompt: [[1], []] }],
    ["a token outside the vocabulary", { prompt: [260] }],
    ["a negative token", { prompt: [-1] }],
    ["half a token", { prompt: [1.5] }],
    ["a mixture", { prompt: ["a", 1] }],
    ["an object", { prompt: {} }],
    ["a suffix", { prompt: "a", suffix: "b" }],
    ["echo with logprobs", { prompt: "a", echo: true, logprobs: 1 }],
  ])("refused: %s", async (_name, fields) => {
    await using server = testServer();
    const { status, body } = await server.post(path, fields);
    expect([status, at(body, "error.type")]).toEqual([400, "invalid_request_error"]);
    expect(server.service.requests).toEqual([]);
  });

  test("too long for the context, told in tokens or before tokenising in bytes", async () => {
    await using server = testServer();
    const tokens = await server.post(path, { prompt: Array.from({ length: 4096 }, () => 1) });
    expect(tokens.status).toBe(400);
    expect(at(tokens.body, "error.code")).toBe("context_length_exceeded");
    expect(at(tokens.body, "error.message")).toMatch(/4096 tokens; the prompt has 4096/);
    const text = await server.post(path, { prompt: "a".repeat(4096 * 64 + 1) });
    expect(at(text.body, "error")).toMatchObject({ code: "context_length_exceeded" });
    expect(at(text.body, "error.message")).toMatch(/262145 bytes/);
  });
});

describe("answers", () => {
  test("16 tokens by default, never more than the context leaves", async () => {
    await using server = testServer();
    await server.post(path, { prompt: "a" });
    await server.post(path, { prompt: [1, 2, 3], max_tokens: 2_147_483_647 });
    expect(server.service.requests.map((request) => request.maxTokens)).toEqual([16, 4093]);
  });

  test("n answers of every prompt, in order", async () => {
    await using server = testServer((request) => ({
      tokens: [...request.promptTokens.slice(-1), 48 + request.sampling.seed],
    }));
    const { body } = await server.post(path, { prompt: ["a", "b"], n: 2, seed: 3 });
    const texts = listAt(body, "choices").map((choice) => at(choice, "text"));
    expect(texts).toEqual(["a3", "a4", "b3", "b4"]);
    expect(listAt(body, "choices").map((choice) => at(choice, "index"))).toEqual([0, 1, 2, 3]);
  });

  test("echo puts the prompt's text before the answer", async () => {
    await using server = testServer("!");
    const texts = await server.post(path, { prompt: ["ab", "c"], echo: true, n: 2 });
    expect(listAt(texts.body, "choices").map((choice) => at(choice, "text"))).toEqual([
      "ab!",
      "ab!",
      "c!",
      "c!",
    ]);
    const ids = await server.post(path, { prompt: byteTokens("xy"), echo: true });
    expect(at(ids.body, "choices.0.text")).toBe("xy!");
  });

  test("a long echo is streamed in pieces that split no character", async () => {
    const prompt = `x${"😀".repeat(20_000)}`;
    const model = byteModel({ contextTokensMax: 100_000 });
    await using server = testServer("!", { model });
    const fields = { prompt, echo: true, stream: true };
    const { chunks } = sseData((await server.post(path, fields)).text);
    expect(chunks.map((chunk) => at(chunk, "choices.0.text")).join("")).toBe(`${prompt}!`);
    expect(chunks.length).toBeGreaterThan(3);
    expect(chunks.every((chunk) => textAt(chunk, "choices.0.text").isWellFormed())).toBe(true);
  });

  test("logprobs in columns", async () => {
    await using server = testServer("ab");
    const { body } = await server.post(path, { prompt: "x", logprobs: 1 });
    expect(at(body, "choices.0.logprobs")).toEqual({
      tokens: ["a", "b"],
      token_logprobs: [-0.5, -0.5],
      top_logprobs: [{ a: -0.5 }, { b: -0.5 }],
      text_offset: [0, 1],
    });
  });

  test("token ids and stop reason as vLLM gives them", async () => {
    await using server = testServer({ tokens: byteTokens("ab"), stoppedBy: "\n" });
    const { body } = await server.post(path, { prompt: [1, 2], return_token_ids: true });
    expect(at(body, "choices.0")).toMatchObject({
      token_ids: [97, 98],
      prompt_token_ids: [1, 2],
      stop_reason: "\n",
      finish_reason: "stop",
    });
    const fields = { prompt: [1, 2], return_token_ids: true, stream: true };
    const { chunks } = sseData((await server.post(path, fields)).text);
    expect(at(chunks[0], "choices.0.prompt_token_ids")).toEqual([1, 2]);
    expect(chunks.flatMap((chunk) => at(chunk, "choices.0.token_ids") ?? [])).toEqual([97, 98]);
  });

  test("a stream ends with reason, usage and [DONE]", async () => {
    await using server = testServer("ab");
    const fields = { prompt: "x", stream: true, stream_options: { include_usage: true } };
    const { chunks, done } = sseData((await server.post(path, fields)).text);
    expect(done).toBe(true);
    expect(chunks.map((chunk) => at(chunk, "choices.0.text"))).toEqual(["a", "b", "", undefined]);
    expect(at(chunks.at(-2), "choices.0.finish_reason")).toBe("stop");
    expect(at(chunks.at(-1), "usage")).toMatchObject({ prompt_tokens: 2, completion_tokens: 2 });
  });
});
