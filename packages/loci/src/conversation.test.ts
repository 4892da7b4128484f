import { LociError } from "@loci/core";
import { Gate } from "@loci/server/testing";
import { expect, test } from "vitest";

import { scriptedEngine } from "./testing/scripted-engine.ts";

test("turns go on with the exact tokens of the last one", async () => {
  await using scripted = scriptedEngine();
  const { engine, service } = scripted;
  const chat = await engine.conversation({ system: "Be short." });
  const first = await chat.ask("Hello");
  await chat.ask("And?");
  const [one, two] = service.requests;
  const whole = [...(one?.promptTokens ?? []), ...first.tokens];
  expect([...(two?.promptTokens ?? [])].slice(0, whole.length)).toEqual(whole);
  expect((await chat.history()).map(({ role, text }) => [role, text])).toEqual([
    ["system", "Be short."],
    ["user", "Hello"],
    ["assistant", "yes"],
    ["user", "And?"],
    ["assistant", "yes"],
  ]);
});

test("an id finds its conversation again, whoever opened it", async () => {
  await using scripted = scriptedEngine();
  const { engine, service } = scripted;
  const chat = await engine.conversation({ id: "mine", system: "Be short." });
  await chat.ask("Hello");
  const again = await engine.conversation({ id: "mine", system: "not taken" });
  await again.ask("And?");
  expect(await again.history()).toEqual(await chat.history());
  const [one, two] = service.requests;
  expect([...(two?.promptTokens ?? [])].slice(0, one?.promptTokens.length)).toEqual([
    ...(one?.promptTokens ?? []),
  ]);
  await expect(engine.conversation({ id: "a b" })).rejects.toMatchObject({ param: "id" });
});

test("what a broken-off answer had said stays, and the next turn goes on from there", async () => {
  const tokenGate = new Gate();
  await using scripted = scriptedEngine(() => ({
    tokens: [...Buffer.from("abc")],
    tokenGate,
  }));
  const { engine, service } = scripted;
  const chat = await engine.conversation();
  tokenGate.open(2);
  const abort = new AbortController();
  const answer = chat.ask("Hello", { signal: abort.signal });
  await service.until(() => service.generatedTokens === 2);
  abort.abort();
  await expect(answer).rejects.toMatchObject({ code: "cancelled" });
  expect(await chat.history()).toMatchObject([
    { role: "user", text: "Hello", isComplete: true },
    { role: "assistant", text: "ab", isComplete: false },
  ]);
  tokenGate.open(3);
  await chat.ask("And?");
  const [one, two] = service.requests;
  const whole = [...(one?.promptTokens ?? []), ...Buffer.from("ab")];
  expect([...(two?.promptTokens ?? [])].slice(0, whole.length)).toEqual(whole);
});

test("a question that got no answer leaves nothing, whatever went wrong", async () => {
  const failures = [
    { refusal: new LociError("queue_full", "Full.") },
    { failure: new Error("broke") },
  ];
  for (const failure of failures) {
    await using scripted = scriptedEngine(() => ({ tokens: [], ...failure }));
    const chat = await scripted.engine.conversation();
    await expect(chat.ask("Hello")).rejects.toBeInstanceOf(LociError);
    expect(await chat.history()).toEqual([]);
    scripted.service.script = () => ({ tokens: [97] });
    expect((await chat.ask("Hello")).text).toBe("a");
  }
});

test("one turn at a time: a second one is refused, also through another object", async () => {
  const tokenGate = new Gate();
  await using scripted = scriptedEngine(() => ({ tokens: [97], tokenGate }));
  const { engine, service } = scripted;
  const chat = await engine.conversation({ id: "c" });
  const same = await engine.conversation({ id: "c" });
  const first = chat.ask("Hello");
  await service.until(() => service.requests.length === 1);
  await expect(chat.ask("And?")).rejects.toMatchObject({ code: "conversation_busy" });
  await expect(same.ask("And?")).rejects.toMatchObject({ code: "conversation_busy" });
  await expect(chat.delete()).rejects.toMatchObject({ code: "conversation_busy" });
  tokenGate.open(2);
  await first;
  expect((await same.ask("And?")).text).toBe("a");
});

test("a branch begins with the same messages and tokens, and goes its own way", async () => {
  await using scripted = scriptedEngine();
  const { engine, service } = scripted;
  const chat = await engine.conversation();
  await chat.ask("Hello");
  await chat.ask("And?");
  const before = await chat.history();
  const branch = await chat.branch(before[1]?.id);
  await branch.ask("Or?");
  expect(await chat.history()).toEqual(before);
  expect((await branch.history()).map(({ text }) => text)).toEqual(["Hello", "yes", "Or?", "yes"]);
  const [one, , three] = service.requests;
  const whole = [...(one?.promptTokens ?? []), ...Buffer.from("yes")];
  expect([...(three?.promptTokens ?? [])].slice(0, whole.length)).toEqual(whole);
  await expect(chat.branch("nothing")).rejects.toMatchObject({ code: "not_found" });
});

test("deleting takes away what the caches hold of it, too", async () => {
  await using scripted = scriptedEngine();
  const { engine, service, erased } = scripted;
  const chat = await engine.conversation();
  await chat.ask("Hello");
  await chat.delete();
  const whole = [...(service.requests[0]?.promptTokens ?? []), ...Buffer.from("yes")];
  expect(erased.map(({ tokens }) => Array.from(tokens))).toEqual([whole]);
  await expect(chat.history()).rejects.toMatchObject({ code: "not_found" });
  await expect(chat.ask("And?")).rejects.toMatchObject({ code: "not_found" });
});

test("the store's conversations are listed, the last changed first, and searched", async () => {
  await using scripted = scriptedEngine();
  const { engine } = scripted;
  const ids: string[] = [];
  for (const text of ["Tell me of whales", "Tell me of ants"]) {
    const chat = await engine.conversation();
    await chat.ask(text);
    ids.push(chat.id);
  }
  const found: string[] = [];
  for await (const { id, title } of engine.conversations({ query: "whales" })) {
    if (ids.includes(id)) found.push(title);
  }
  expect(found).toEqual(["Tell me of whales"]);
  const listed: string[] = [];
  for await (const { id } of engine.conversations()) listed.push(id);
  expect(listed).toEqual(expect.arrayContaining(ids));
});
