import { expect, test } from "vitest";

import { completeCommand } from "./chat-commands.ts";
import { Conversation } from "./conversation.ts";

const unset = { maxTokens: null, temperature: null };
const bare = { system: null, ...unset };

test("turns accumulate, the system message comes first", () => {
  const conversation = new Conversation({ ...bare, system: "Be brief." });
  conversation.take("hello");
  conversation.answered("Hi.");
  expect(conversation.take(" and now? \n")).toEqual({
    type: "ask",
    turns: [
      { role: "system", content: "Be brief." },
      { role: "user", content: "hello" },
      { role: "assistant", content: "Hi." },
      { role: "user", content: "and now?" },
    ],
    sampling: unset,
  });
});

test("a question without any answer is taken back, a stopped answer stays", () => {
  const conversation = new Conversation(bare);
  conversation.take("one");
  conversation.answered("");
  conversation.take("two");
  conversation.answered("half an ans");
  const step = conversation.take("three");
  expect(step.type === "ask" && step.turns.map((turn) => turn.content)).toEqual([
    "two",
    "half an ans",
    "three",
  ]);
});

test("commands", () => {
  const conversation = new Conversation(bare);
  conversation.take("before");
  conversation.answered("yes");
  expect(conversation.take("/system Speak\nlike a pirate").type).toBe("say");
  expect(conversation.take("x")).toMatchObject({
    turns: [{ role: "system", content: "Speak\nlike a pirate" }, { content: "x" }],
  });
  conversation.answered("arr");
  expect(conversation.take("/reset").type).toBe("say");
  expect(conversation.take("y")).toMatchObject({ turns: [{ role: "system" }, { content: "y" }] });
  conversation.answered("z");
  expect(conversation.take("/help")).toMatchObject({ type: "say" });
  expect(conversation.take("/exit")).toEqual({ type: "exit" });
  expect(conversation.take("  \n")).toEqual({ type: "nothing" });
});

test("a path or an unknown command is a message", () => {
  const conversation = new Conversation(bare);
  expect(conversation.take("/etc/hosts is a file").type).toBe("ask");
  conversation.answered("yes");
  expect(conversation.take("/frobnicate").type).toBe("ask");
});

test("an answer can be asked for again, or taken back with its question", () => {
  const conversation = new Conversation(bare);
  expect(conversation.take("/retry")).toMatchObject({ type: "say" });
  expect(conversation.take("/undo")).toMatchObject({ type: "say" });
  conversation.take("one");
  conversation.answered("first");
  expect(conversation.take("/retry")).toMatchObject({ turns: [{ content: "one" }] });
  conversation.answered("second");
  conversation.take("two");
  conversation.answered("third");
  conversation.take("/undo");
  expect(conversation.take("three")).toMatchObject({
    turns: [{ content: "one" }, { content: "second" }, { content: "three" }],
  });
});

test("sampling can be set for what follows", () => {
  const conversation = new Conversation({ ...bare, maxTokens: 7 });
  expect(conversation.take("/set temperature 0.25")).toMatchObject({ type: "say" });
  expect(conversation.take("a")).toMatchObject({ sampling: { maxTokens: 7, temperature: 0.25 } });
  conversation.answered("b");
  for (const wrong of ["/set temperature hot", "/set max-tokens 0", "/set speed 3", "/set"]) {
    expect(conversation.take(wrong)).toMatchObject({ type: "say" });
  }
  conversation.take("/set max-tokens");
  expect(conversation.take("c")).toMatchObject({
    sampling: { maxTokens: null, temperature: 0.25 },
  });
});

test.each([
  ["/", ["/system ", "/reset", "/retry", "/undo", "/set ", "/exit", "/help"]],
  ["/re", ["/reset", "/retry"]],
  ["/set m", ["max-tokens "]],
  ["hello", []],
  ["/etc/ho", []],
])("%s completes to %j", (line, expected) => expect(completeCommand(line)[0]).toEqual(expected));
