import { expect, test } from "vitest";

import { Conversation } from "./conversation.ts";

test("turns accumulate, the system message comes first", () => {
  const conversation = new Conversation("Be brief.");
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
  });
});

test("a question without any answer is taken back, a stopped answer stays", () => {
  const conversation = new Conversation(null);
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
  const conversation = new Conversation(null);
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
  const conversation = new Conversation(null);
  expect(conversation.take("/etc/hosts is a file").type).toBe("ask");
  conversation.answered("yes");
  expect(conversation.take("/frobnicate").type).toBe("ask");
});
