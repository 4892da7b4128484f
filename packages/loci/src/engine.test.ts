import { LociError } from "@loci/core";
import { Gate } from "@loci/server/testing";
import { expect, test } from "vitest";

import type { GenerateOptions } from "./answer-options.ts";
import { scriptedEngine } from "./testing/scripted-engine.ts";

const hello = [{ role: "user", content: "Hello" }];

test("events come as the engine makes them, each with its text; the whole answer joins them", async () => {
  await using scripted = scriptedEngine(() => ({ tokens: [...Buffer.from("né")] }));
  const { engine } = scripted;
  const types: string[] = [];
  let text = "";
  for await (const event of engine.generate({ prompt: "a" })) {
    types.push(event.type);
    text += event.text;
  }
  expect(types).toEqual(["started", "token", "token", "token", "finished"]);
  expect(text).toBe("né");
  expect(await engine.complete({ messages: hello })).toMatchObject({
    text: "né",
    reason: "stop",
    tokens: Int32Array.from(Buffer.from("né")),
    usage: { completionTokens: 3 },
  });
});

test("a chat that goes on with an answer keeps its exact tokens", async () => {
  await using scripted = scriptedEngine();
  const { engine, service } = scripted;
  const { text, tokens } = await engine.complete({ messages: hello });
  const more = [...hello, { role: "assistant", content: text }, { role: "user", content: "And?" }];
  await engine.complete({ messages: more });
  const [first, second] = service.requests;
  const whole = [...(first?.promptTokens ?? []), ...tokens];
  expect([...(second?.promptTokens ?? [])].slice(0, whole.length)).toEqual(whole);
  expect(second?.sessionKey).toBe(first?.sessionKey);
});

test("leaving the loop ends the answer, and so does its signal, with an error", async () => {
  const tokenGate = new Gate();
  await using scripted = scriptedEngine(() => ({ tokens: [97, 98, 99], tokenGate }));
  const { engine, service } = scripted;
  tokenGate.open(1);
  for await (const event of engine.generate({ prompt: "a" })) {
    if (event.type === "token") break;
  }
  expect(service.live).toBe(0);
  const abort = new AbortController();
  const answer = engine.complete({ prompt: "a", signal: abort.signal });
  await service.until(() => service.requests.length === 2);
  abort.abort(new Error("enough"));
  await expect(answer).rejects.toMatchObject({ code: "cancelled", cause: { message: "enough" } });
  const never = engine.complete({ prompt: "a", signal: AbortSignal.abort() });
  await expect(never).rejects.toMatchObject({ code: "cancelled" });
  expect(service.requests).toHaveLength(2);
});

test("what cannot be asked for is refused before anything runs", async () => {
  await using scripted = scriptedEngine();
  const { engine, service } = scripted;
  const refused: readonly [object, string][] = [
    [{}, "Give a prompt or messages"],
    [{ prompt: "a", messages: hello }, "Give a prompt or messages"],
    [{ messages: [] }, "at least one message"],
    [{ messages: [{ role: "user" }] }, "a role and a content"],
    [{ messages: hello, tools: {} }, "tools is a list"],
    [{ messages: hello, templateVariables: { messages: 1 } }, "cannot be set"],
    [{ messages: [{ role: "user", content: "a", toolCalls: 1 }] }, "a role and a content"],
    [{ prompt: "a", tenant: "" }, "tenant is a text"],
    [{ prompt: "a", session: 7 }, "session is a text"],
    [{ prompt: "" }, "no tokens"],
    [{ prompt: [-1] }, "no token id"],
    [{ prompt: [1e6] }, "outside the model's vocabulary"],
    [{ prompt: "a", temprature: 1 }, "Did you mean temperature?"],
    [{ prompt: "a", temperature: 3 }, "from 0 to 2"],
    [{ prompt: "a", maxTokens: 2, minTokens: 3 }, "larger than maxTokens"],
    [{ prompt: "a", stop: ["a", "b", "c", "d", "e"] }, "at most 4"],
    [{ prompt: "a", grammar: "root ::= [a]", jsonSchema: {} }, "exclude each other"],
  ];
  for (const [options, message] of refused) {
    // As from JavaScript, which no types hold back.
    const given: GenerateOptions = JSON.parse(JSON.stringify(options));
    const asked = engine.complete(given);
    await expect(asked).rejects.toThrow(message);
    await expect(asked).rejects.toBeInstanceOf(LociError);
  }
  const long = engine.complete({ prompt: "a".repeat(100_000) });
  await expect(long).rejects.toMatchObject({ code: "context_length_exceeded" });
  expect(service.requests).toEqual([]);
});

test("text and tokens", async () => {
  await using scripted = scriptedEngine();
  const { engine } = scripted;
  const tokens = await engine.tokenize("né");
  expect([...tokens]).toEqual([...Buffer.from("né")]);
  expect(await engine.detokenize(tokens)).toBe("né");
  expect(await engine.countTokens("né")).toBe(3);
  expect(await engine.countTokens("ab")).toBe(1);
  expect(await engine.countTokens({ messages: hello })).toBeGreaterThan(5);
});

test("a closed engine says so, and closing twice is closing once", async () => {
  await using scripted = scriptedEngine();
  const { engine } = scripted;
  await Promise.all([engine.close(), engine.close()]);
  await expect(engine.complete({ prompt: "a" })).rejects.toMatchObject({ code: "unavailable" });
  await expect(engine.conversation()).rejects.toMatchObject({ code: "unavailable" });
  expect(() => engine.stats()).toThrow("closed");
});
