import { LociError } from "@loci/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { at, listAt, textAt } from "../testing/json-path.ts";
import { Gate, type Script } from "../testing/scripted-service.ts";
import { answerTokens, storeServer, type StoreServer } from "../testing/store-server.ts";

const responses = "/v1/responses";
const conversations = "/v1/conversations";

async function begin(server: StoreServer): Promise<string> {
  return textAt((await server.post(conversations, {})).body, "id");
}

async function texts(server: StoreServer, id: string): Promise<string[]> {
  const { body } = await server.get(`${conversations}/${id}/items?order=asc`);
  return listAt(body, "data").map((item) => textAt(item, "content.0.text"));
}

/** A background turn that was stopped after `tokens` tokens. */
async function stopped(
  server: StoreServer,
  gate: Gate,
  ask: { readonly body: object; readonly tokens: number },
): Promise<string> {
  const { body } = await server.post(responses, { ...ask.body, background: true });
  const id = textAt(body, "id");
  const told = server.service.generatedTokens + ask.tokens;
  gate.open(ask.tokens);
  await server.service.until(() => server.service.generatedTokens >= told);
  const reply = await server.post(`${responses}/${id}/cancel`, {});
  expect(reply.body).toMatchObject({ status: "cancelled" });
  return id;
}

describe("a stopped turn", () => {
  test("stays in its conversation as far as it was written", async () => {
    const tokenGate = new Gate();
    await using server = await storeServer({ tokens: answerTokens("hello there"), tokenGate });
    const conversation = await begin(server);
    const id = await stopped(server, tokenGate, { body: { input: "hi", conversation }, tokens: 5 });
    expect(await texts(server, conversation)).toEqual(["hi", "hello"]);
    const { body } = await server.get(`${conversations}/${conversation}`);
    expect(at(body, "last_response")).toEqual({ id, status: "cancelled" });
    const kept = await server.get(`${responses}/${id}`);
    expect(at(kept.body, "output.0.status")).toBe("incomplete");
    expect(JSON.stringify(kept.body)).not.toContain("partialText");
    tokenGate.open(100);
    await server.post(responses, { input: "go on", conversation });
    const [one, two] = server.service.requests;
    const known = [...(one?.promptTokens ?? []), ...Buffer.from("hello")];
    expect([...(two?.promptTokens ?? [])].slice(0, known.length)).toEqual(known);
  });

  test("leaves nothing where nothing was written, or outside of conversations", async () => {
    const startGate = new Gate();
    await using server = await storeServer({ tokens: answerTokens("x"), startGate });
    const conversation = await begin(server);
    const { body } = await server.post(responses, { input: "hi", conversation, background: true });
    await server.post(`${responses}/${textAt(body, "id")}/cancel`, {});
    expect(await texts(server, conversation)).toEqual([]);
    expect(
      at((await server.get(`${conversations}/${conversation}`)).body, "last_response"),
    ).toBeNull();
  });
});

describe("continue_response", () => {
  test("goes on with the exact tokens, and takes the old answer's place", async () => {
    const tokenGate = new Gate();
    await using server = await storeServer({ tokens: answerTokens("hello there"), tokenGate });
    const conversation = await begin(server);
    const ask = { input: "hi", conversation, instructions: "Be kind.", temperature: 0.25 };
    const id = await stopped(server, tokenGate, { body: ask, tokens: 5 });
    tokenGate.open(100);
    const { body } = await server.post(responses, { continue_response: id });
    expect(body).toMatchObject({
      status: "completed",
      conversation: { id: conversation },
      instructions: "Be kind.",
      temperature: 0.25,
      output: [{ status: "completed", content: [{ text: "hello there" }] }],
    });
    const [one, two] = server.service.requests;
    expect(two?.promptTokens).toEqual(one?.promptTokens);
    expect([...(two?.deliveredTokens ?? [])]).toEqual([...Buffer.from("hello")]);
    expect(two?.sampling.temperature).toBe(0.25);
    expect(await texts(server, conversation)).toEqual(["hi", "hello there"]);
    expect((await server.get(`${responses}/${id}`)).status).toBe(200);
    // The next turn continues all of it.
    await server.post(responses, { ...ask, input: "more" });
    const known = [...(one?.promptTokens ?? []), ...answerTokens("hello there")];
    const three = server.service.requests[2];
    expect([...(three?.promptTokens ?? [])].slice(0, known.length)).toEqual(known);
  });

  test("tells the whole message in its stream", async () => {
    const tokenGate = new Gate();
    await using server = await storeServer({ tokens: answerTokens("hello there"), tokenGate });
    const conversation = await begin(server);
    const id = await stopped(server, tokenGate, { body: { input: "hi", conversation }, tokens: 5 });
    tokenGate.open(100);
    const { text } = await server.post(responses, { continue_response: id, stream: true });
    const deltas = [...text.matchAll(/"response.output_text.delta".*?"delta":"(.*?)"/g)];
    expect(deltas.map(([, delta]) => delta).join("")).toBe("hello there");
    expect(deltas[0]?.[1]).toBe("hello");
  });

  test("counts new tokens, again and again, until nothing is left", async () => {
    await using server = await storeServer("hello there");
    const conversation = await begin(server);
    const first = await server.post(responses, { input: "hi", conversation, max_output_tokens: 2 });
    let id = textAt(first.body, "id");
    for (const known of ["hell", "hello ", "hello th"]) {
      const { body } = await server.post(responses, {
        continue_response: id,
        max_output_tokens: 2,
      });
      expect(await texts(server, conversation)).toEqual(["hi", known]);
      expect(at(body, "usage.output_tokens")).toBe(known.length);
      expect(at(body, "incomplete_details.reason")).toBe("max_output_tokens");
      id = textAt(body, "id");
    }
    const { body } = await server.post(responses, { continue_response: id });
    expect(at(body, "status")).toBe("completed");
    const again = await server.post(responses, { continue_response: textAt(body, "id") });
    expect([again.status, at(again.body, "error.param")]).toEqual([400, "continue_response"]);
  });

  test("keeps the old answer when it fails, and can be tried again", async () => {
    let failure: Error | undefined;
    await using server = await storeServer(() => ({
      tokens: answerTokens("hello"),
      ...(failure && { failure }),
    }));
    const conversation = await begin(server);
    const cut = { input: "hi", conversation, max_output_tokens: 2 };
    const id = textAt((await server.post(responses, cut)).body, "id");
    failure = new LociError("unavailable", "The engine is gone.");
    expect((await server.post(responses, { continue_response: id })).status).toBe(503);
    expect(await texts(server, conversation)).toEqual(["hi", "he"]);
    failure = undefined;
    expect((await server.post(responses, { continue_response: id })).status).toBe(200);
    expect(await texts(server, conversation)).toEqual(["hi", "hello"]);
  });

  test("is for the last answer of a tenant's own conversation", async () => {
    await using server = await storeServer("hello", { apiKeys: ["one", "two"] });
    const [own, other] = ["one", "two"].map((key) => ({ authorization: `Bearer ${key}` }));
    const { body } = await server.post(conversations, {}, own);
    const conversation = textAt(body, "id");
    const cut = { input: "hi", conversation, max_output_tokens: 2 };
    const id = textAt((await server.post(responses, cut, own)).body, "id");
    for (const field of ["continue_response", "regenerate_response"]) {
      expect((await server.post(responses, { [field]: id }, other)).status).toBe(404);
      expect((await server.post(responses, { [field]: "resp_none" }, own)).status).toBe(404);
      const both = { [field]: id, input: "x" };
      expect((await server.post(responses, both, own)).status).toBe(400);
      const elsewhere = { [field]: id, conversation: "conv_other" };
      expect((await server.post(responses, elsewhere, own)).status).toBe(400);
      expect((await server.post(responses, { [field]: id, store: false }, own)).status).toBe(400);
    }
    await server.post(responses, { input: "more", conversation }, own);
    const late = await server.post(responses, { continue_response: id }, own);
    expect([late.status, at(late.body, "error.message")]).toEqual([
      400,
      expect.stringContaining("Branch"),
    ]);
  });

  test("gives the answer that it would have been, wherever it is cut", async () => {
    const answer = "one <b> two é three";
    await using server = await storeServer(answer);
    const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(cuts, async (lengths) => {
        const conversation = await begin(server);
        let body: object = { input: "hi", conversation };
        for (const max_output_tokens of lengths) {
          const reply = await server.post(responses, { ...body, max_output_tokens });
          if (at(reply.body, "status") === "completed") return;
          body = { continue_response: textAt(reply.body, "id") };
        }
        await server.post(responses, body);
        expect(await texts(server, conversation)).toEqual(["hi", answer]);
      }),
      { numRuns: 25, seed: 66 },
    );
  });
});

describe("regenerate_response", () => {
  test("gives another answer to the same prompt in the old one's place", async () => {
    const answers = ["first", "second", "third"];
    await using server = await storeServer(() => ({
      tokens: answerTokens(answers.shift() ?? "later"),
    }));
    const conversation = await begin(server);
    const ask = { input: "hi", conversation, instructions: "Be kind." };
    const one = await server.post(responses, ask);
    const two = await server.post(responses, { regenerate_response: textAt(one.body, "id") });
    expect(two.body).toMatchObject({ status: "completed", instructions: "Be kind." });
    expect(await texts(server, conversation)).toEqual(["hi", "second"]);
    await server.post(responses, { regenerate_response: textAt(two.body, "id") });
    expect(await texts(server, conversation)).toEqual(["hi", "third"]);
    const prompts = server.service.requests.map(({ promptTokens }) => [...promptTokens]);
    expect(prompts[1]).toEqual(prompts[0]);
    expect(prompts[2]).toEqual(prompts[0]);
    const gone = await server.post(responses, { regenerate_response: textAt(one.body, "id") });
    expect(gone.status).toBe(400);
  });

  test("leaves the old answer when it is stopped before a word, or fails", async () => {
    let script: Script = { tokens: answerTokens("first") };
    await using server = await storeServer(() => script);
    const conversation = await begin(server);
    const { body } = await server.post(responses, { input: "hi", conversation });
    const again = { regenerate_response: textAt(body, "id"), background: true };
    script = { tokens: [], startGate: new Gate() };
    const waiting = await server.post(responses, again);
    await server.post(`${responses}/${textAt(waiting.body, "id")}/cancel`, {});
    expect(await texts(server, conversation)).toEqual(["hi", "first"]);
    script = { tokens: [], failure: new LociError("unavailable", "Gone.") };
    expect((await server.post(responses, { ...again, background: false })).status).toBe(503);
    expect(await texts(server, conversation)).toEqual(["hi", "first"]);
  });

  test("is refused where something was said after the answer", async () => {
    await using server = await storeServer("hello");
    const conversation = await begin(server);
    const { body } = await server.post(responses, { input: "hi", conversation });
    const items = [{ role: "user", content: "and" }];
    await server.post(`${conversations}/${conversation}/items`, { items });
    const reply = await server.post(responses, { regenerate_response: textAt(body, "id") });
    expect([reply.status, at(reply.body, "error.param")]).toEqual([400, "regenerate_response"]);
  });
});
